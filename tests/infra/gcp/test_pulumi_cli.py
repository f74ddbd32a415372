"""The stacks of Google Cloud under the real Pulumi command, without credentials: previewed as the embedded engine does
it, deployed to a stand-in of Google Cloud, found unchanged, removed, and made anew under names that are not taken.

No plugin of Google Cloud takes part: see `tests.infra.provider_stand_in`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.gcp.kubeconfig import PLUGIN
from tests.infra import plan
from tests.infra.cli_project import NEEDS_PULUMI, Project, all_dependencies, texts
from tests.infra.gcp.answers import NAMES_KEPT
from tests.infra.gcp.test_cluster_drain import Gke, running
from tests.infra.gcp.test_plan import UNKNOWN
from tests.infra.provider_stand_in import Entry

__all__ = ["running"]

pytestmark = NEEDS_PULUMI

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
LOG_BUCKET, SINK = "gcp:logging/projectBucketConfig:ProjectBucketConfig", "gcp:logging/projectSink:ProjectSink"
BUCKET, REPOSITORY = "gcp:storage/bucket:Bucket", "gcp:artifactregistry/repository:Repository"
ACTS_AS = "gcp:serviceaccount/iAMMember:IAMMember"
GRANT_ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
WORKLOADS = ("kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment")
PROTECTED = {
    "gcp:kms/cryptoKey:CryptoKey",
    "gcp:kms/keyRing:KeyRing",
    BUCKET,
    CLUSTER,
    LOG_BUCKET,
    REPOSITORY,
}
"""What mistakes in production do not delete."""
NAMED_BY = {
    "bucket": BUCKET,
    "cluster": CLUSTER,
    "instanceName": "gcp:compute/instance:Instance",
    "logBucket": BUCKET,
    "managedZone": "gcp:dns/managedZone:ManagedZone",
    "repository": REPOSITORY,
    "router": "gcp:compute/router:Router",
}
"""Inputs that hold the name of something, and its type."""
ADDRESSES = ("email", "member")
"""Outputs of a service account by which others name it."""


@pytest.fixture
def project(tmp_path: Path, running: Gke) -> Project:
    """Where GKE is asked for a cluster, it knows none of the other stand-in's, so there is none to drain."""
    running.states.clear()
    (tmp_path / "google").mkdir()
    made = Project(tmp_path, running.environment(tmp_path / "google"))
    # Google's own, where it is installed, asks beyond this machine.
    plugin = tmp_path / "plugins" / PLUGIN
    plugin.write_text("#!/bin/sh\necho 'there is no token' >&2\nexit 1\n")
    plugin.chmod(0o755)
    return made


@pytest.fixture(params=["gcp-dev", "gcp-prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_preview_is_the_one_of_the_embedded_engine(project: Project, stack: str) -> None:
    project.use_program(stack)
    embedded = plan.preview_of(project.program, stack)
    project.pulumi("stack", "init", stack)
    preview = project.pulumi("preview", "-s", stack, "--policy-pack", "policies", "--json")
    theirs = plan.Plan(json.loads(preview))
    assert embedded.all(CLUSTER)
    ours = {each.urn: each for each in embedded.resources}
    assert {each.urn for each in theirs.resources} == ours.keys()
    for each in theirs.resources:
        mine = ours[each.urn]
        # The provider names what the program gives no name, and so does the stand-in; the embedded engine knows it not.
        theirs_alone = {"name"} - mine.inputs.keys()
        assert agree(mine.inputs, {key: value for key, value in each.inputs.items() if key not in theirs_alone}), each
        assert (each.dependencies, each.protected) == (mine.dependencies, mine.protected)
    assert project.journal("create") == []


def test_the_stack_comes_and_stays(project: Project, stack: str) -> None:
    project.use_program(stack)
    project.pulumi("stack", "init", stack)
    said = project.pulumi("up", "--yes", "--skip-preview", "--policy-pack", "policies")
    # All is known now, so every rule of the pack has been decided; exemptions and mere advice are advisory, too.
    assert "It cannot be decided" not in said
    assert " trainyard@" in said
    project.pulumi("preview", "--expect-no-changes")

    state = project.state()
    named = list(names_of_others(state))
    assert {urn.rpartition("::")[2] for urn, _ in named} > {
        "cluster",
        "system",
        "storage-datasets",
        "identity-training",
    }
    needed = all_dependencies(state)
    assert [f"{urn} names {other}" for urn, other in named if other not in needed[urn]] == []


def test_dev_goes_leaves_nothing_and_comes_again(project: Project) -> None:
    project.use_program("gcp-dev")
    project.pulumi("stack", "init", "gcp-dev")
    project.pulumi("up", "--yes", "--skip-preview")
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.state() == []
    created, deleted = project.journal("create"), project.journal("delete")
    assert created
    gone = {_identity(entry) for entry in deleted}
    staying = [entry for entry in created if _identity(entry) not in gone]
    # Google's own service agents keep their roles in the project: whatever else is in it needs them.
    assert staying
    assert {(entry.type, entry.name.partition("-")[0]) for entry in staying} == {(GRANT_ON_PROJECT, "keys")}

    order = [entry.type for entry in deleted]
    for first, then in ((NODE_POOL, CLUSTER), (ACTS_AS, CLUSTER), (CLUSTER, SUBNETWORK), (SINK, LOG_BUCKET)):
        assert max(_places(order, first)) < min(_places(order, then)), (first, then)
    assert max(_places(order, *WORKLOADS)) < min(_places(order, NODE_POOL))

    project.pulumi("up", "--yes", "--skip-preview")
    again = project.journal("create")[len(created) :]
    assert sorted((entry.type, entry.name) for entry in again) == sorted((entry.type, entry.name) for entry in created)
    kept = {_identity(entry) for entry in created if entry.type in NAMES_KEPT}
    assert len(kept) > 8
    assert kept.isdisjoint(_identity(entry) for entry in again)


def test_prod_is_not_destroyed_by_mistake(project: Project) -> None:
    project.use_program("gcp-prod")
    project.pulumi("stack", "init", "gcp-prod")
    project.pulumi("up", "--yes", "--skip-preview")
    done = project.run("destroy", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "because it is protected" in done.stdout + done.stderr
    # Pulumi deletes what is neither protected nor needed by what is: nodes go, data and the cluster stay.
    deleted = {entry.type for entry in project.journal("delete")}
    assert deleted.isdisjoint(PROTECTED)
    assert {entry.type for entry in project.journal("create")} > PROTECTED


def names_of_others(state: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each resource with each other one that its inputs name: Google would refuse it before the other is there.

    By identifier or address, or by a name that is known beforehand, none of which Pulumi can know of where the program
    wrote it itself. What a condition speaks of may come later, and is left out.
    """
    custom = [resource for resource in state if resource.get("id") and resource["type"].startswith("gcp:")]
    known = {resource["id"]: resource["urn"] for resource in custom}
    accounts = [resource for resource in custom if resource["type"] == "gcp:serviceaccount/account:Account"]
    known |= {account["outputs"][name]: account["urn"] for account in accounts for name in ADDRESSES}
    names: dict[tuple[str, str], str] = {}
    for resource in custom:
        name = resource["inputs"].get("repositoryId", resource["outputs"].get("name"))
        names[resource["type"], name] = resource["urn"]
    for resource in custom:
        others = set()
        for name, text in texts(resource["inputs"]):
            others |= {known.get(text), names.get((NAMED_BY.get(name, ""), text))}
        for urn in sorted(filter(None, others - {resource["urn"]})):
            yield resource["urn"], urn


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same but for what we do not know."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(agree(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(agree, ours, theirs))
    return bool(ours in (UNKNOWN, theirs))


def _identity(entry: Entry) -> tuple[str, str]:
    return entry.type, entry.id


def _places(order: list[str], *types: str) -> list[int]:
    return [index for index, type_ in enumerate(order) if type_ in types]
