"""The plans of the committed stacks, previewed as a fork's pull request would: what a reviewer reads, and the docs
show.

TRAINYARD_WRITE_GOLDEN=1 writes the summaries and the diagram anew.
"""

import os
import re
from pathlib import Path

import pulumi_aws as aws
import pytest
import yaml

from tests.infra.diagram import diagram
from tests.infra.plan import Plan, make_project, plan, preview
from tests.infra.recorder import provision, record
from tests.infra.stack_files import ROOT

GOLDEN = Path(__file__).parent / "golden"
CLUSTER = "aws:eks/cluster:Cluster"
DRAIN = "pulumi-python:dynamic/kubernetes:Drain"
ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
WRITE = os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1"
TOPS = (
    "trainyard:aws:Platform",
    "trainyard:training:TrainingJob",
    "trainyard:serving:InferenceService",
    "pulumi:providers:aws",
    "pulumi:providers:pulumi-python",
)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a plan has where only the cloud knows."""
pytestmark = pytest.mark.xdist_group("planned stacks")


@pytest.fixture(scope="module", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def planned(stack: str) -> Plan:
    return plan(stack)


def test_the_summary_is_what_was_reviewed(stack: str, planned: Plan) -> None:
    golden = GOLDEN / f"plan_{stack}.txt"
    if WRITE:
        golden.write_text(planned.tree())
    assert planned.tree() == golden.read_text()


def test_the_docs_show_the_plan_of_prod() -> None:
    page = ROOT / "docs" / "aws.md"
    drawn = f"```mermaid\n{diagram(plan('prod'))}```\n"
    text = page.read_text()
    if WRITE:
        page.write_text(re.sub(r"```mermaid\n.*?```\n", lambda _: drawn, text, flags=re.DOTALL))
    assert drawn in page.read_text()


def test_every_resource_of_a_plan_is_below_the_platform_or_a_workload(planned: Plan) -> None:
    for resource in planned.resources:
        assert planned.top_of(resource).type in TOPS, resource.name


def test_production_holds_on_to_what_holds_data(stack: str, planned: Plan) -> None:
    protected = {each.type for each in planned.resources if each.protected}
    if stack == "dev":
        assert protected == set()
        return
    kept = {"aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:eks/cluster:Cluster", "aws:ecr/repository:Repository"}
    assert kept <= protected
    # What a bucket consists of is held on to with it.
    assert {each for each in protected if not each.startswith("aws:s3/bucket")} <= kept


def test_log_groups_outlive_what_writes_to_them(planned: Plan) -> None:
    """Deletion goes the other way: a cluster that is still there would make its log group anew."""
    by_name = {(each.type, each.name): each for each in planned.resources}
    for type_, name in (("aws:eks/cluster:Cluster", "cluster"), ("aws:ec2/flowLog:FlowLog", "network-flow-logs")):
        assert by_name["aws:cloudwatch/logGroup:LogGroup", name].urn in by_name[type_, name].dependencies


def test_the_way_into_the_cluster_is_open_to_administrators_when_there_are_nodes(planned: Plan) -> None:
    (provider,) = planned.all("pulumi:providers:kubernetes")
    names = {each.urn: (each.type.rpartition(":")[2], each.name) for each in planned.resources}
    waited_for = {names[urn] for urn in provider.dependencies if urn in names}
    rights = {("AccessPolicyAssociation", each.name) for each in planned.all(ASSOCIATION)}
    assert rights
    assert rights <= waited_for
    assert {("NodeGroup", "system"), ("Addon", "addons-vpc-cni"), ("Addon", "workload-addons-coredns")} <= waited_for


def test_what_is_in_a_cluster_goes_with_it_where_it_is_replaced(planned: Plan) -> None:
    """By one of the same name: Pulumi's Kubernetes provider then has to see an identifier that is not known yet, or all
    of it would stay in the state. The old one is drained before it goes."""
    (cluster,), (provider,), (drain,) = map(planned.all, (CLUSTER, "pulumi:providers:kubernetes", DRAIN))
    assert cluster.urn in planned.sources_of(provider, "clusterIdentifier")
    assert cluster.urn in planned.sources_of(drain, "cluster")
    # Known all the same, so that no other update seems to be another cluster.
    assert drain.inputs["cluster"] == provider.inputs["clusterIdentifier"] != UNKNOWN


def test_no_stack_looks_anything_up() -> None:
    provision("dev")
    provision("prod")
    with pytest.raises(Exception, match="the program looks something up: aws:index/getCallerIdentity"):
        record(lambda: aws.get_caller_identity())


def test_a_preview_shows_outputs_and_says_what_is_left_out(tmp_path: Path) -> None:
    aws = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["trainyard:aws"]
    said = preview(make_project(tmp_path, "dev", {"trainyard:aws": {**aws, "images": {}}}), "dev")
    assert said.code == 0, said.out + said.err
    assert "Training and inference service are left out: there is no image trainyard-training; set" in said.out
    assert not re.search(r"traceback|passphrase", said.out + said.err, re.IGNORECASE)
    outputs = dict(re.findall(r"^    (\w+) *: (.+)$", said.out.partition("Outputs:")[2], re.MULTILINE))
    # It tells where the control plane is; no credential is in it all the same.
    assert outputs["kubeconfig"] == "[secret]"
    assert outputs["models_uri"] == '"s3://trainyard-dev-models-123456789012-eu-west-1"'
    assert {"key_arn", "role_arns", "repository_urls", "cluster_name", "interruption_queue_url"} <= outputs.keys()
    assert re.fullmatch(r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"', outputs["expires_at"])


def test_an_expired_stack_is_refused_before_any_resource(tmp_path: Path) -> None:
    project = make_project(tmp_path, "dev", {"trainyard:expires_at": "2026-01-01T00:00:00Z"})
    said = preview(project, "dev")
    assert said.code != 0
    assert "the stack has expired; destroy it, or set a later moment" in said.out + said.err
    assert "aws:" not in said.out
