"""The AWS stacks under the real Pulumi command, without credentials: previewed as the embedded engine does it, deployed
to a stand-in of AWS, found unchanged, and removed.

No plugin of AWS takes part: see `tests.infra.provider_stand_in`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.server import ThreadedMotoServer

from tests.infra import plan
from tests.infra.cli_project import NEEDS_PULUMI, Project, all_dependencies, texts

pytestmark = NEEDS_PULUMI

CLUSTER = "aws:eks/cluster:Cluster"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PROTECTED = {
    "aws:ec2/vpc:Vpc",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:ecr/repository:Repository",
    CLUSTER,
}
"""What mistakes in production do not delete: what holds data, the cluster, and what these need."""
NAMED_BY = {
    "bucket": "aws:s3/bucket:Bucket",
    "targetBucket": "aws:s3/bucket:Bucket",
    "clusterName": CLUSTER,
    "repository": "aws:ecr/repository:Repository",
    "role": "aws:iam/role:Role",
    "rule": "aws:cloudwatch/eventRule:EventRule",
}
"""Inputs that hold the name of something, and its type."""


@pytest.fixture(scope="module")
def eks() -> Iterator[str]:
    """Where EKS is. It knows no cluster of the stand-in's, so there is none to drain."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path: Path, eks: str) -> Project:
    cloud = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_EKS": eks,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    return Project(tmp_path, cloud)


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_preview_is_the_one_of_the_embedded_engine(project: Project, stack: str) -> None:
    project.use_program(stack)
    embedded = plan.preview(project.program, stack, "--json")
    assert embedded.code == 0, embedded.out + embedded.err
    project.pulumi("stack", "init", stack)
    preview = project.pulumi("preview", "-s", stack, "--policy-pack", "policies", "--json")
    ours, theirs = plan.Plan(json.loads(embedded.out)), plan.Plan(json.loads(preview))
    assert [resource.urn for resource in ours.all(CLUSTER)]
    assert {each.urn: each for each in theirs.resources} == {each.urn: each for each in ours.resources}
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
    assert {urn.rpartition("::")[2] for urn, _ in named} > {"cluster", "system", "storage-datasets"}
    needed = all_dependencies(state)
    assert [f"{urn} names {other}" for urn, other in named if other not in needed[urn]] == []


def test_dev_goes_and_leaves_nothing(project: Project) -> None:
    project.use_program("dev")
    project.pulumi("stack", "init", "dev")
    project.pulumi("up", "--yes", "--skip-preview")
    # A cluster that is still there makes its log group anew, so the cluster needs the group and goes first.
    needed = all_dependencies(project.state())
    [cluster] = [urn for urn in needed if urn.endswith(f"{CLUSTER}::cluster")]
    assert [urn for urn in needed[cluster] if urn.endswith(f"{LOG_GROUP}::cluster")]

    project.pulumi("destroy", "--yes", "--skip-preview")
    assert project.state() == []
    created, deleted = project.journal("create"), project.journal("delete")
    assert created
    assert sorted((entry.type, entry.id) for entry in deleted) == sorted((entry.type, entry.id) for entry in created)
    order = [(entry.type, entry.name) for entry in deleted]
    assert order.index((CLUSTER, "cluster")) < order.index((LOG_GROUP, "cluster"))


def test_prod_is_not_destroyed_by_mistake(project: Project) -> None:
    project.use_program("prod")
    project.pulumi("stack", "init", "prod")
    project.pulumi("up", "--yes", "--skip-preview")
    done = project.run("destroy", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "because it is protected" in done.stdout + done.stderr
    # Pulumi deletes what is neither protected nor needed by what is: nodes go, data and the cluster stay.
    deleted = {entry.type for entry in project.journal("delete")}
    assert deleted.isdisjoint(PROTECTED)
    assert {entry.type for entry in project.journal("create")} > PROTECTED


def test_a_program_that_looks_something_up_fails(project: Project) -> None:
    options = {"toolchain": "pip", "virtualenv": sys.prefix}
    (project.program / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": "curious", "runtime": {"name": "python", "options": options}})
    )
    (project.program / "__main__.py").write_text("import pulumi_aws\n\npulumi_aws.get_caller_identity()\n")
    project.pulumi("stack", "init", "dev")
    done = project.run("preview")
    assert done.returncode != 0
    assert "the program looks something up: aws:index/getCallerIdentity:getCallerIdentity" in done.stdout + done.stderr


def names_of_others(state: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each resource with each other one that its inputs name: AWS would refuse it before the other is there.

    By ARN, as a principal of a policy, or by a name that is known beforehand, none of which Pulumi can know of where
    the program wrote it itself. What a policy allows or refuses may come later, and is left out.
    """
    custom = [resource for resource in state if resource.get("id") and resource["type"].startswith("aws:")]
    # An ARN that is an input is another's.
    arns = {resource["outputs"]["arn"]: resource["urn"] for resource in custom if "arn" not in resource["inputs"]}
    ids = {(resource["type"], resource["id"]): resource["urn"] for resource in custom}
    for resource in custom:
        named = set()
        for name, text in texts(resource["inputs"]):
            named |= {arns.get(arn) for arn in (text, *_principals(text))}
            named.add(ids.get((NAMED_BY.get(name, ""), text)))
        for urn in sorted(filter(None, named - {resource["urn"]})):
            yield resource["urn"], urn


def _principals(text: str) -> Iterator[str]:
    """The ARNs that a policy speaks of as those who act; none where the text is no policy."""
    if not text.startswith('{"'):
        return
    for statement in json.loads(text).get("Statement", []):
        principal = statement.get("Principal", {})
        if isinstance(principal, dict):
            yield from (arn for _, arn in texts(principal.get("AWS", [])))
