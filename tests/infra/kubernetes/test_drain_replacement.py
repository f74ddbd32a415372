"""A cluster that is replaced by one of the same name: the old one is drained before it goes."""

from pathlib import Path

import pytest

from tests.cli.yard import ROOT, make_project, yard

PROGRAM = """
import pulumi
from clusters import Cluster, WatchedDrain
from infra.known_output import known_after
from infra.kubernetes.drain import Drain, DrainArguments

config = pulumi.Config()
cluster = Cluster("cluster", config.require("range"), config.require("size"))
arguments = DrainArguments(
    provider=WatchedDrain(), cluster=known_after("here", cluster), name="here", kubeconfig="{}", teams=["digits"]
)
Drain("drain", arguments, pulumi.ResourceOptions(depends_on=[cluster]))
"""
CLUSTERS = """
from pathlib import Path
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult
from infra.kubernetes.drain import DrainProvider

def note(line):
    with Path("done").open("a") as file:
        file.write(line + "\\n")

class Provider(ResourceProvider):
    def diff(self, id, olds, news):
        changed = [name for name in ("range", "size") if olds[name] != news[name]]
        replaces = [name for name in changed if name == "range"]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def create(self, props):
        note("made")
        return CreateResult("here", props)

    def update(self, id, olds, news):
        note("updated")
        return UpdateResult(news)

    def delete(self, id, props):
        note("deleted")

class Cluster(Resource, module="shop", name="Cluster"):
    def __init__(self, name, range, size):
        super().__init__(Provider(), name, {"range": range, "size": size})

class WatchedDrain(DrainProvider):
    def delete(self, id, props):
        note("drained")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = make_project(tmp_path / "project", PROGRAM)
    (folder / "clusters.py").write_text(CLUSTERS)
    for name in ("infra", "planning"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def deploy(project: Path, **settings: str) -> list[str]:
    """What an `up` with these settings does."""
    lines = [f"  shop:{name}: {value}" for name, value in settings.items()]
    file = project / "Pulumi.local.yaml"
    kept = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")]
    file.write_text("\n".join(["config:", *lines, *kept, ""]))
    done = project / "done"
    done.write_text("")
    made = yard("up", "--yes", "-s", "local", cwd=project)
    assert made.code == 0, made.out + made.err
    return done.read_text().splitlines()


def test_it_is_drained_before_it_goes_and_stays_as_it_is_with_any_other_change(project: Path) -> None:
    assert deploy(project, range="narrow", size="small") == ["made"]
    assert deploy(project, range="narrow", size="large") == ["updated"]
    assert deploy(project, range="wide", size="large") == ["drained", "deleted", "made"]
    assert yard("preview", "-s", "local", "--expect-no-changes", cwd=project).code == 0
