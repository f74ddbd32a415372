"""This project under the real Pulumi command, without credentials: previewed, deployed to stand-ins of the clouds, and
removed.

No plugin of a cloud takes part: see `provider_stand_in`.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.policy_packs import policy_python
from tests.infra import plan
from tests.infra.provider_stand_in import Entry, Journal, install

NEEDS_PULUMI = [
    pytest.mark.pulumi_cli,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the command pulumi is not on PATH"),
    pytest.mark.skipif(
        importlib.util.find_spec("pip") is None,
        reason="pip is not installed; the Pulumi command lists packages with it",
    ),
]
"""The marks of a module whose tests need the command."""


class Project:
    """A project folder with a state and plugins of its own, in an environment without credentials that are any good."""

    def __init__(self, folder: Path, cloud: Mapping[str, str]) -> None:
        """
        :param cloud: Variables by which the drain of a cluster asks whether there is one, and whom.
        """
        self.folder = folder
        self._journal = Journal(folder / "journal")
        for name in ("state", "plugins"):
            (folder / name).mkdir()
        install(folder / "plugins", folder / "journal")
        (folder / "project").mkdir()
        self.program = folder / "project"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", *plan.OF_CLOUDS))}
        self._environment = {
            **kept,
            "PATH": f"{folder / 'plugins'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_RUNTIME_VIRTUALENV": sys.prefix,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **cloud,
        }

    def use_program(self, stack: str) -> None:
        """Makes it this project's program with one of its stacks."""
        policy_python()
        plan.make_project(self.program, stack)
        file = self.program / "Pulumi.yaml"
        project = yaml.safe_load(file.read_text())
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        file.write_text(yaml.safe_dump(project))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.program,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def pulumi(self, *arguments: str) -> str:
        """What the command prints where it succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state(self) -> list[dict[str, Any]]:
        """The stack's resources, as they are recorded."""
        deployment = json.loads(self.pulumi("stack", "export"))["deployment"]
        resources: list[dict[str, Any]] = deployment.get("resources", [])
        return resources

    def journal(self, operation: str) -> list[Entry]:
        """What was done to the stand-in, in that order."""
        return [entry for entry in self._journal.read() if entry.operation == operation]


def all_dependencies(state: list[dict[str, Any]]) -> Mapping[str, set[str]]:
    """What has to be there before each resource, at one or more removes. A state lists what is needed first."""
    needed: dict[str, set[str]] = {}
    for resource in state:
        direct = set(resource.get("dependencies", []))
        direct.update(*(urns or [] for urns in resource.get("propertyDependencies", {}).values()))
        needed[resource["urn"]] = direct.union(*(needed[urn] for urn in direct))
    return needed


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each text of nested properties with the name of the property that holds it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, name)
    elif isinstance(value, str):
        yield name, value
