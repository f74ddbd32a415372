"""The pools of nodes: what every node is protected by, how capacity is bought, how GPUs are shared and joined."""

import ipaddress
from collections import Counter
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp import gpu_networks
from infra.gcp.gpu_pools import GpuPools
from infra.gcp.machine_settings import GpuPoolSettings
from infra.gcp.naming import Names
from infra.gcp.node_pool import DAEMON_PODS, PoolSurroundings, initial_nodes_of_zone, most_pods
from infra.kubernetes.node_pools import NodePool
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.recorder import Registered, Resources, provision, record

POOL = "gcp:container/nodePool:NodePool"
NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
FIREWALL = "gcp:compute/firewall:Firewall"
NAMES = Names("trainyard", "gcp-dev", PROJECT, NUMBER, REGION)
SURROUNDINGS = PoolSurroundings(
    names=NAMES,
    cluster_name=NAMES.cluster,
    location=REGION,
    zones=(f"{REGION}-a", f"{REGION}-b"),
    node_email="node@example.iam.gserviceaccount.com",
    volumes_key_id="projects/p/locations/l/keyRings/r/cryptoKeys/volumes",
    labels={"stack": "gcp-dev"},
)

TOGETHER = {"tightly_coupled": True, "zones": [f"{REGION}-b"]}
"""Nodes of one job."""

pytestmark = pytest.mark.xdist_group("gcp platforms")


def recorded(**settings: Any) -> Resources:
    """A pool by itself, whose settings nobody has compared with what there is."""
    one = GpuPoolSettings.model_validate({"machine_type": "g2-standard-8", **settings})
    return record(lambda: GpuPools("gpu", {"one": one}, SURROUNDINGS))


def pool(**settings: Any) -> dict[str, Any]:
    """What GKE is asked for."""
    return recorded(**settings).one(POOL).inputs


@pytest.fixture(params=["gcp-dev", "gcp-prod"])
def pools(request: pytest.FixtureRequest) -> list[Registered]:
    found = provision(request.param).all(POOL)
    assert len(found) >= 2
    return found


def test_every_node_is_protected(pools: list[Registered]) -> None:
    for each in pools:
        config = each.inputs["nodeConfig"]
        assert each.inputs["networkConfig"]["enablePrivateNodes"] is True
        assert config["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
        assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert config["metadata"] == {"disable-legacy-endpoints": "true"}
        assert config["imageType"] == "COS_CONTAINERD"
        assert "/cryptoKeys/" in config["bootDiskKmsKey"]
        assert config["serviceAccount"].startswith(f"{NAMES.prefix[:9]}-")
        assert config["oauthScopes"] == ["https://www.googleapis.com/auth/cloud-platform"]
        kubelet = config["kubeletConfig"]
        assert kubelet["insecureKubeletReadonlyPortEnabled"] == "FALSE"
        # Source: GKE API, NodeKubeletConfig.podPidsLimit.
        assert 1024 <= kubelet["podPidsLimit"] <= 4_194_304
        assert config["linuxNodeConfig"] == {"cgroupMode": "CGROUP_MODE_V2"}
        assert each.inputs["management"]["autoUpgrade"] is True


def test_machines_and_disks_carry_the_stacks_labels(pools: list[Registered]) -> None:
    for each in pools:
        labels = each.inputs["nodeConfig"]["resourceLabels"]
        assert {"project", "stack", "owner", "cost_centre"} <= labels.keys()


def test_how_many_nodes_there_are_is_the_autoscalers_business(pools: list[Registered]) -> None:
    for each in pools:
        assert "nodeCount" not in each.inputs
        # GKE refuses limits for each zone beside those for all zones.
        assert each.inputs["autoscaling"].keys() == {"totalMinNodeCount", "totalMaxNodeCount", "locationPolicy"}
    ignored: list[str] = []

    def remember(args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_ == POOL:
            ignored.extend(args.opts.ignore_changes or [])

    settings = GpuPoolSettings(machine_type="g2-standard-8")
    options = pulumi.ResourceOptions(transformations=[remember])
    record(lambda: GpuPools("gpu", {"one": settings}, SURROUNDINGS, options))
    assert ignored == ["initialNodeCount"]


counts = st.integers(0, 40)


@given(fewest=counts, more=st.integers(0, 40), zones=st.integers(1, 3), gpus=st.integers(0, 8))
def test_a_pool_begins_with_its_fewest_nodes_and_never_with_more_than_its_most(
    fewest: int, more: int, zones: int, gpus: int
) -> None:
    most = max(fewest + more, 1)
    offer = NodePool(
        name="one",
        capacity="spot",
        cpus=1,
        memory_gib=1,
        scratch_gib=1,
        zones=tuple("abc"[:zones]),
        gpus=gpus,
        min_nodes=fewest,
        max_nodes=most,
    )
    there = initial_nodes_of_zone(offer) * zones
    assert there <= most
    assert abs(fewest - there) < zones
    assert fewest > 0 or there == 0
    # GPUs are dear; the cluster's own pods have to run.
    assert there <= fewest if gpus else there >= fewest or there + zones > most


@given(gpus=st.integers(0, 400))
def test_a_node_has_room_for_a_pod_on_each_gpu(gpus: int) -> None:
    offer = NodePool(name="one", capacity="spot", cpus=1, memory_gib=1, scratch_gib=1, gpus=gpus, max_nodes=1)
    most = most_pods(offer)
    assert most is None if gpus == 0 else most == 256 or most >= gpus + DAEMON_PODS


def test_there_are_nodes_on_demand_for_the_cluster_itself(pools: list[Registered]) -> None:
    (system,) = (each.inputs for each in pools if each.name == "system")
    assert not system["nodeConfig"].keys() & {"spot", "flexStart", "reservationAffinity", "guestAccelerators"}
    assert not system["nodeConfig"].get("taints")
    assert system["autoscaling"]["totalMinNodeCount"] >= 1
    assert system["initialNodeCount"] >= 1


def test_an_on_demand_pool_is_upgraded_with_another_node_at_hand() -> None:
    made = pool(capacity="on_demand")
    assert not made["nodeConfig"].keys() & {"spot", "flexStart", "reservationAffinity"}
    assert made["autoscaling"]["locationPolicy"] == "BALANCED"
    assert made["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 1, "maxUnavailable": 0}
    assert made["management"] == {"autoRepair": True, "autoUpgrade": True}


def test_a_spot_pool_is_empty_at_first_and_takes_nodes_where_there_are_any() -> None:
    made = pool()
    assert made["nodeConfig"]["spot"] is True
    assert "reservationAffinity" not in made["nodeConfig"]
    assert made["autoscaling"]["locationPolicy"] == "ANY"
    assert made["initialNodeCount"] == 0
    assert made["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}


def test_a_reserved_pool_runs_in_its_reservation_and_needs_no_other_node_for_an_upgrade() -> None:
    made = pool(capacity="reserved", reservation="research", machine_type="a3-megagpu-8g", **TOGETHER)
    assert made["nodeConfig"]["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["research"],
    }
    assert made["upgradeSettings"]["maxSurge"] == 0
    # The reservation's machines have been placed already.
    assert "placementPolicy" not in made


def test_a_pool_of_flex_start_is_as_gke_wants_it() -> None:
    """Source: GoogleCloudPlatform/cluster-toolkit, gke-node-pool, its preconditions; GKE, "About flex-start"."""
    made = pool(capacity="flex_start", machine_type="a3-highgpu-8g", most_hours=24, **TOGETHER)
    config = made["nodeConfig"]
    assert config["flexStart"] is True
    assert "spot" not in config
    assert config["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}
    assert config["maxRunDuration"] == "86400s"
    assert made["management"] == {"autoRepair": False, "autoUpgrade": True}
    assert not made.keys() & {"upgradeSettings", "placementPolicy", "queuedProvisioning"}
    assert "maxRunDuration" not in pool(capacity="flex_start")["nodeConfig"]


def test_gpus_are_attached_with_a_driver() -> None:
    (own,) = pool(machine_type="a3-highgpu-8g")["nodeConfig"]["guestAccelerators"]
    assert own == {
        "type": "nvidia-h100-80gb",
        "count": 8,
        "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"},
    }
    attached = pool(machine_type="n1-standard-8", accelerator="nvidia-tesla-t4", accelerator_count=2, driver="default")
    (accelerator,) = attached["nodeConfig"]["guestAccelerators"]
    assert (accelerator["type"], accelerator["count"]) == ("nvidia-tesla-t4", 2)
    assert accelerator["gpuDriverInstallationConfig"] == {"gpuDriverVersion": "DEFAULT"}


@pytest.mark.parametrize(
    ("sharing", "made"),
    [
        ({"partition": "1g.5gb"}, {"gpuPartitionSize": "1g.5gb"}),
        (
            {"strategy": "time_sharing", "pods": 4, "partition": "3g.20gb"},
            {
                "gpuPartitionSize": "3g.20gb",
                "gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING", "maxSharedClientsPerGpu": 4},
            },
        ),
        (
            {"strategy": "mps", "pods": 8},
            {"gpuSharingConfig": {"gpuSharingStrategy": "MPS", "maxSharedClientsPerGpu": 8}},
        ),
    ],
)
def test_gpus_are_shared_as_the_settings_say(sharing: dict[str, Any], made: dict[str, Any]) -> None:
    (accelerator,) = pool(machine_type="a2-highgpu-1g", sharing=sharing)["nodeConfig"]["guestAccelerators"]
    assert {key: accelerator[key] for key in accelerator if key.startswith(("gpuS", "gpuP"))} == made


def test_pods_that_share_a_gpu_have_addresses() -> None:
    shared = {"strategy": "time_sharing", "pods": 48}
    assert pool()["maxPodsPerNode"] == 64
    assert pool(sharing=shared)["maxPodsPerNode"] == 110
    assert pool(machine_type="g2-standard-48", sharing=shared)["maxPodsPerNode"] == 256


@pytest.mark.parametrize(
    ("settings", "scratch", "raw"),
    [
        ({}, None, None),
        ({"local_ssds": 1, "scratch": "local_ssd"}, 1, None),
        ({"local_ssds": 1}, None, 1),
        ({"machine_type": "a3-highgpu-8g", "scratch": "local_ssd"}, 16, None),
        ({"machine_type": "a3-highgpu-8g"}, None, 16),
        ({"machine_type": "a2-ultragpu-2g", "scratch": "local_ssd"}, 2, None),
    ],
)
def test_local_ssds_are_pods_files_or_left_as_they_are(
    settings: dict[str, Any], scratch: int | None, raw: int | None
) -> None:
    config = pool(**settings)["nodeConfig"]
    assert config.get("ephemeralStorageLocalSsdConfig") == ({"localSsdCount": scratch} if scratch else None)
    assert config.get("localNvmeSsdBlockConfig") == ({"localSsdCount": raw} if raw else None)


def test_nodes_of_one_job_are_close_to_each_other_and_join_their_connections() -> None:
    made = pool(capacity="on_demand", machine_type="a2-highgpu-8g", **TOGETHER)
    assert made["placementPolicy"] == {"type": "COMPACT"}
    assert len(made["nodeLocations"]) == 1
    assert made["nodeConfig"]["fastSocket"] == {"enabled": True}
    assert made["nodeConfig"]["gvnic"] == {"enabled": True}
    assert not pool().keys() & {"placementPolicy"}
    assert "fastSocket" not in pool()["nodeConfig"]


def test_images_are_streamed_unless_not_wanted() -> None:
    assert pool()["nodeConfig"]["gcfsConfig"] == {"enabled": True}
    assert pool(image_streaming=False)["nodeConfig"]["gcfsConfig"] == {"enabled": False}


GPUDIRECT = {
    "tcpx": ("a3-highgpu-8g", 4, 4),
    "tcpxo": ("a3-megagpu-8g", 8, 8),
    "rdma": ("a3-ultragpu-8g", 2, 9),
}
"""A machine that has it, the networks of its pool, and the network cards of a node beside the first."""


def joined(kind: str) -> Resources:
    """A pool whose GPUs reach those of other nodes past the kernel."""
    of_its_own = {"disk_type": "hyperdisk-balanced", "zones": [f"{REGION}-a"]} if kind == "rdma" else {}
    return recorded(**{**TOGETHER, "machine_type": GPUDIRECT[kind][0], "gpudirect": kind, **of_its_own})


@pytest.mark.parametrize("kind", GPUDIRECT)
def test_each_network_card_of_gpus_has_a_network_or_a_subnet_of_its_own(kind: str) -> None:
    _, networks, cards = GPUDIRECT[kind]
    resources = joined(kind)
    made = {each.inputs["name"]: each.inputs for each in resources.all(NETWORK)}
    subnets = {each.inputs["name"]: each.inputs for each in resources.all(SUBNETWORK)}
    attached = resources.one(POOL).inputs["networkConfig"]["additionalNodeNetworkConfigs"]
    assert (len(made), len(subnets), len(attached)) == (networks, cards, cards)
    assert [*subnets] == sorted(subnets)
    assert {each["subnetwork"] for each in attached} == subnets.keys()
    assert {each["network"] for each in attached} == made.keys()
    ranges = [ipaddress.ip_network(each["ipCidrRange"]) for each in subnets.values()]
    assert all(not one.overlaps(other) for one in ranges for other in ranges if one is not other)
    assert not any(each.is_private and not each.subnet_of(gpu_networks.RANGE) for each in ranges)
    # Fast Socket is for traffic through the kernel.
    assert "fastSocket" not in resources.one(POOL).inputs["nodeConfig"]


def test_gpus_networks_have_no_way_out_and_nothing_else_comes_in() -> None:
    resources = joined("tcpx")
    subnets = {each.name.rpartition("-")[0]: each.inputs for each in resources.all(SUBNETWORK)}
    rules = {each.name: each.inputs for each in resources.all(FIREWALL)}
    for network in resources.all(NETWORK):
        assert network.inputs["deleteDefaultRoutesOnCreate"] is True
        assert network.inputs["autoCreateSubnetworks"] is False
        assert network.inputs["mtu"] == 8244
        assert rules[network.name]["sourceRanges"] == [subnets[network.name]["ipCidrRange"]]
        assert rules[network.name]["direction"] == "INGRESS"
        assert rules[network.name]["logConfig"] == {"metadata": "INCLUDE_ALL_METADATA"}
        assert 0 < subnets[network.name]["logConfig"]["flowSampling"] <= 1
    assert not {"gcp:compute/router:Router", "gcp:compute/route:Route"} & {each.type for each in resources.registered}


def test_rdma_has_a_network_of_its_kind_in_the_pools_zone() -> None:
    resources = joined("rdma")
    rdma = resources.one(NETWORK, "gpu-one-net-rdma").inputs
    assert rdma["networkProfile"] == f"projects/{PROJECT}/global/networkProfiles/{REGION}-a-vpc-roce"
    assert rdma["mtu"] == 8896
    # Such a network takes no firewall.
    assert [each.name for each in resources.all(FIREWALL)] == ["gpu-one-net-gvnic"]


@pytest.mark.parametrize("kind", GPUDIRECT)
def test_pods_name_the_networks_by_objects_of_the_cluster(kind: Any) -> None:
    resources = joined(kind)
    attached = resources.one(POOL).inputs["networkConfig"]["additionalNodeNetworkConfigs"]
    objects = gpu_networks.cluster_objects(NAMES, "one", kind)
    parameters = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "GKENetworkParamSet"}
    assert [(each["vpc"], each["vpcSubnet"]) for each in parameters.values()] == [
        (each["network"], each["subnetwork"]) for each in attached
    ]
    modes = [each["deviceMode"] for each in parameters.values()]
    assert modes == (["NetDevice"] + ["RDMA"] * 8 if kind == "rdma" else ["NetDevice"] * len(attached))
    for each in objects:
        if each["kind"] == "Network":
            assert each["spec"]["type"] == "Device"
            assert each["spec"]["parametersRef"]["name"] in parameters
    settings = GpuPoolSettings.model_validate({"machine_type": "g2-standard-8"})
    assert gpu_networks.network_manifests(NAMES, {"one": settings}) == []


def test_the_cluster_of_a_stack_has_those_objects() -> None:
    changes = {"machine_type": "a3-highgpu-8g", "gpudirect": "tcpx", **TOGETHER}
    resources = provision("gcp-dev", {"gpu_pools.one": changes})
    kinds = Counter(each.inputs["kind"] for each in resources.registered if "kind" in each.inputs)
    assert kinds["GKENetworkParamSet"] == kinds["Network"] == 4
    assert resources.one("gcp:container/cluster:Cluster").inputs["enableMultiNetworking"] is True
    # What those networks log is kept where the rest is.
    told = resources.one("gcp:logging/projectSink:ProjectSink", "logs-network").inputs["filter"]
    for each in resources.all(SUBNETWORK):
        assert f'"{each.inputs["name"]}"' in told
