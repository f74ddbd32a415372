"""The local stack deployed by the real Pulumi command: up, nothing to change, repaired, destroyed.

A project folder of its own links to this project's code, so that state and processes stay in the test's folder.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local import process, records
from tests.infra.cli_project import NEEDS_PULUMI
from tests.infra.local.support import remove_stack_folder

ROOT = Path(__file__).parents[2]

pytestmark = NEEDS_PULUMI


class Project:
    """A project folder with its own state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack_folder = folder / ".pulumi" / "local" / "local"
        for name in ("infra", "planning", "workloads", "__main__.py"):
            (folder / name).symlink_to(ROOT / name)
        stack = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
        stack.pop("encryptionsalt", None)
        (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(stack))
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        triton = os.environ.get("TRAINYARD_TRITON_VENV", str(ROOT / ".venv-triton"))
        (folder / "state").mkdir()
        self._environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_RUNTIME_VIRTUALENV": sys.prefix,
            "TRAINYARD_TRITON_VENV": triton,
        }

    def pulumi(self, *arguments: str, succeeds: bool = True) -> str:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
        return done.stdout + done.stderr

    def outputs(self) -> dict[str, Any]:
        command = ["pulumi", "stack", "output", "--json", "--show-secrets"]
        said = subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, check=True).stdout
        outputs: dict[str, Any] = json.loads(said)
        return outputs


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    made.pulumi("stack", "init", "local")
    yield made
    remove_stack_folder(made.stack_folder)


def test_the_stack_is_made_kept_repaired_and_removed(project: Project) -> None:
    project.pulumi("config", "set", "--path", "trainyard:training.target_accuracy", "0")
    project.pulumi("config", "set", "--path", "trainyard:training.epochs", "1")
    project.pulumi("up", "--yes", "--skip-preview")
    outputs = project.outputs()
    assert outputs["manifest_uri"] == f"{outputs['models_uri']}/digits/{outputs['run']}/manifest.json"
    project.pulumi("preview", "--expect-no-changes")

    secret = outputs["serving_secret_access_key"].encode()
    files = [path for path in project.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if secret in path.read_bytes()]

    running = records.read_record(project.stack_folder / "cloud" / records.PROCESS) or {}
    os.kill(running["child"]["pid"], signal.SIGKILL)
    assert "and everything that was in it is gone" in project.pulumi("preview")
    project.pulumi("up", "--yes", "--skip-preview")
    project.pulumi("preview", "--expect-no-changes")
    if http_url := project.outputs().get("http_url"):
        headers = {"Authorization": f"Bearer {project.outputs()['service_token']}"}
        asked = urllib.request.Request(f"{http_url}/v2/models/digits/ready", headers=headers)  # noqa: S310
        with urllib.request.urlopen(asked) as response:  # noqa: S310
            assert response.status == 200

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert process.processes_of(project.stack_folder) == []
    assert not project.stack_folder.exists()


def test_bad_settings_create_nothing(project: Project) -> None:
    project.pulumi("config", "set", "--path", "trainyard:training.epochs", "0")
    said = project.pulumi("up", "--yes", "--skip-preview", succeeds=False)
    assert "trainyard:training.epochs = 0: must be a whole number from 1 to 1000" in said
    assert "Traceback" not in said
    assert not project.stack_folder.exists()
