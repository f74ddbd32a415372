"""What AWS hands to the Kubernetes half: the way into the cluster, identities, images and what add-ons have to know."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from infra.aws.platform import AwsPlatform
from infra.kubernetes.cloud_side import CloudSide
from infra.platform import Identity, tags_for
from infra.platform_arguments import PlatformArguments
from tests.infra.recorder import Resources, record, settings_of

TEAMS: dict[str, dict[str, int]] = {"vision": {}}
SECRET = "4dabf18193072939515e22adb298388d"
DIGEST = f"sha256:{'ab' * 32}"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

pytestmark = pytest.mark.xdist_group("aws platforms")


def hand_over(
    stack: str,
    changes: dict[str, Any] | None = None,
    see: Callable[[pulumi.ResourceTransformationArgs], None] | None = None,
) -> tuple[CloudSide, dict[str, Any], Resources]:
    """What is handed over, its outputs resolved, and what was registered, which `see` is shown as it is."""
    settings = settings_of(stack, changes)
    arguments = PlatformArguments(
        project="trainyard",
        stack=stack,
        workload="digits",
        settings=settings.aws,
        kubernetes=settings.kubernetes,
        front_image=settings.serving.front_image,
        production=stack == "prod",
        tags=tags_for(settings, project="trainyard", stack=stack),
    )
    sides: list[CloudSide] = []
    resolved: dict[str, Any] = {}

    def build() -> None:
        side = AwsPlatform("aws", arguments, pulumi.ResourceOptions(transformations=[see] if see else [])).side
        sides.append(side)
        outputs = {
            "issuer_url": side.issuer_url,
            "images": side.images,
            "queue_url": side.aws.interruption_queue_url,
        }
        pulumi.Output.all(**outputs).apply(resolved.update)

    resources = record(build, stack=stack)
    return sides[0], resolved, resources


@pytest.fixture(scope="module")
def dev() -> tuple[CloudSide, dict[str, Any], Resources]:
    return hand_over("dev", {"images.training_digest": DIGEST, "images.serving_digest": "", "kubernetes.teams": TEAMS})


def test_the_provider_asks_for_a_token_each_time(dev: tuple[CloudSide, dict[str, Any], Resources]) -> None:
    provider = dev[2].one("pulumi:providers:kubernetes", "kubernetes")
    # As the engine sees a secret.
    assert provider.inputs["kubeconfig"].keys() == {SECRET, "value"}
    user = json.loads(provider.inputs["kubeconfig"]["value"])["users"][0]["user"]
    assert user.keys() == {"exec"}
    assert user["exec"]["args"][:2] == ["eks", "get-token"]
    assert provider.inputs["enableServerSideApply"] == "true"
    # What is said of a cluster that is out of reach, the environment says: else nobody could say it for one run.
    assert not {"deleteUnreachable", "skipUpdateUnreachable"} & provider.inputs.keys()
    assert provider.inputs["clusterIdentifier"] == "arn:aws:eks:eu-west-1:123456789012:cluster/trainyard-dev"


def test_what_the_environment_says_of_a_cluster_out_of_reach_is_no_difference() -> None:
    ignored: list[str] = []

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == "pulumi:providers:kubernetes":
            ignored.extend(args.opts.ignore_changes or [])

    hand_over("dev", see=see)
    assert ignored == ["skipUpdateUnreachable"]


def test_an_image_that_is_neither_built_nor_set_is_left_out(
    dev: tuple[CloudSide, dict[str, Any], Resources],
) -> None:
    assert dev[1]["images"] == {"trainyard-training": f"{REGISTRY}/trainyard-dev/training@{DIGEST}"}


def test_the_issuer_is_told_whatever_gives_pods_their_roles(
    dev: tuple[CloudSide, dict[str, Any], Resources],
) -> None:
    assert dev[1]["issuer_url"] == "https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF"


def test_pods_know_their_region_and_where_their_credentials_come_from(
    dev: tuple[CloudSide, dict[str, Any], Resources],
) -> None:
    side = dev[0]
    assert side.environment["AWS_REGION"] == side.aws.region == "eu-west-1"
    assert side.environment["AWS_STS_REGIONAL_ENDPOINTS"] == "regional"
    assert [(agent.cidr, agent.port) for agent in side.identity_agents] == [("169.254.170.23/32", 80)]
    assert all(not annotations for team in side.service_accounts.values() for annotations in team.values())


def test_with_irsa_each_service_account_names_its_role_as_it_is_made() -> None:
    side, _, resources = hand_over("dev", {"identity.mechanism": "irsa", "kubernetes.teams": TEAMS})
    made = {f"arn:aws:iam::123456789012:role/{role.inputs['name']}" for role in resources.all("aws:iam/role:Role")}
    assert side.service_accounts.keys() == {"trainyard", "vision"}
    named = [
        side.service_accounts[team][identity.value]["eks.amazonaws.com/role-arn"]
        for team in side.service_accounts
        for identity in Identity
    ]
    addons = ("cluster-autoscaler", "aws-node-termination-handler")
    named += [side.addon_annotations[account]["eks.amazonaws.com/role-arn"] for account in addons]
    assert len(set(named)) == 8
    assert set(named) <= made
    assert side.identity_agents == ()


def test_add_ons_are_told_of_the_queue_where_there_is_one(
    dev: tuple[CloudSide, dict[str, Any], Resources],
) -> None:
    assert dev[0].aws.interruption_queue == "trainyard-dev_interruptions"
    assert dev[2].one("aws:sqs/queue:Queue").inputs["name"] == "trainyard-dev_interruptions"
    side, resolved, _ = hand_over("dev", {"interruptions.enabled": False})
    assert (side.aws.interruption_queue, resolved["queue_url"]) == ("", "")


def test_volumes_and_load_balancers_are_the_stacks_own(dev: tuple[CloudSide, dict[str, Any], Resources]) -> None:
    side = dev[0]
    assert side.storage_class["parameters"] == {
        "type": "gp3",
        "encrypted": "true",
        "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:alias/trainyard-dev/volumes",
        "tagSpecification_1": "project=trainyard",
        "tagSpecification_2": "stack=dev",
    }
    annotations = side.load_balancer_annotations
    assert annotations["service.beta.kubernetes.io/aws-load-balancer-internal"] == "true"
    tags = annotations["service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"].split(",")
    assert "stack=dev" in tags
    assert not [tag for tag in tags if tag.startswith("expires_at")]


def test_karpenters_pools_are_handed_over_where_it_starts_nodes(
    dev: tuple[CloudSide, dict[str, Any], Resources],
) -> None:
    assert dev[0].autoscaler_manifests == ()
    side, _, _ = hand_over("dev", {"kubernetes.addons.node_autoscaler": "karpenter"})
    kinds = [(each["kind"], each["metadata"]["name"]) for each in side.autoscaler_manifests]
    assert kinds == [("EC2NodeClass", "training"), ("NodePool", "training")]
    assert "expires_at" not in side.autoscaler_manifests[0]["spec"]["tags"]
    assert [pool.name for pool in side.pools] == ["system", "training"]


def test_images_of_others_are_pulled_through_by_setting(dev: tuple[CloudSide, dict[str, Any], Resources]) -> None:
    assert dev[0].registries == {}
    side, _, _ = hand_over("dev", {"registry.pull_through": True})
    assert side.registries["quay.io"] == f"{REGISTRY}/trainyard-dev/quay"
