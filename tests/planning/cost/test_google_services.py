"""What the network, storage, keys and operation of a stack on Google Cloud cost, with round prices."""

import dataclasses
from typing import Any

import pytest

from planning.cost.estimate import price_plan
from planning.cost.inputs import UNKNOWN
from planning.cost.lines import Line
from planning.cost.plan import PlannedResource, region_of
from planning.cost.usage import Usage
from tests.planning.cost.google_plans import CLUSTER, REGION, google_book, google_cost, machine, node_pool
from tests.planning.cost.small_plans import NO_USE, document, make_book, resource

HOURS = 730
NAT = "gcp:compute/routerNat:RouterNat"
NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"
BUCKET = "gcp:storage/bucket:Bucket"
LOG_BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
KEY = "gcp:kms/cryptoKey:CryptoKey"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
PLAIN = {"removeDefaultNodePool": True, "monitoringConfig": {"managedPrometheus": {"enabled": False}}}
QUIET = PLAIN | {"loggingConfig": {"enableComponents": []}}


def used(**amounts: float) -> Usage:
    """Only this is used."""
    return dataclasses.replace(NO_USE, **amounts)  # type: ignore[arg-type]


def by_what(lines: tuple[Line, ...]) -> dict[str, float | None]:
    return {line.what: line.usd_per_month for line in lines}


@pytest.mark.parametrize(
    ("type_", "inputs", "fixed"),
    [
        (NAT, {}, HOURS),
        (NAT, {"natIpAllocateOption": "MANUAL_ONLY"}, 0),
        ("gcp:compute/address:Address", {}, HOURS),
        ("gcp:compute/globalAddress:GlobalAddress", {"addressType": "EXTERNAL"}, HOURS),
        ("gcp:compute/address:Address", {"addressType": "INTERNAL"}, 0),
        (RULE, {"target": "all-apis", "loadBalancingScheme": ""}, HOURS),
        (RULE, {"target": UNKNOWN, "loadBalancingScheme": ""}, HOURS),
        ("gcp:compute/forwardingRule:ForwardingRule", {"loadBalancingScheme": "INTERNAL"}, HOURS),
        (RULE, {"target": "proxy"}, HOURS),
        (NETWORK, {}, 0),
        (SUBNETWORK, {}, 0),
        (SUBNETWORK, {"logConfig": {"flowSampling": 0.5}}, 0),
        ("gcp:dns/managedZone:ManagedZone", {}, 1),
        (BUCKET, {}, 0),
        (REPOSITORY, {}, 0),
        (KEY, {}, 1),
        (KEY, {"versionTemplate": {"protectionLevel": "HSM", "algorithm": "X"}}, 7),
        (CLUSTER, QUIET, HOURS),
        (CLUSTER, QUIET | {"binaryAuthorization": {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}}, 2 * HOURS),
        (CLUSTER, QUIET | {"binaryAuthorization": {"evaluationMode": "DISABLED"}}, HOURS),
        (LOG_BUCKET, {"retentionDays": 365}, 0),
        ("gcp:cloudscheduler/job:Job", {"paused": True}, 1),
        ("gcp:billing/budget:Budget", {}, 0),
        ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, HOURS),
        ("kubernetes:networking.k8s.io/v1:Ingress", {"spec": {"ingressClassName": "nginx"}}, 0),
    ],
)
def test_what_is_there_costs_whatever_is_used(type_: str, inputs: dict[str, Any], fixed: float) -> None:
    cost = google_cost(resource(type_, **inputs), book=google_book(kms_hsm_key_month=7.0))
    assert cost.usd_per_month == cost.fixed_usd_per_month == pytest.approx(fixed)
    assert cost.idle_usd_per_hour == cost.full_usd_per_hour == pytest.approx(fixed / HOURS)
    assert cost.complete


@pytest.mark.parametrize(
    ("type_", "inputs", "usage", "usd"),
    [
        (NAT, {}, {"nat_gb": 7, "internet_egress_gb": 2}, 9),
        (RULE, {"target": "all-apis"}, {"endpoint_gb": 7}, 7),
        ("gcp:compute/forwardingRule:ForwardingRule", {}, {"load_balancer_gb": 7}, 7),
        ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, {"load_balancer_gb": 7}, 7),
        (NETWORK, {}, {"cross_zone_gb": 7}, 7),
        (SUBNETWORK, {"logConfig": {}}, {"flow_log_gb": 7}, 7),
        (SUBNETWORK, {}, {"flow_log_gb": 7}, 0),
        ("gcp:dns/managedZone:ManagedZone", {}, {"dns_queries": 7e6}, 7),
        (BUCKET, {}, {"other_bucket_gib": 3, "object_writes": 2000, "object_reads": 4000}, 9),
        (BUCKET, {"autoclass": {"enabled": True}}, {"tiered_objects": 7000}, 7),
        (BUCKET, {"autoclass": {"enabled": False}}, {"tiered_objects": 7000}, 0),
        (REPOSITORY, {}, {"image_gb": 3, "image_scans": 4}, 7),
        (
            REPOSITORY,
            {"vulnerabilityScanningConfig": {"enablementConfig": "DISABLED"}},
            {"image_gb": 3, "image_scans": 4},
            3,
        ),
        (KEY, {"rotationPeriod": "7776000s"}, {"key_requests": 30_000, "key_rotations": 4}, 7),
        (KEY, {}, {"key_requests": 30_000, "key_rotations": 4}, 3),
        (CLUSTER, QUIET | {"monitoringConfig": {}}, {"metric_samples": 7e6}, 7),
        (CLUSTER, QUIET, {"metric_samples": 7e6, "control_plane_log_gb": 7}, 0),
        # Where the stack has no log bucket, its logs go to the project's own.
        (CLUSTER, PLAIN, {"control_plane_log_gb": 7}, 7),
        (LOG_BUCKET, {}, {"other_log_gb": 7}, 7),
        (LOG_BUCKET, {"retentionDays": 30}, {"other_log_gb": 7}, 7),
        (LOG_BUCKET, {"retentionDays": 395}, {"other_log_gb": 1}, 1 + 12),
    ],
)
def test_what_is_used_costs_by_the_assumptions(
    type_: str, inputs: dict[str, Any], usage: dict[str, float], usd: float
) -> None:
    cost = google_cost(resource(type_, **inputs), usage=used(**usage))
    assert cost.usage_usd_per_month == pytest.approx(usd)
    assert all(line.assumption for line in cost.of_kind("usage"))
    assert cost.complete


@pytest.mark.parametrize(
    ("type_", "inputs", "said"),
    [
        ("gcp:compute/address:Address", {"addressType": UNKNOWN}, "whether it is a public one"),
        (RULE, {"loadBalancingScheme": "INTERNAL_MANAGED"}, "its proxies"),
        (RULE, {"target": UNKNOWN}, "what it is the front of"),
        (BUCKET, {"storageClass": "NEARLINE"}, "the storage class NEARLINE has no price"),
        (BUCKET, {"autoclass": UNKNOWN}, "whether it is on"),
        (BUCKET, {"lifecycleRules": UNKNOWN}, "what its rules do"),
        (
            BUCKET,
            {"lifecycleRules": [{"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}}]},
            "this storage class has no price",
        ),
        (KEY, {"versionTemplate": {"protectionLevel": "EXTERNAL"}}, "protection level EXTERNAL have no price"),
        (KEY, {"versionTemplate": UNKNOWN}, "have no price"),
        (CLUSTER, QUIET | {"releaseChannel": {"channel": "EXTENDED"}}, "once its version has left standard support"),
        (CLUSTER, QUIET | {"enableAutopilot": True}, "what pods ask for"),
        (CLUSTER, QUIET | {"clusterAutoscaling": {"enabled": True}}, "pools that GKE makes by itself"),
        (CLUSTER, QUIET | {"removeDefaultNodePool": False}, "pools of the cluster itself have no price"),
        (CLUSTER, QUIET | {"nodePools": [{"name": "own", "initialNodeCount": 8}]}, "make each a NodePool"),
        (CLUSTER, QUIET | {"nodePools": [{"nodeConfig": {"machineType": "a3-large"}}]}, "make each a NodePool"),
        (CLUSTER, QUIET | {"nodePools": UNKNOWN}, "make each a NodePool"),
        (CLUSTER, QUIET | {"securityPostureConfig": {"mode": "ENTERPRISE"}}, "ENTERPRISE has no price"),
        (CLUSTER, QUIET | {"monitoringConfig": UNKNOWN}, "whether there are any"),
        (LOG_BUCKET, {"retentionDays": UNKNOWN}, "for how long they are kept"),
        ("kubernetes:networking.k8s.io/v1:Ingress", {"spec": {"ingressClassName": "gce"}}, "have no price"),
    ],
)
def test_what_nobody_knows_is_unknown_and_never_nothing(type_: str, inputs: dict[str, Any], said: str) -> None:
    cost = google_cost(resource(type_, **inputs))
    assert any(said in line.note for line in cost.of_kind("unknown"))
    assert not cost.complete


def test_a_cluster_that_tells_of_its_pools_does_not_hide_the_price_of_those_that_are_resources() -> None:
    pool = node_pool()
    pool["inputs"]["name"] = "apart"
    told, others = ([{"name": "apart"}], [{"name": "apart"}, {"name": "own"}])
    assert google_cost(pool, resource(CLUSTER, **(QUIET | {"nodePools": told}))).complete
    assert not google_cost(pool, resource(CLUSTER, **(QUIET | {"nodePools": others}))).complete


def test_a_price_that_the_book_does_not_have_is_unknown() -> None:
    plan = document(resource(NAT), resource(KEY), resource(CLUSTER, **QUIET), machine(), node_pool(least=1))
    plan["config"] = {"gcp:region": "mars-north1"}
    for each in plan["steps"]:
        for name in ("location", "zone"):
            each["newState"]["inputs"].pop(name, None)
    cost = price_plan(plan, google_book(), NO_USE)
    assert cost.usd_per_month == 0
    assert len(cost.of_kind("unknown")) >= 8
    assert all("in gcp mars-north1" in line.note for line in cost.of_kind("unknown"))


def test_the_logs_of_the_network_and_of_the_cluster_have_buckets_of_their_own() -> None:
    book = google_book(logs_vended_gb=2.0, network_telemetry_gb=3.0)
    usage = used(flow_log_gb=10, control_plane_log_gb=20)
    cost = google_cost(
        resource(SUBNETWORK, "nodes", logConfig={}),
        resource(LOG_BUCKET, "logs-network", retentionDays=30),
        resource(LOG_BUCKET, "logs-cluster", retentionDays=30),
        resource(CLUSTER, "cluster", **PLAIN),
        usage=usage,
        book=book,
    )
    assert by_what(cost.of_kind("usage")) == {"flow logs": 30, "network logs written": 20, "logs written": 20}


def test_cloud_nat_costs_for_each_machine_up_to_what_a_gateway_costs() -> None:
    book = google_book(nat_machine_hour=0.1, nat_gateway_hour=0.5, public_ipv4_hour=0.0)
    usage = used(gpu_nodes_busy_share=0.5)
    nat = resource(NAT)

    def machines(*others: dict[str, Any]) -> list[Line]:
        lines = google_cost(nat, *others, usage=usage, book=book).lines
        return [line for line in lines if line.type == NAT and line.what.startswith("Cloud NAT")]

    [always, sometimes] = machines(node_pool(least=1, most=3))
    assert (always.usd_per_month, sometimes.usd_per_month) == (pytest.approx(73), pytest.approx(73))
    assert (always.idle_usd_per_hour, sometimes.full_usd_per_hour) == (pytest.approx(0.1), pytest.approx(0.2))
    assert (always.what, sometimes.what) == ("Cloud NAT, 1 machine", "Cloud NAT, up to 2 more")
    [always, sometimes] = machines(node_pool(least=4, most=100))
    assert always.full_usd_per_hour is not None
    assert sometimes.full_usd_per_hour is not None
    assert always.full_usd_per_hour + sometimes.full_usd_per_hour == pytest.approx(0.5)
    assert sometimes.usd_per_month == pytest.approx(73)
    [always] = machines(machine(), machine("out", networkInterfaces=[{"accessConfigs": [{}]}]))
    assert always.usd_per_month == pytest.approx(73)
    [unknown] = machines(node_pool(autoscaling=UNKNOWN))
    assert unknown.kind == "unknown"
    assert machines() == []


def test_a_network_for_gpus_alone_has_no_traffic_between_zones() -> None:
    usage = used(cross_zone_gb=7)

    def traffic(network: dict[str, Any], *others: dict[str, Any]) -> float:
        return sum(
            line.usd_per_month or 0.0
            for line in google_cost(network, *others, usage=usage).lines
            if line.type == NETWORK
        )

    own = resource(NETWORK, "vpc", parent="urn:network")
    pods = resource(SUBNETWORK, "nodes", parent="urn:network", secondaryIpRanges=[{"rangeName": "pods"}])
    plain = resource(SUBNETWORK, "nodes", parent="urn:network")
    assert traffic(own, pods, node_pool()) == 7
    assert traffic(own, plain, node_pool()) == 0
    assert traffic(own, plain) == 7, "a machine's network has no pods"
    assert traffic(resource(NETWORK, "rdma", networkProfile="roce"), node_pool()) == 0


@pytest.mark.parametrize(
    ("storage_class", "usd", "note"),
    [
        ("premium-rwo", 200, ""),
        ("standard", 300, ""),
        ("own-ssd", 200, ""),
        (None, 200, ""),
        ("other", 100, "taken for a balanced persistent disk; the storage class decides"),
    ],
)
def test_a_claimed_volume_is_the_disk_that_its_class_makes(storage_class: str | None, usd: float, note: str) -> None:
    book = google_book(block_storage_ssd_gib_month=2.0, block_storage_standard_gib_month=3.0)
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    own = resource(
        "kubernetes:storage.k8s.io/v1:StorageClass",
        metadata={"name": "own-ssd", "annotations": annotations},
        parameters={"type": "pd-ssd"},
    )
    spec = {"resources": {"requests": {"storage": "100Gi"}}, "storageClassName": storage_class}
    claim = resource("kubernetes:core/v1:PersistentVolumeClaim", "claim", spec=spec)
    cost = google_cost(own, claim, resource(KEY), book=book)
    [line] = [each for each in cost.lines if each.name == "claim"]
    assert (line.usd_per_month, line.note) == (pytest.approx(usd), note)


def test_what_the_class_of_a_volume_makes_may_have_no_price() -> None:
    own = resource(
        "kubernetes:storage.k8s.io/v1:StorageClass", metadata={"name": "own"}, parameters={"type": "pd-extreme"}
    )
    spec = {"resources": {"requests": {"storage": "100Gi"}}, "storageClassName": "own"}
    claim = resource("kubernetes:core/v1:PersistentVolumeClaim", "claim", spec=spec)
    assert [line.kind for line in google_cost(own, claim, resource(KEY)).lines if line.name == "claim"] == ["unknown"]


@pytest.mark.parametrize(
    ("inputs", "region"),
    [
        ({"region": "us-central1"}, "us-central1"),
        ({"location": "US-CENTRAL1"}, "us-central1"),
        ({"location": "us-central1-b"}, "us-central1"),
        ({"zone": "us-central1-b"}, "us-central1"),
        ({"location": "EU"}, "eu"),
        ({"region": UNKNOWN}, REGION),
        ({}, REGION),
    ],
)
def test_where_a_resource_of_google_cloud_is(inputs: dict[str, Any], region: str) -> None:
    one = PlannedResource(urn="urn:a", type=BUCKET, name="a", inputs=inputs)
    assert region_of(one, {}, {"gcp:region": REGION, "aws:region": "eu-west-1"}, "gcp") == region


def test_each_resource_is_priced_by_its_own_cloud() -> None:
    plan = document(resource("aws:kms/key:Key"), resource(KEY), resource("kubernetes:core/v1:Service", "web"))
    plan["config"]["gcp:region"] = REGION
    book = make_book(kms_key_month=5.0)
    both = dataclasses.replace(book, services=(*book.services, *google_book().services))
    cost = price_plan(plan, both, NO_USE)
    assert [line.usd_per_month for line in cost.of_kind("fixed")] == [5.0, 1.0]
    assert cost.region == "eu-west-1"
    empty = price_plan({"config": {"gcp:region": REGION}, "steps": []}, book, NO_USE)
    assert empty.region == REGION


def test_the_credit_of_the_first_cluster_is_told_and_not_taken_off() -> None:
    [line, *_] = google_cost(resource(CLUSTER, **QUIET)).lines
    assert "$74.40" in line.note
