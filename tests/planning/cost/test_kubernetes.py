"""What a Kubernetes cluster makes its cloud bill: load balancers, volumes, nodes that Karpenter starts; and what costs
nothing. Prices are those of `small_plans`: $1 for every unit of a service."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.cost.inputs import UNKNOWN
from planning.cost.kubernetes_quantity import quantity_of
from planning.cost.usage import Usage
from tests.planning.cost.small_plans import NO_USE, cost_of, resource

HOURS = 730
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
RELEASE = "kubernetes:helm.sh/v3:Release"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}}


def _proxy(kind: str) -> dict[str, Any]:
    service = {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": {"type": kind}}}}
    return resource("kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy", metadata={"name": "front"}, spec=service)


@pytest.mark.parametrize(
    ("type_", "inputs", "fixed"),
    [
        (INGRESS, {"spec": {"ingressClassName": "alb"}}, HOURS),
        (GATEWAY, {"spec": {"gatewayClassName": "envoy"}}, HOURS),
        (STATEFUL_SET, {"spec": {"replicas": 3, "volumeClaimTemplates": [CLAIM, CLAIM]}}, 3 * 2 * 20),
        (STATEFUL_SET, {"spec": {"volumeClaimTemplates": [CLAIM]}}, 20),
        (RELEASE, {"values": {"controller": {"service": {"type": "LoadBalancer"}}}}, HOURS),
        (RELEASE, {"values": {"server": {"persistentVolume": {"enabled": True, "size": "8Gi"}}}}, 8),
        (RELEASE, {"values": {"storageSpec": {"volumeClaimTemplate": CLAIM}}}, 20),
    ],
)
def test_what_a_cluster_asks_its_cloud_for_costs(type_: str, inputs: dict[str, Any], fixed: float) -> None:
    cost = cost_of(resource(type_, **inputs))
    assert cost.usd_per_month == cost.fixed_usd_per_month == pytest.approx(fixed)
    assert cost.complete


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (INGRESS, {"spec": {"ingressClassName": "nginx"}}),
        (STATEFUL_SET, {"spec": {"replicas": 2}}),
        (RELEASE, {"values": {"server": {"persistentVolume": {"enabled": False, "size": "8Gi"}}}}),
        (RELEASE, {}),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", {}),
        ("kubernetes:core/v1:ResourceQuota", {}),
        ("kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue", {}),
        ("kubernetes:keda.sh/v1alpha1:ScaledObject", {}),
        ("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", {}),
        ("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", {}),
    ],
)
def test_objects_that_only_run_on_nodes_cost_nothing_and_say_why(type_: str, inputs: dict[str, Any]) -> None:
    cost = cost_of(resource(type_, **inputs), usage=Usage())
    assert cost.complete
    assert [(line.kind, bool(line.note), bool(line.source)) for line in cost.lines] == [("free", True, True)]


def test_a_gateway_costs_nothing_where_its_service_stays_inside() -> None:
    gateway = resource(GATEWAY, spec={"infrastructure": {"parametersRef": {"name": "front"}}})
    assert cost_of(gateway, _proxy("ClusterIP")).usd_per_month == 0
    assert cost_of(gateway, _proxy("LoadBalancer")).usd_per_month == pytest.approx(HOURS)
    assert cost_of(resource(GATEWAY, spec={}), _proxy("ClusterIP")).usd_per_month == pytest.approx(HOURS)


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (INGRESS, {"spec": {}}),
        (STATEFUL_SET, {"spec": {"replicas": UNKNOWN, "volumeClaimTemplates": [CLAIM]}}),
        (STATEFUL_SET, {"spec": {"volumeClaimTemplates": [{"spec": {}}]}}),
        (RELEASE, {"values": UNKNOWN}),
    ],
)
def test_what_the_plan_does_not_tell_is_unknown(type_: str, inputs: dict[str, Any]) -> None:
    cost = cost_of(resource(type_, **inputs))
    assert [line.kind for line in cost.lines] == ["unknown"]
    assert not cost.complete


def test_objects_that_make_things_of_a_cloud_are_listed_as_unpriced() -> None:
    database = "kubernetes:rds.services.k8s.aws/v1alpha1:DBInstance"
    snapshot = "kubernetes:snapshot.storage.k8s.io/v1:VolumeSnapshot"
    assert cost_of(resource(database), resource(snapshot)).unpriced == {database: 1, snapshot: 1}


def _node_pool(capacity: str = "spot", limits: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["gpu.large", "gpu.small"]},
    ]
    node = {"nodeClassRef": {"name": "trainers"}, "requirements": requirements}
    template = {"metadata": {"labels": {"trainyard.dev/pool": "trainers"}}, "spec": node}
    spec = {"template": template, "limits": {"nodes": "4"} if limits is None else limits} | more
    return resource("kubernetes:karpenter.sh/v1:NodePool", metadata={"name": "trainers"}, spec=spec)


def _node_class(name: str = "trainers") -> dict[str, Any]:
    devices = [{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": "73Gi"}}]
    spec = {"blockDeviceMappings": devices, "detailedMonitoring": False, "associatePublicIPAddress": False}
    return resource("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", metadata={"name": name}, spec=spec)


@pytest.mark.parametrize(("capacity", "taken", "dearest"), [("spot", 1.0, 4.0), ("on-demand", 2.0, 8.0)])
def test_nodes_of_karpenter_cost_by_use_up_to_the_limit(capacity: str, taken: float, dearest: float) -> None:
    usage = NO_USE.replaced({"pools.trainers": "0.5", "run_hours": "10", "run_nodes": "2"})
    cost = cost_of(_node_pool(capacity), _node_class(), usage=usage)
    volume = 73 / HOURS
    assert cost.complete
    assert cost.idle_usd_per_hour == cost.fixed_usd_per_month == 0
    assert cost.full_usd_per_hour == pytest.approx(4 * (dearest + volume))
    assert cost.usd_per_month == pytest.approx(4 * HOURS * 0.5 * (taken + volume))
    [run] = cost.runs
    assert (run.pool, run.nodes) == ("trainers", 2)
    assert run.usd == pytest.approx(10 * 2 * (taken + volume))


@pytest.mark.parametrize(
    "plan",
    [
        [_node_pool(limits={}), _node_class()],
        [_node_pool(limits={"nodes": UNKNOWN}), _node_class()],
        [_node_pool(), _node_class("others")],
        [_node_pool("capacity of a new kind"), _node_class()],
    ],
    ids=["no limit", "limit unknown", "class elsewhere", "capacity"],
)
def test_what_is_not_told_of_karpenters_nodes_is_unknown(plan: list[dict[str, Any]]) -> None:
    cost = cost_of(*plan)
    assert cost.of_kind("unknown")
    assert not cost.complete


def test_a_pool_of_karpenter_without_nodes_costs_nothing() -> None:
    cost = cost_of(_node_pool(limits={"nodes": "0"}), _node_class())
    assert cost.complete
    assert (cost.full_usd_per_hour, cost.runs) == (0, ())


@pytest.mark.parametrize(
    ("text", "value"),
    [("100Gi", 100 * 2**30), ("1.5k", 1500), ("500m", 0.5), ("4", 4), (4, 4), ("2E", 2e18)],
)
def test_quantities_are_read_as_kubernetes_writes_them(text: object, value: float) -> None:
    assert quantity_of(text) == pytest.approx(value)


@given(st.one_of(st.none(), st.booleans(), st.text(), st.sampled_from([UNKNOWN, "9" * 400]), st.lists(st.integers())))
def test_what_is_no_quantity_is_never_a_negative_or_infinite_number(value: object) -> None:
    found = quantity_of(value)
    assert found is None or 0 <= found < float("inf")
