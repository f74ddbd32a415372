"""The platform as a whole: what it tells, what its parts wait for, and what a setting adds to it."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from infra.platform import create_platform
from tests.infra.gcp.answers import PROJECT, REGION
from tests.infra.gcp.parts import NAMES
from tests.infra.plan import Plan, Planned, plan
from tests.infra.recorder import WORKLOAD, Resources, provision, record, settings_of

CLUSTER, NODE_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
GRANT, API = "gcp:projects/iAMMember:IAMMember", "gcp:projects/service:Service"
ALWAYS = {
    "project_id",
    "region",
    "network_id",
    "cluster_name",
    "cluster_location",
    "kubeconfig",
    "key_id",
    "service_account_emails",
    "repository_urls",
    "image_references",
}
GITHUB = {"github_provider_name", "github_preview_service_account_email", "github_deploy_service_account_email"}

pytestmark = pytest.mark.xdist_group("gcp platforms")


def outputs(stack: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a person is told, known."""
    settings, told = settings_of(stack, changes), dict[str, Any]()

    def build() -> None:
        pulumi.Output.all(**create_platform(settings, workload=WORKLOAD).outputs).apply(told.update)

    record(build, stack=stack)
    return told


def test_a_person_is_told_what_it_takes_to_use_the_platform_by_hand() -> None:
    told = outputs("gcp-dev")
    assert told.keys() == ALWAYS
    assert told["cluster_name"] == NAMES.cluster
    assert told["cluster_location"] == f"{REGION}-a"
    assert told["network_id"] == f"projects/{PROJECT}/global/networks/{NAMES.prefix}"
    emails = told["service_account_emails"]
    assert emails == {each: NAMES.service_account(each) for each in ("loader", "training", "serving")}
    assert told["repository_urls"].keys() == {"training", "serving"}


def test_workflows_are_told_who_they_are() -> None:
    assert outputs("gcp-prod").keys() == ALWAYS | GITHUB


def test_teams_are_told_their_keys_and_identities() -> None:
    told = outputs("gcp-dev", {"kubernetes.teams": {"vision": {}}})
    assert told.keys() - ALWAYS == {"team_key_ids", "team_service_account_emails"}
    assert told["team_service_account_emails"]["vision"].keys() == {"loader", "training", "serving"}


def test_the_machine_is_reached_without_a_public_address() -> None:
    told = outputs("gcp-dev", {"machine.machine_type": "g2-standard-4"})
    assert told.keys() - ALWAYS == {"machine_instance_name", "machine_ssh_command"}
    assert told["machine_ssh_command"] == (
        f"gcloud compute ssh {told['machine_instance_name']} --tunnel-through-iap --zone {REGION}-a --project {PROJECT}"
    )


def test_who_deploys_from_github_administers_the_cluster() -> None:
    (grant,) = (each for each in provision("gcp-prod").all(GRANT) if each.name == "cluster-github")
    assert grant.inputs["role"] == "roles/container.admin"
    assert grant.inputs["member"] == f"serviceAccount:{outputs('gcp-prod')['github_deploy_service_account_email']}"


def test_labels_of_nodes_outlast_another_expiry() -> None:
    resources = provision("gcp-dev")
    assert "expires_at" in resources.one(CLUSTER).inputs["resourceLabels"]
    for pool in resources.all(NODE_POOL):
        labels = pool.inputs["nodeConfig"]["resourceLabels"]
        assert labels["stack"] == "gcp-dev"
        assert "expires_at" not in labels


@pytest.mark.parametrize(("version", "seconds"), [("1.35", 120), ("1.36.1-gke.1000000", 120), ("1.34", None)])
def test_pods_of_a_spot_node_that_is_taken_have_as_long_as_on_aws_where_gke_lets_them(
    version: str, seconds: int | None
) -> None:
    pools = provision("gcp-prod", {"cluster.version": version}).all(NODE_POOL)
    found = {each.name: each.inputs["nodeConfig"]["kubeletConfig"].get("shutdownGracePeriodSeconds") for each in pools}
    assert found == {"system": None, "gpu-serving": None, "gpu-distributed": None, "gpu-training": seconds}


def test_gpudirect_gives_the_cluster_further_networks() -> None:
    pool = {
        "distributed": {
            "capacity": "flex_start",
            "machine_type": "a3-megagpu-8g",
            "zones": [f"{REGION}-b"],
            "tightly_coupled": True,
            "gpudirect": "tcpxo",
            "scratch": "local_ssd",
        }
    }
    pools = {**settings_of("gcp-prod").gcp.model_dump()["gpu_pools"], **pool}
    resources = provision("gcp-prod", {"gpu_pools": {name: _set(each) for name, each in pools.items()}})
    assert resources.one(CLUSTER).inputs["enableMultiNetworking"] is True
    assert provision("gcp-prod").one(CLUSTER).inputs["enableMultiNetworking"] is False


def _set(pool: Mapping[str, Any]) -> dict[str, Any]:
    """What of a pool's settings a stack file would say."""
    return {name: [*value] if isinstance(value, tuple) else value for name, value in pool.items()}


def test_buckets_may_be_another_stacks() -> None:
    key = f"projects/{PROJECT}/locations/{REGION}/keyRings/keys-1/cryptoKeys/data-1"
    resources = provision("gcp-dev", {"storage": {"from_stack": "gcp-data", "key_id": key}})
    assert resources.all("gcp:storage/bucket:Bucket") == []
    assert "keys-data" not in {each.name for each in resources.all("gcp:kms/cryptoKey:CryptoKey")}
    used = {each.inputs["bucket"] for each in resources.all("gcp:storage/bucketIAMMember:BucketIAMMember")}
    assert {name.split("-")[2] for name in used} == {"data"}


def test_the_apis_are_somebody_elses_by_setting() -> None:
    assert provision("gcp-dev").all(API) != []
    assert provision("gcp-dev", {"enable_services": False}).all(API) == []


def test_nothing_is_built_unless_asked_for() -> None:
    assert provision("gcp-prod").all("docker-build:index:Image") == []
    digest = "sha256:" + "a" * 64
    built = {"build": True, "python_image": f"python@{digest}", "triton_image": f"nvcr.io/nvidia/triton@{digest}"}
    images: Resources = provision("gcp-dev", {"images": built})
    assert [each.name for each in images.all("docker-build:index:Image")] == ["images-serving", "images-training"]


# What waits for what: of a plan, where a resource comes after what it depends on and what its parent does.


@pytest.mark.xdist_group("planned stacks of Google Cloud")
@pytest.mark.parametrize("stack", ["gcp-dev", "gcp-prod"])
def test_workloads_end_before_the_cluster_is_drained_and_nodes_go_after(stack: str) -> None:
    planned = plan(stack)
    (drain,) = (each for each in planned.resources if each.type.endswith("kubernetes:Drain"))
    before = _before(planned, drain)
    for type_ in (CLUSTER, NODE_POOL):
        assert {each.urn for each in planned.all(type_)} <= before, type_
    # Of whoever administers it, too.
    assert {each.urn for each in planned.all(GRANT) if each.name.startswith("cluster-")} <= before
    for type_ in ("kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"):
        for workload in planned.all(type_):
            assert drain.urn in _before(planned, workload), workload.name


def _before(planned: Plan, resource: Planned) -> set[str]:
    """URNs of all that has to be there before a resource."""
    by_urn = {each.urn: each for each in planned.resources}
    found: set[str] = set()
    open_ = [resource]
    while open_:
        each = open_.pop()
        new = {*each.dependencies, each.parent} - found
        found |= new
        open_ += [by_urn[urn] for urn in new if urn in by_urn]
    return found
