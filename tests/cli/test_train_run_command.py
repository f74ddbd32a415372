"""`yard train -s STACK` and `--resume`: what they refuse, what they say, and how they end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.application import run
from cli.exit_status import ExitStatus
from cli.train_run import status_of
from cli.train_signals import HandedOver, run_signals
from lifecycle.runs.detached import start_detached, start_workflow, workflow_command
from lifecycle.runs.errors import RunError
from lifecycle.runs.folder import RunFolder, list_runs, runs_folder
from lifecycle.runs.record import RunLeftover, RunRecord
from tests.cli.yard import make_file_project, make_project
from tests.engine.policy_packs import policy_python, write_pack

RECORD = {
    "project": "shop",
    "stack": "dev",
    "cloud": "local",
    "created": "2026-11-26T12:00:00Z",
    "updated": "2026-11-26T12:00:00Z",
    "phase": "up",
    "max_hours": 1.0,
    "max_cost_usd": 0.0,
    "expires_at": "2026-11-26T14:00:00Z",
}


def make_run(project: Path, run_id: str = "20261126-120000-0000", **fields: object) -> RunFolder:
    folder = RunFolder(runs_folder(project) / run_id)
    folder.write(RunRecord.model_validate({**RECORD, "id": run_id, **fields}))
    return folder


def yard(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and what was printed, on one line."""
    code = run(list(arguments), None)
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no(args, report):
    report("There may be none.")

PolicyPack("none", [ResourceValidationPolicy("none", "No files.", no, EnforcementLevel.MANDATORY)])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "shop", "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-s", "nope"], ExitStatus.CONFIGURATION, "--stack is 'nope': must be a stack with a file"),
        (["-s", "local", "--max-hours", "0"], ExitStatus.CONFIGURATION, "--max-hours is 0: must be more than 0"),
        (["-s", "local", "--max-hours", "x"], ExitStatus.CONFIGURATION, "Invalid value for '--max-hours'"),
        (["-s", "local", "--max-cost", "-1"], ExitStatus.CONFIGURATION, "--max-cost is -1: must be 0 or more"),
        (["-s", "local", "--override", "x"], ExitStatus.CONFIGURATION, "--override is 'x': must be unverified-art"),
        (["--yes"], ExitStatus.CONFIGURATION, "give --stack STACK for a new run, or --resume [ID]"),
        (["-s", "local", "--resume"], ExitStatus.CONFIGURATION, "give --stack STACK for a new run, or --resume"),
        (["-s", "local", "list"], ExitStatus.CONFIGURATION, "--stack and list exclude each other"),
        (["--resume"], ExitStatus.STACK_NOT_FOUND, "there is no unfinished run to go on with"),
        (["--resume", "x"], ExitStatus.STACK_NOT_FOUND, "'x' is not a run: must be YYYYMMDD-HHMMSS-xxxx"),
        (["--resume", "20261126-120000-0000"], ExitStatus.STACK_NOT_FOUND, "there is no run '20261126-120000-0000'"),
    ],
)
def test_what_cannot_be_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: ExitStatus, message: str
) -> None:
    status, said = yard(capsys, "train", "-C", str(project), *arguments)
    assert (status, message in said) == (code, True), said
    assert not list_runs(project)
    assert not (project / ".pulumi").exists()


def test_a_program_that_refuses_its_settings_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "shop", "import pulumi\nraise pulumi.RunError('epochs = 0: must be 1 or more')")
    status, said = yard(capsys, "train", "-s", "local", "-C", str(project), "--yes")
    assert (status, "epochs = 0: must be 1 or more" in said) == (ExitStatus.CONFIGURATION, True), said
    assert "nothing was created" in said
    assert not list_runs(project)
    assert not (project / ".pulumi" / "stacks").exists()


def test_a_run_that_nobody_confirms_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "shop", "import pulumi\npulumi.export('a', 1)\n")
    with open(os.devnull) as nothing, pytest.MonkeyPatch.context() as patch:  # noqa: PTH123
        patch.setattr(sys, "stdin", nothing)
        status, said = yard(capsys, "train", "-s", "local", "-C", str(project))
    assert (status, "there is no terminal to ask on: add --yes" in said) == (ExitStatus.CONFIGURATION, True), said
    assert "1 resources would be created at most 2 h, 0.00 USD at most" in said
    assert "will be in clear text in" in said
    assert not list_runs(project)


def test_several_unfinished_runs_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(project, phase="done", outcome="succeeded")
    make_run(project, "20261126-130000-0001")
    make_run(project, "20261126-140000-0002", phase="destroy", stack="other")
    status, said = yard(capsys, "train", "--resume", "-C", str(project))
    assert status == ExitStatus.CONFIGURATION
    assert "several unfinished runs: say which, --resume ID 20261126-130000-0001 stack dev, next: up" in said
    assert "20261126-140000-0002 stack other, next: destroy" in said
    assert "20261126-120000-0000" not in said


def test_a_finished_run_is_not_resumed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(project, phase="done", outcome="stopped")
    status, said = yard(capsys, "train", "--resume", folder.id, "-C", str(project))
    assert (status, f"run {folder.id} is over already (stopped)" in said) == (ExitStatus.CONFIGURATION, True)


def test_a_run_that_somebody_works_on_is_not_resumed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(project)
    with folder.lock():
        status, said = yard(capsys, "train", "--resume", "-C", str(project))
        assert (status, f"being worked on by process {os.getpid()}" in said) == (ExitStatus.ERROR, True)
        status, said = yard(capsys, "train", "-s", "dev", "-C", str(project))
    assert folder.read().resumed == 0


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"outcome": "succeeded"}, ExitStatus.SUCCESS),
        ({"outcome": "stopped"}, ExitStatus.CANCELLED),
        ({"outcome": "failed", "cause": "resource"}, ExitStatus.RESOURCE),
        ({"outcome": "failed", "cause": "policy"}, ExitStatus.POLICY),
        ({"outcome": "failed", "cause": "configuration"}, ExitStatus.CONFIGURATION),
        ({"outcome": "failed", "cause": "artifacts"}, ExitStatus.ERROR),
        ({"outcome": "succeeded", "leftovers": (RunLeftover(kind="volume", id="v"),)}, ExitStatus.LEFTOVERS),
        ({"outcome": "failed", "leftovers": (RunLeftover(kind="volume", id="v"),)}, ExitStatus.LEFTOVERS),
    ],
)
def test_the_exit_code_says_how_it_ended(fields: dict[str, object], status: ExitStatus) -> None:
    record = RunRecord.model_validate({**RECORD, "id": "20261126-120000-0000", "phase": "done", **fields})
    assert status_of(record) == status


def test_a_detached_run_goes_on_in_a_session_of_its_own(project: Path) -> None:
    folder = make_run(project, detached=True)
    script = "import os, sys; print(os.getsid(0) == os.getpid(), *sys.argv[1:], flush=True)"
    pid = start_detached(folder, [sys.executable, "-c", script], options=["--override", "unverified-artifacts"])
    os.waitpid(pid, 0)
    assert folder.log.read_text().split() == (
        f"True train --resume {folder.id} --cwd {project} --yes --override unverified-artifacts".split()
    )


def test_a_detached_run_of_a_cloud_is_started_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = workflow_command("dev", 8.0, 25.0, with_service=True)
    fields = ["-f", "stack=dev", "-f", "max_hours=8", "-f", "max_cost=25", "-f", "with_service=true"]
    assert command == ["gh", "workflow", "run", "train.yml", *fields]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match=r"there is no gh on PATH.*or run:  gh workflow run train.yml -f stack=dev"):
        start_workflow(tmp_path, command)
    (tmp_path / "gh").write_text('#!/bin/sh\necho "$@" > said\n[ "$3" = train.yml ]\n')
    (tmp_path / "gh").chmod(0o755)
    start_workflow(tmp_path, command)
    assert (tmp_path / "said").read_text().split() == command[1:]
    with pytest.raises(RunError, match="ended with exit code 1: the run was not started"):
        start_workflow(tmp_path, ["gh", "workflow", "run", "other.yml"])


def test_a_cloud_s_stack_is_not_detached_without_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "shop", "", config="config:\n  shop:cloud: aws\n", stack="dev")
    monkeypatch.setenv("PATH", str(tmp_path))
    status, said = yard(capsys, "train", "-s", "dev", "--detach", "--max-cost", "5", "-C", str(project))
    assert (status, "gh workflow run train.yml -f stack=dev -f max_hours=2 -f max_cost=5" in said) == (1, True), said


STOPS = """#!/bin/sh
trap 'echo stopped > said; exit 1' INT
echo ready
while :; do sleep 0.05; done
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_cli_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    (tmp_path / "pulumi").write_text(STOPS)
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setattr(sys, "stdin", (tmp_path / "pulumi").open())
    handed_over = False
    with subprocess.Popen([tmp_path / "pulumi"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as deployment:
        assert deployment.stdout
        assert deployment.stdout.readline() == "ready\n"
        try:
            with run_signals():
                os.kill(os.getpid(), number)
        except HandedOver:
            handed_over = True
    assert (tmp_path / "said").read_text() == "stopped\n"
    assert handed_over == (number == signal.SIGTERM)


def test_ctrl_c_ends_a_run_that_deploys_nothing() -> None:
    with pytest.raises(KeyboardInterrupt), run_signals():
        os.kill(os.getpid(), signal.SIGINT)


def test_the_group_s_commands_are_as_they_were(project: Path) -> None:
    listed = subprocess.run(
        [sys.executable, str(Path(__file__).parents[2] / "scripts" / "yard.py"), "train", "list", "-C", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (listed.returncode, "Traceback" in listed.stderr) == (0, False), listed


def test_what_a_mandatory_policy_objects_to_is_never_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = 'import pathlib\nfrom files import File\nFile("first", f"{pathlib.Path.cwd()}/first", "x")\n'
    project = make_file_project(tmp_path / "shop", program)
    pack = write_pack(project / "pack", PACK)
    virtualenv = Path(policy_python()).parent.parent
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime:\n  name: python\n  options:\n    virtualenv: {virtualenv}\nversion: 1.0.0\n"
    )
    arguments = ("-C", str(project), "-s", "local", "--policy-pack", str(pack), "--yes")
    code, said = yard(capsys, "train", *arguments)
    assert (code, "policy none: " in said) == (ExitStatus.POLICY, True), said
    assert "nothing was created" in said
    assert list_runs(project) == []
    assert not (project / "first").exists()
