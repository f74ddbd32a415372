"""Previews a committed stack of any cloud as a fork's pull request would: no credentials, no network, no passphrase.

What the preview decided is a plan: resources with the inputs that can be known before anything exists.
"""

import datetime
import json
import os
import tempfile
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.cli.yard import ROOT, Result, yard

NO_NETWORK = """
    import socket

    def refuse(self, address, connect=socket.socket.connect):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a preview connects to {address}")
        return connect(self, address)

    socket.socket.connect = refuse
    """
"""A sitecustomize.py: what the preview's processes begin with."""
OF_CLOUDS = ("AWS_", "GOOGLE_", "CLOUDSDK_", "GCLOUD_", "GCE_", "AZURE_")
"""How the names of variables begin by which the clouds' own tools and libraries find an account."""


@dataclass(frozen=True)
class Planned:
    """One resource of a plan."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    """URNs of what has to be there first."""
    protected: bool


@dataclass(frozen=True)
class Plan:
    """What `up` would create in an empty account."""

    document: Mapping[str, Any] = field(repr=False)

    @cached_property
    def resources(self) -> list[Planned]:
        """All but the stack itself, in the order in which they were decided."""
        states = [step["newState"] for step in self.document["steps"]]
        return [_planned(state) for state in states if state["type"] != "pulumi:pulumi:Stack"]

    def all(self, type_: str) -> list[Planned]:
        """Those of one type, by name."""
        return sorted((each for each in self.resources if each.type == type_), key=lambda each: each.name)

    @cached_property
    def needed(self) -> dict[str, set[str]]:
        """By URN, what has to be there before each resource, at one or more removes.

        What its parent needs is needed by it: its registration waits for the parent's, and it is deleted before.
        """
        needed: dict[str, set[str]] = {}
        # What is needed is decided first.
        for each in self.resources:
            direct = {*each.dependencies, each.parent}
            needed[each.urn] = direct.union(*(needed.get(urn, ()) for urn in direct))
        return needed

    def sources_of(self, resource: Planned, name: str) -> set[str]:
        """URNs of what an input of a resource comes from: where one is replaced, Pulumi takes the input for unknown."""
        (state,) = (step["newState"] for step in self.document["steps"] if step["newState"]["urn"] == resource.urn)
        return {*state["propertyDependencies"].get(name, ())}

    def top_of(self, resource: Planned) -> Planned:
        """What a resource is below of, with nothing above it but the stack."""
        by_urn = {each.urn: each for each in self.resources}
        while resource.parent in by_urn:
            resource = by_urn[resource.parent]
        return resource

    def tree(self) -> str:
        """Type and name of every resource below its parent, for a reader."""
        lines: list[str] = []

        def write(parent: str, depth: int) -> None:
            children = [each for each in self.resources if each.parent == parent]
            for child in sorted(children, key=lambda each: (each.name, each.type)):
                lines.append(f"{'  ' * depth}{child.name}  ({child.type})")
                write(child.urn, depth + 1)

        roots = {each.parent for each in self.resources} - {each.urn for each in self.resources}
        for root in sorted(roots):
            write(root, 0)
        return "\n".join(lines) + "\n"


def make_project(folder: Path, stack: str, changes: Mapping[str, Any] | None = None) -> Path:
    """A project folder of its own with this program and one stack, which has not expired.

    :param changes: Configuration keys that replace those of the committed stack file.
    """
    for name in ("infra", "planning", "workloads", "policies"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("Pulumi.yaml", "__main__.py"):
        (folder / name).write_text((ROOT / name).read_text())
    settings = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    if "trainyard:expires_at" in settings["config"]:
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
        settings["config"]["trainyard:expires_at"] = later.strftime("%Y-%m-%dT%H:%M:%SZ")
    settings["config"] |= changes or {}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(settings))
    return folder


def preview(project: Path, stack: str, *arguments: str) -> Result:
    """`yard preview -s STACK` where nothing but this machine can be reached and nothing secret is known."""
    site = project / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(textwrap.dedent(NO_NETWORK))
    known = {name: "" for name in os.environ if name.startswith(OF_CLOUDS)}
    environment = known | {
        "PYTHONPATH": str(site),
        "HOME": str(project),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_GCE_CHECK": "true",
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    return yard("preview", "-s", stack, *arguments, environment=environment, cwd=project)


@cache
def plan(stack: str) -> Plan:
    """The plan of a committed stack, previewed once in a process: those who ask are in the group "planned stacks"."""
    with tempfile.TemporaryDirectory(prefix="trainyard-plan-") as folder:
        return preview_of(make_project(Path(folder), stack), stack)


def preview_of(project: Path, stack: str) -> Plan:
    """The plan of a project's stack."""
    result = preview(project, stack, "--json")
    assert result.code == 0, result.out + result.err
    return Plan(json.loads(result.out))


def _planned(state: Mapping[str, Any]) -> Planned:
    dependencies = {*state.get("dependencies", [])}
    for urns in state.get("propertyDependencies", {}).values():
        dependencies.update(urns or [])
    return Planned(
        state["type"],
        state["urn"].rpartition("::")[2],
        state["urn"],
        state.get("parent", ""),
        state.get("inputs", {}),
        frozenset(dependencies),
        state.get("protect", False),
    )
