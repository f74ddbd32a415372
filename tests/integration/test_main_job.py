"""The main job, from a clean copy of the project: provision, train, serve, ask, lose the service, rebuild, destroy."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.exit_status import ExitStatus
from infra.local import process
from tests.cli.yard import ROOT, Result, yard
from trainyard_serving.triton import SHARED_MEMORY, shared_memory_prefix, triton_unavailable_reason

TRITON = os.environ.get("TRAINYARD_TRITON_VENV", str(ROOT / ".venv-triton"))
NO_TRITON = triton_unavailable_reason({**os.environ, "TRAINYARD_TRITON_VENV": TRITON})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The files that a user's clone would have, in a folder of their own."""
    folder = tmp_path / "clone"
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py"):
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("infra", "planning", "workloads"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "image"))
    yield folder
    if (folder / ".pulumi").exists():
        in_project(folder, "destroy", "--yes")


def in_project(folder: Path, *arguments: str) -> Result:
    return yard(*arguments, "-C", str(folder), environment={"TRAINYARD_TRITON_VENV": TRITON})


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process that works in or for the folder."""
    found = []
    for each in psutil.process_iter():
        try:
            if str(folder) in " ".join(each.cmdline()) or each.cwd().startswith(str(folder)):
                found.append(each)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_provision_train_serve_and_leave_nothing(project: Path, tmp_path: Path) -> None:
    up = in_project(project, "up", "--yes")
    assert up.code == ExitStatus.SUCCESS, up.out + up.err
    assert "Everything in the local cloud" in up.out, "the user is told that it is held in memory"

    unchanged = in_project(project, "preview", "--expect-no-changes")
    assert unchanged.code == ExitStatus.SUCCESS, unchanged.out

    model = tmp_path / "model"
    got = in_project(project, "artifacts", "get", str(model))
    assert got.code == ExitStatus.SUCCESS, got.err
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["metrics"]["test_accuracy"] >= 0.97
    assert (model / "model.onnx").stat().st_size == next(
        artifact["bytes"] for artifact in manifest["artifacts"] if artifact["name"] == "model.onnx"
    )

    if NO_TRITON is None:
        for protocol in ("http", "grpc"):
            predicted = in_project(project, "predict", "--protocol", protocol)
            assert predicted.code == ExitStatus.SUCCESS, predicted.err
            accuracy = re.search(r"accuracy (\d\.\d+) on \d+ test images", predicted.out)
            assert accuracy is not None
            assert float(accuracy[1]) == pytest.approx(manifest["metrics"]["test_accuracy"], abs=1e-3)
        kill_server(project)
        wait_until_it_predicts(project)
        kill_service(project)
        noticed = in_project(project, "preview", "--expect-no-changes")
        assert noticed.code == ExitStatus.CHANGES, noticed.out
        assert "Service serving" in noticed.out
        assert "Job training" not in noticed.out, "only what is gone is built again"
        assert in_project(project, "up", "--yes").code == ExitStatus.SUCCESS
        assert in_project(project, "predict").code == ExitStatus.SUCCESS
    else:
        assert "inference service is left out" in up.out

    files = [path for path in (project / ".pulumi").rglob("*") if path.is_file()]
    written = [up.out + up.err, *(path.read_text(errors="replace") for path in files)]
    environments = environment_of_processes(project)
    for variable in ["TRAINYARD_ADMINISTRATOR_SECRET", *(["AWS_SECRET_ACCESS_KEY"] if NO_TRITON is None else [])]:
        secrets = re.findall(rf"^{variable}=(\S+)", environments, re.MULTILINE)
        assert secrets, f"no process has {variable}"
        for secret in secrets:
            assert not [text for text in written if secret in text], variable

    if NO_TRITON is None:
        kill_server(project)
    destroyed = in_project(project, "destroy", "--yes")
    assert destroyed.code == ExitStatus.SUCCESS, destroyed.out
    assert processes_of(project) == []
    work_dir = project / ".pulumi" / "local" / "local" / "serving" / "work"
    assert list(SHARED_MEMORY.glob(f"{shared_memory_prefix(str(work_dir))}*")) == []
    assert sorted(path.name for path in (project / ".pulumi").iterdir()) == [
        "backups",
        "history",
        "locks",
        "meta.yaml",
        "stacks",
    ]


def kill_server(folder: Path) -> None:
    """Kills tritonserver as an out-of-memory killer would."""
    servers = [each for each in processes_of(folder) if each.name().startswith("triton")]
    assert servers, [each.cmdline() for each in processes_of(folder)]
    for server in servers:
        server.send_signal(signal.SIGKILL)
    psutil.wait_procs(servers, timeout=10)


def kill_service(folder: Path) -> None:
    """Kills all of the service, and what would start it again, as a machine that is switched off would."""
    stack = folder / ".pulumi" / "local" / "local"
    killed = [each for name in ("serving", "serving-front") for each in process.processes_of(stack / name)]
    for each in killed:
        each.kill()
    process.wait_for_end(killed, 10)


def wait_until_it_predicts(folder: Path) -> None:
    """Waits until the service has been started again, which nobody is asked to do."""
    deadline = time.monotonic() + 60
    while (told := in_project(folder, "predict")).code != ExitStatus.SUCCESS:
        assert time.monotonic() < deadline, told.err
        time.sleep(0.5)


def environment_of_processes(folder: Path) -> str:
    """The environments of the folder's processes, one variable a line."""
    lines = []
    for each in processes_of(folder):
        try:
            lines += [f"{name}={value}" for name, value in each.environ().items()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return "\n".join(lines)


def test_the_command_that_make_up_runs_exists() -> None:
    makefile = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "up"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert ".venv/bin/yard up -s local --yes" in makefile
