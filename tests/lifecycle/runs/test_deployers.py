"""Both engines behind one seam: the embedded one here, the real Pulumi CLI where it is on PATH."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import yaml

from engine.errors import EngineError
from engine.values import Secret, strip_secrets
from lifecycle.deployer import Deployer, deployer_for
from lifecycle.deployer_automation import AutomationDeployer
from lifecycle.deployer_embedded import EmbeddedDeployer
from lifecycle.runs.errors import RunError
from tests.cli.yard import make_file_project

PROGRAM = """
import asyncio, os, pulumi
from files import File

async def waited():
    while os.path.exists("wait"):
        await asyncio.sleep(0.05)
    return "late"

content = pulumi.Config().require("content")
pulumi.export("content", content)
pulumi.export("hidden", pulumi.Output.secret("s3cret"))
File("a", os.path.join(os.getcwd(), "a.txt"), content)
File("b", os.path.join(os.getcwd(), "b.txt"), pulumi.Output.from_input(waited()))
"""
UP = """
import sys
from pathlib import Path
from lifecycle.deployer_automation import AutomationDeployer
AutomationDeployer(Path(sys.argv[1]), "local", sys.argv[2]).up(lambda line: None)
"""
ROOT = Path(__file__).parents[3]
NO_PULUMI = "the command pulumi is not on PATH"
real = [
    pytest.mark.pulumi_cli,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason=NO_PULUMI),
    pytest.mark.skipif(
        importlib.util.find_spec("pip") is None,
        reason="pip is not installed; the Pulumi command lists packages with it",
    ),
]


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")


def make_project(folder: Path) -> tuple[Path, Path]:
    """A project whose stack says `own`, and another configuration of it that says `other`."""
    project = make_file_project(folder / "project", PROGRAM, config="config:\n  shop:content: own\n")
    other = folder / "run" / "Pulumi.local.yaml"
    other.parent.mkdir()
    other.write_text("config:\n  shop:content: other\n")
    return project, other


def make_deployer(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Deployer, Path]:
    project, other = make_project(folder)
    if kind == "embedded":
        return EmbeddedDeployer(project, "local", str(other)), project
    path = project / "Pulumi.yaml"
    document = yaml.safe_load(path.read_text())
    document["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    path.write_text(yaml.safe_dump(document))
    (folder / "state").mkdir()
    for name, value in {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_RUNTIME_VIRTUALENV": sys.prefix,
    }.items():
        monkeypatch.setenv(name, value)
    return AutomationDeployer(project, "local", str(other)), project


@pytest.fixture(params=["embedded", pytest.param("automation", marks=real)])
def deployed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Deployer, Path]:
    return make_deployer(request.param, tmp_path, monkeypatch)


def test_a_stack_is_made_by_another_configuration_and_removed(deployed: tuple[Deployer, Path]) -> None:
    deployer, project = deployed
    own = (project / "Pulumi.local.yaml").read_bytes()
    shown: list[str] = []
    assert (deployer.resources(), deployer.outputs()) == ([], {})
    planned = deployer.preview(shown.append)
    assert planned.result.succeeded
    assert planned.document["config"]["shop:content"] == "other"
    assert [step["op"] for step in planned.document["steps"]] == ["create"] * 3
    assert not (project / "a.txt").exists()

    result = deployer.up(shown.append)
    assert result.succeeded, shown
    assert result.changes["create"] == 3
    assert (project / "a.txt").read_text() == "other"
    assert any("created" in line for line in shown)
    outputs = deployer.outputs()
    assert outputs["content"] == "other"
    assert isinstance(outputs["hidden"], Secret)
    assert strip_secrets(outputs["hidden"]) == "s3cret"
    assert not any("s3cret" in line for line in shown)
    there = sorted((each.type.rpartition(":")[2], each.id) for each in deployer.resources())
    assert there == [("File", "a.txt"), ("File", "b.txt")]

    assert deployer.destroy(shown.append).succeeded
    assert not (project / "a.txt").exists()
    assert deployer.resources() == []
    assert (project / "Pulumi.local.yaml").read_bytes() == own


def test_a_failure_says_what_failed(deployed: tuple[Deployer, Path], tmp_path: Path) -> None:
    deployer, _ = deployed
    (tmp_path / "run" / "Pulumi.local.yaml").write_text("config:\n  shop:content: broken\n")
    result = deployer.up(lambda _: None)
    assert (result.outcome, result.cause) == ("failed", "resource")
    assert "the disk says no" in result.reason
    assert deployer.destroy(lambda _: None).succeeded


def test_a_deployment_that_goes_on_is_stopped(deployed: tuple[Deployer, Path]) -> None:
    deployer, project = deployed
    (project / "wait").touch()
    over = threading.Event()

    def stop() -> None:
        while not (project / "a.txt").exists() and not over.wait(0.05):
            pass
        deployer.cancel()
        if not over.wait(10):
            deployer.cancel()

    stopper = threading.Thread(target=stop)
    stopper.start()
    result = deployer.up(lambda _: None)
    over.set()
    stopper.join()
    assert result.outcome == "cancelled"
    assert deployer.destroy(lambda _: None).succeeded
    assert deployer.resources() == []


def test_nothing_to_cancel_is_no_error(tmp_path: Path) -> None:
    EmbeddedDeployer(tmp_path, "local").cancel()


def test_a_failed_preview_shows_why(tmp_path: Path) -> None:
    project, other = make_project(tmp_path)
    other.write_text("config: {}\n")
    shown: list[str] = []
    planned = EmbeddedDeployer(project, "local", str(other)).preview(shown.append)
    assert planned.result.outcome == "failed"
    assert any("shop:content" in line for line in shown)


def test_the_cloud_decides_who_deploys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, other = make_project(tmp_path)
    assert isinstance(deployer_for(project, "local"), EmbeddedDeployer)
    other.write_text("config:\n  shop:cloud: aws\n")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match=r"stack local needs the Pulumi CLI.*\nInstall it:"):
        deployer_for(project, "local", str(other))
    other.write_text("config: [\n")
    with pytest.raises(EngineError, match=r"Pulumi.local.yaml"):
        deployer_for(project, "local", str(other))


@pytest.mark.parametrize("victim", [pytest.param("parent", marks=real), pytest.param("pulumi", marks=real)])
def test_a_killed_deployment_of_the_cli_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    deployer, project = make_deployer("automation", tmp_path, monkeypatch)
    (project / "wait").touch()
    command = [sys.executable, "-c", UP, str(project), str(tmp_path / "run" / "Pulumi.local.yaml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        while not (project / "a.txt").exists():
            assert parent.poll() is None
            time.sleep(0.05)
        victims = psutil.Process(parent.pid).children() if victim == "pulumi" else [parent]
        for process in victims:
            process.kill()
    # The deployment that has lost its parent goes on until it is stopped; the lock of a dead one is given back.
    result = deployer.destroy(lambda _: None)
    assert result.succeeded, result.reason
    assert not (project / "a.txt").exists()


DIES_AT_ONCE = """
import os, sys
from pathlib import Path
from engine.host_process import HostProcess
from engine.session import Request
request = Request(action="update", dry_run=False, directory=Path(sys.argv[1]), stack="local")
stream = HostProcess().process.stdin
stream.write(request.encode().encode() + b"\\n")
stream.flush()
os.kill(os.getpid(), 9)
"""


def test_the_engine_of_a_command_that_dies_at_once_is_waited_for(tmp_path: Path) -> None:
    project = make_file_project(tmp_path / "project", "import time\ntime.sleep(20)\n")
    subprocess.run([sys.executable, "-c", DIES_AT_ONCE, str(project)], cwd=ROOT, check=False)
    locks = project / ".pulumi" / "locks" / "organization" / "shop" / "local"
    while not list(locks.glob("*.json")):
        time.sleep(0.01)
    shown: list[str] = []
    assert EmbeddedDeployer(project, "local").destroy(shown.append).succeeded, shown
    assert any("waiting for the steps of the killed run" in line for line in shown)
