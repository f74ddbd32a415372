"""The service account of nodes: logs, metrics, and the stack's own images, and nothing of what workloads may."""

import pytest

from infra.gcp.naming import Names
from infra.gcp.node_service_account import NodeServiceAccount, NodeServiceAccountArguments
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.recorder import Resources, provision, record

NAMES = Names("trainyard", "gcp-dev", PROJECT, NUMBER, REGION)
EMAIL = NAMES.service_account("node")
PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
REPOSITORY_MEMBER = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"

pytestmark = pytest.mark.xdist_group("gcp platforms")


def roles(resources: Resources) -> set[str]:
    """Every role that the nodes' account has, on whatever it is."""
    member = f"serviceAccount:{EMAIL}"
    return {each.inputs["role"] for each in resources.registered if each.inputs.get("member") == member}


def test_it_tells_how_nodes_are_and_pulls_the_stacks_images() -> None:
    arguments = NodeServiceAccountArguments(names=NAMES, repositories={"training": "one", "serving": "two"})
    resources = record(lambda: NodeServiceAccount("node", arguments))
    (on_project,) = resources.all(PROJECT_MEMBER)
    assert on_project.inputs["role"] == "roles/container.defaultNodeServiceAccount"
    pulls = {each.inputs["repository"]: each.inputs for each in resources.all(REPOSITORY_MEMBER)}
    assert pulls.keys() == {"one", "two"}
    for each in pulls.values():
        assert (each["role"], each["location"]) == ("roles/artifactregistry.reader", REGION)
    assert roles(resources) == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}


@pytest.mark.parametrize("stack", ["gcp-dev", "gcp-prod"])
def test_a_stacks_nodes_have_that_and_no_more(stack: str) -> None:
    resources = provision(stack)
    accounts = {
        each.inputs["nodeConfig"]["serviceAccount"] for each in resources.all("gcp:container/nodePool:NodePool")
    }
    (account,) = accounts
    granted = {
        (each.type, each.inputs["role"])
        for each in resources.registered
        if each.inputs.get("member") == f"serviceAccount:{account}"
    }
    assert granted == {
        (PROJECT_MEMBER, "roles/container.defaultNodeServiceAccount"),
        (PROJECT_MEMBER, "roles/serviceusage.serviceUsageConsumer"),
        (REPOSITORY_MEMBER, "roles/artifactregistry.reader"),
    }
    repositories = {each.inputs["repository"] for each in resources.all(REPOSITORY_MEMBER)}
    assert len(repositories) == 2


def test_who_streams_no_image_uses_no_quota_for_it() -> None:
    pool = {"machine_type": "g2-standard-4", "image_streaming": False}
    roles = {
        each.inputs["role"]
        for each in provision("gcp-dev", {"gpu_pools": {"training": pool}}).all(PROJECT_MEMBER)
        if each.inputs["member"] == f"serviceAccount:{EMAIL}"
    }
    assert roles == {"roles/container.defaultNodeServiceAccount"}


def test_nodes_wait_for_what_their_account_may() -> None:
    """The address is known only with the grants: a node that starts without them cannot pull."""
    arguments = NodeServiceAccountArguments(names=NAMES, repositories={"training": "one"})
    emails: list[str] = []
    record(lambda: NodeServiceAccount("node", arguments).email.apply(emails.append))
    assert emails == [EMAIL]
