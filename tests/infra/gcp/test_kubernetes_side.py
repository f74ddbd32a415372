"""What Google Cloud hands to the Kubernetes half: the way into the cluster, identities, images, what charts need."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from infra.gcp.kubernetes_side import sharing_of_pools, storage_class, team_members
from infra.gcp.machine_settings import GpuPoolSettings
from infra.gcp.platform import GcpPlatform
from infra.kubernetes.addon_settings import AddonSettings
from infra.kubernetes.cloud_side import CloudSide
from infra.kubernetes.teams import Member
from infra.platform import Identity, tags_for
from infra.platform_arguments import PlatformArguments
from infra.settings import SettingsError
from tests.infra.gcp.answers import PROJECT, REGION
from tests.infra.gcp.parts import NAMES
from tests.infra.recorder import Resources, record, settings_of
from tests.infra.stack_files import parse, stack_file

TEAMS: dict[str, dict[str, int]] = {"vision": {}}
SECRET = "4dabf18193072939515e22adb298388d"
DIGEST = f"sha256:{'ab' * 32}"
ANNOTATION = "iam.gke.io/gcp-service-account"

pytestmark = pytest.mark.xdist_group("gcp platforms")

HandedOver = tuple[CloudSide, dict[str, Any], Resources]


def hand_over(
    stack: str,
    changes: Mapping[str, Any] | None = None,
    see: Callable[[pulumi.ResourceTransformationArgs], None] | None = None,
) -> HandedOver:
    """What is handed over, its outputs resolved, and what was registered, which `see` is shown as it is."""
    settings = settings_of(stack, changes)
    arguments = PlatformArguments(
        project="trainyard",
        stack=stack,
        workload="digits",
        settings=settings.gcp,
        kubernetes=settings.kubernetes,
        front_image=settings.serving.front_image,
        production=stack == "gcp-prod",
        tags=tags_for(settings, project="trainyard", stack=stack),
    )
    sides: list[CloudSide] = []
    resolved: dict[str, Any] = {}

    def build() -> None:
        side = GcpPlatform("gcp", arguments, pulumi.ResourceOptions(transformations=[see] if see else [])).side
        sides.append(side)
        parameters = side.storage_class["parameters"]
        pulumi.Output.all(issuer_url=side.issuer_url, images=side.images, parameters=parameters).apply(resolved.update)

    resources = record(build, stack=stack)
    return sides[0], resolved, resources


@pytest.fixture(scope="module")
def dev() -> HandedOver:
    changes = {
        "images.training_digest": DIGEST,
        "images.serving_digest": "",
        "kubernetes.teams": TEAMS,
        "cluster.team_members": {"vision": ["user:ada@example.com"]},
    }
    return hand_over("gcp-dev", changes)


def test_the_provider_asks_for_a_token_each_time(dev: HandedOver) -> None:
    provider = dev[2].one("pulumi:providers:kubernetes", "kubernetes")
    # As the engine sees a secret.
    assert provider.inputs["kubeconfig"].keys() == {SECRET, "value"}
    user = json.loads(provider.inputs["kubeconfig"]["value"])["users"][0]["user"]
    assert user.keys() == {"exec"}
    assert user["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert provider.inputs["enableServerSideApply"] == "true"
    # What is said of a cluster that is out of reach, the environment says: else nobody could say it for one run.
    assert not {"deleteUnreachable", "skipUpdateUnreachable"} & provider.inputs.keys()
    assert provider.inputs["clusterIdentifier"] == NAMES.cluster_id(f"{REGION}-a")


def test_what_the_environment_says_of_a_cluster_out_of_reach_is_no_difference() -> None:
    ignored: list[str] = []

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == "pulumi:providers:kubernetes":
            ignored.extend(args.opts.ignore_changes or [])

    hand_over("gcp-dev", see=see)
    assert ignored == ["skipUpdateUnreachable"]


def test_an_image_that_is_neither_built_nor_set_is_left_out(dev: HandedOver) -> None:
    registry = f"{REGION}-docker.pkg.dev/{PROJECT}"
    assert dev[1]["images"] == {"trainyard-training": f"{registry}/trainyard-gcp-dev-training/training@{DIGEST}"}


def test_the_issuer_is_the_cluster_and_its_keys_are_where_gke_has_them(dev: HandedOver) -> None:
    assert dev[1]["issuer_url"] == f"https://container.googleapis.com/v1/{NAMES.cluster_id(f'{REGION}-a')}"
    assert dev[0].issuer_keys_path == "jwks"


def test_pods_know_their_project_and_where_their_credentials_come_from(dev: HandedOver) -> None:
    side = dev[0]
    assert side.environment == {"GOOGLE_CLOUD_PROJECT": PROJECT}
    agents = [(agent.cidr, agent.port) for agent in side.identity_agents]
    assert agents == [("169.254.169.254/32", 80), ("169.254.169.254/32", 8080)]


def test_each_service_account_names_the_one_of_googles_that_is_made_for_it(dev: HandedOver) -> None:
    side, _, resources = dev
    accounts = resources.all("gcp:serviceaccount/account:Account")
    made = {f"{each.inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com" for each in accounts}
    assert side.service_accounts.keys() == {"trainyard", "vision"}
    named = [
        side.service_accounts[team][identity.value][ANNOTATION]
        for team in side.service_accounts
        for identity in Identity
    ]
    assert len(set(named)) == 6
    assert set(named) <= made


def test_members_of_a_team_are_named_in_its_role_bindings(dev: HandedOver) -> None:
    bindings = dev[2].all("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    subjects = {
        each.inputs["metadata"]["namespace"]: [(who["kind"], who["name"]) for who in each.inputs["subjects"]]
        for each in bindings
    }
    assert subjects == {
        "trainyard": [("Group", "trainyard:trainyard")],
        "vision": [("Group", "trainyard:vision"), ("User", "ada@example.com")],
    }


def test_people_are_users_and_groups_are_groups() -> None:
    robot = "bot@p.iam.gserviceaccount.com"
    members = ["user:ada@example.com", "group:research@example.com", f"serviceAccount:{robot}"]
    assert team_members({"vision": members}) == {
        "vision": [
            Member("User", "ada@example.com"),
            Member("Group", "research@example.com"),
            Member("User", robot),
        ]
    }


def test_volumes_are_the_stacks_own(dev: HandedOver) -> None:
    keys = f"projects/{PROJECT}/locations/{REGION}/keyRings/trainyard-gcp-dev-keys-1a2b3c4/cryptoKeys"
    assert dev[1]["parameters"] == {
        "type": "pd-balanced",
        "disk-encryption-kms-key": f"{keys}/keys-volumes-1a2b3c4",
        "labels": "project=trainyard,stack=gcp-dev",
    }
    # Those machines that take no other disk get what they take.
    assert storage_class(NAMES, "key", "hyperdisk-balanced")["parameters"]["type"] == "hyperdisk-balanced"


def test_gke_brings_what_starts_nodes_offers_gpus_and_ends_pods_in_time(dev: HandedOver) -> None:
    assert dev[0].provided == {"node_autoscaler", "device_plugin", "termination_handler"}
    releases = {each.inputs["name"] for each in dev[2].all("kubernetes:helm.sh/v3:Release")}
    assert releases == {"dcgm-exporter", "kueue", "prometheus", "prometheus-adapter", "prometheus-node-exporter"}


def test_where_add_ons_run_pods_of_the_systems_priorities_are_let_in(dev: HandedOver) -> None:
    resources = dev[2]
    quotas = [
        each
        for each in resources.all("kubernetes:core/v1:ResourceQuota")
        if each.inputs["metadata"]["name"] == "critical-pods"
    ]
    namespaces = {each.inputs["namespace"] for each in resources.all("kubernetes:helm.sh/v3:Release")}
    assert {each.inputs["metadata"]["namespace"] for each in quotas} == namespaces
    (selected,) = quotas[0].inputs["spec"]["scopeSelector"]["matchExpressions"]
    assert (selected["scopeName"], selected["operator"]) == ("PriorityClass", "In")
    assert {*selected["values"]} == {"system-node-critical", "system-cluster-critical"}


def test_load_balancers_have_addresses_of_the_network(dev: HandedOver) -> None:
    assert dev[0].load_balancer_annotations == {"networking.gke.io/load-balancer-type": "Internal"}


def pool(**sharing: Any) -> GpuPoolSettings:
    return GpuPoolSettings.model_construct(
        machine_type="g2-standard-4",
        sharing=GpuPoolSettings.model_fields["sharing"].default.model_copy(update=sharing),
    )


def test_what_measures_gpus_knows_how_pools_share_them() -> None:
    addons = AddonSettings()
    assert sharing_of_pools(addons, {}) == addons
    assert sharing_of_pools(addons, {"whole": pool()}).device_plugin == addons.device_plugin
    shared = {"whole": pool(), "shared": pool(strategy="time_sharing", pods=4)}
    assert sharing_of_pools(addons, shared).device_plugin.time_slices == 4
    assert sharing_of_pools(addons, {"cut": pool(partition="1g.5gb")}).device_plugin.mig_strategy == "single"


def test_images_of_others_are_pulled_through_by_setting(dev: HandedOver) -> None:
    assert dev[0].registries == {}
    side, _, _ = hand_over("gcp-dev", {"registry.pull_through": True})
    assert side.registries["quay.io"] == f"{REGION}-docker.pkg.dev/{PROJECT}/{NAMES.cached_repository('quay')}"


def test_a_partition_of_a_gpu_is_asked_for_as_a_gpu() -> None:
    config = stack_file("gcp-prod")
    config["trainyard:serving"] = {**config["trainyard:serving"], "pods": {"mig_profile": "1g.10gb"}}
    with pytest.raises(SettingsError, match=r"mig_profile = .*: must be empty where .* gcp: GKE offers a slice"):
        parse(config, "gcp-prod")
