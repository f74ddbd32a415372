"""Images of others, pulled through the account's own registry."""

from typing import Any

import pytest

from infra.aws.image_cache import registries
from infra.aws.naming import Names
from tests.infra.recorder import Resources, provision

RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
HOSTS = {"registry.k8s.io", "public.ecr.aws", "quay.io"}
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(scope="module")
def resources() -> Resources:
    return provision("prod", {"registry.pull_through": True})


def test_each_registry_without_credentials_has_a_place_of_the_stacks_own(resources: Resources) -> None:
    rules = {each.inputs["upstreamRegistryUrl"]: each.inputs["ecrRepositoryPrefix"] for each in resources.all(RULE)}
    assert rules == {
        "registry.k8s.io": "trainyard-prod/k8s",
        "public.ecr.aws": "trainyard-prod/ecr",
        "quay.io": "trainyard-prod/quay",
    }
    assert {host: f"{REGISTRY}/{prefix}" for host, prefix in rules.items()} == registries(
        Names("trainyard", "prod", "123456789012", "eu-west-1")
    )


def test_repositories_that_ecr_makes_are_encrypted_tagged_and_emptied_by_themselves(resources: Resources) -> None:
    templates = resources.all(TEMPLATE)
    assert len(templates) == len(HOSTS)
    for template in templates:
        assert template.inputs["appliedFors"] == ["PULL_THROUGH_CACHE"]
        (encryption,) = template.inputs["encryptionConfigurations"]
        assert encryption == {"encryptionType": "KMS", "kmsKey": "arn:aws:mock:::keys-images"}
        assert {"project", "stack", "owner", "cost_centre"} == template.inputs["resourceTags"].keys()
        (rule,) = template.document("lifecyclePolicy")["rules"]
        assert (rule["selection"]["countType"], rule["action"]) == ("sinceImagePushed", {"type": "expire"})


@pytest.mark.parametrize("role", ["node", "karpenter-node"])
def test_nodes_pull_through_into_these_places_only(role: str) -> None:
    changes: dict[str, Any] = {"registry.pull_through": True, "kubernetes.addons.node_autoscaler": "karpenter"}
    policy = provision("dev", changes).one("aws:iam/rolePolicy:RolePolicy", role)
    statement = policy.statement("PullThrough")
    assert statement["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert statement["Resource"] == [
        f"arn:aws:ecr:eu-west-1:123456789012:repository/trainyard-dev/{short}/*" for short in ("k8s", "ecr", "quay")
    ]


def test_ecr_refuses_no_place_for_the_length_of_its_name() -> None:
    for project, stack in (("p" * 60, "s" * 40), ("trainyard", "a-stack-with-quite-a-name")):
        for place in registries(Names(project, stack, "123456789012", "eu-west-1")).values():
            assert len(place.partition("/")[2]) <= 30


def test_without_the_setting_nothing_is_pulled_through() -> None:
    resources = provision("prod")
    assert resources.all(RULE) == resources.all(TEMPLATE) == []
    assert not [each for each in resources.all("aws:iam/rolePolicy:RolePolicy") if each.name == "node"]
