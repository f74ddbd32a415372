"""What each type of resource costs, one at a time, with round prices."""

import json
from typing import Any

import pytest

from planning.cost.estimate import price_plan
from planning.cost.inputs import UNKNOWN
from planning.cost.usage import Usage
from tests.planning.cost.small_plans import NO_USE, cost_of, document, make_book, node_group, resource, template

HOURS = 730


@pytest.mark.parametrize(
    ("type_", "inputs", "fixed"),
    [
        ("aws:ec2/natGateway:NatGateway", {}, HOURS),
        ("aws:ec2/eip:Eip", {}, HOURS),
        (
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN]},
            2 * HOURS,
        ),
        ("aws:ec2/internetGateway:InternetGateway", {}, 0),
        ("aws:ec2/vpc:Vpc", {}, 0),
        ("aws:ec2/flowLog:FlowLog", {"logDestinationType": "cloud-watch-logs"}, 0),
        ("aws:lb/loadBalancer:LoadBalancer", {}, HOURS),
        ("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "network"}, HOURS),
        ("aws:s3/bucket:Bucket", {}, 0),
        ("aws:ecr/repository:Repository", {}, 0),
        ("aws:kms/key:Key", {}, 1),
        ("aws:eks/cluster:Cluster", {"upgradePolicy": {"supportType": "STANDARD"}}, HOURS),
        ("aws:sqs/queue:Queue", {}, 0),
        ("aws:ebs/volume:Volume", {"size": 100, "type": "gp3"}, 100),
        ("aws:ebs/volume:Volume", {"size": 100, "type": "gp3", "iops": 3100, "throughput": 225}, 300),
        ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, HOURS),
        (
            "kubernetes:core/v1:PersistentVolumeClaim",
            {"spec": {"resources": {"requests": {"storage": "100Gi"}}}},
            100,
        ),
    ],
)
def test_what_is_there_costs_whatever_is_used(type_: str, inputs: dict[str, Any], fixed: float) -> None:
    cost = cost_of(resource(type_, **inputs))
    assert cost.usd_per_month == cost.fixed_usd_per_month == pytest.approx(fixed)
    assert cost.idle_usd_per_hour == cost.full_usd_per_hour == pytest.approx(fixed / HOURS)
    assert cost.complete


@pytest.mark.parametrize(
    ("type_", "inputs", "usage", "by_use"),
    [
        ("aws:ec2/natGateway:NatGateway", {}, {"nat_gb": 7}, 7),
        (
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {"vpcEndpointType": "Interface", "subnetIds": ["a"]},
            {"endpoint_gb": 7},
            7,
        ),
        ("aws:ec2/internetGateway:InternetGateway", {}, {"internet_egress_gb": 7}, 7),
        ("aws:ec2/vpc:Vpc", {}, {"cross_zone_gb": 7}, 14),
        ("aws:ec2/flowLog:FlowLog", {}, {"flow_log_gb": 7}, 7),
        ("aws:s3/bucket:Bucket", {}, {"object_writes": 3000, "object_reads": 4000}, 7),
        ("aws:ecr/repository:Repository", {}, {"image_gb": 7}, 7),
        ("aws:kms/key:Key", {}, {"key_requests": 70_000}, 7),
        ("aws:kms/key:Key", {"enableKeyRotation": True}, {"key_rotations": 1}, 1),
        ("aws:kms/key:Key", {"enableKeyRotation": True}, {"key_rotations": 9}, 2),
        ("aws:kms/key:Key", {"enableKeyRotation": False}, {"key_rotations": 9}, 0),
        ("aws:sqs/queue:Queue", {}, {"queue_requests": 7_000_000}, 7),
        ("aws:lb/loadBalancer:LoadBalancer", {}, {"load_balancer_capacity_units": 2}, 2 * HOURS),
        (
            "aws:eks/cluster:Cluster",
            {"upgradePolicy": {"supportType": "STANDARD"}, "enabledClusterLogTypes": ["audit"]},
            {"control_plane_log_gb": 7},
            7,
        ),
    ],
)
def test_what_is_used_costs_as_assumed(
    type_: str, inputs: dict[str, Any], usage: dict[str, Any], by_use: float
) -> None:
    before = cost_of(resource(type_, **inputs))
    after = price_plan(document(resource(type_, **inputs)), make_book(), _assume(**usage))
    assert after.usage_usd_per_month == pytest.approx(by_use)
    assert after.fixed_usd_per_month == before.fixed_usd_per_month
    assert after.idle_usd_per_hour == before.idle_usd_per_hour
    if by_use:
        used = [line for line in after.of_kind("usage") if line.usd_per_month]
        assert all(name in ", ".join(line.assumption for line in used) for name in usage)


def _assume(**usage: Any) -> Usage:
    return NO_USE.replaced({name: str(value) for name, value in usage.items()})


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("storage-datasets", "dataset_gib"),
        ("storage-checkpoints", "checkpoint_gib"),
        ("storage-models", "model_gib"),
        ("storage-logs", "other_bucket_gib"),
        ("somebody-elses", "other_bucket_gib"),
    ],
)
def test_a_bucket_holds_what_its_purpose_is_assumed_to(name: str, setting: str) -> None:
    cost = cost_of(resource("aws:s3/bucket:Bucket", name), usage=_assume(**{setting: 10}))
    assert cost.usd_per_month == pytest.approx(10)


def test_each_tier_has_its_own_price() -> None:
    cost = cost_of(resource("aws:s3/bucket:Bucket", "storage-datasets"), usage=_assume(dataset_gib=3000))
    stored = next(line for line in cost.lines if line.quantity == 3000)
    assert stored.usd_per_month == pytest.approx(1000 * 1 + 2000 * 0.5)
    assert stored.usd_per_unit == pytest.approx(2 / 3)


def test_rules_that_tier_objects_cost_by_the_object() -> None:
    def rules(*classes: str, status: str = "Enabled") -> dict[str, Any]:
        transitions = [{"days": 30, "storageClass": each} for each in classes]
        rule = {"status": status, "transitions": transitions}
        return resource("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", rules=[rule])

    usage = _assume(tiered_objects=2000, newly_tiered_objects=3000)
    assert cost_of(rules("INTELLIGENT_TIERING"), usage=usage).usd_per_month == pytest.approx(5)
    assert cost_of(rules(), usage=usage).of_kind("free")
    assert cost_of(rules("INTELLIGENT_TIERING", status="Disabled"), usage=usage).of_kind("free")
    assert [line.what for line in cost_of(rules("GLACIER"), usage=usage).of_kind("unknown")] == ["moves to GLACIER"]


def test_a_log_group_keeps_what_comes_from_elsewhere() -> None:
    def group(name: str, text: str, **inputs: Any) -> dict[str, Any]:
        return resource("aws:cloudwatch/logGroup:LogGroup", name, **({"name": text} | inputs))

    usage = _assume(other_log_gb=4, flow_log_gb=5, control_plane_log_gb=6, stored_log_share=0.5, endless_log_days=730)
    month = 365 / 12
    own = cost_of(group("own", "/shop", retentionInDays=30), usage=usage)
    assert own.usd_per_month == pytest.approx(4 + 4 * 30 / month * 0.5)
    cluster = cost_of(group("cluster", "/aws/eks/shop/cluster", retentionInDays=365), usage=usage)
    assert cluster.usd_per_month == pytest.approx(6 * 12 * 0.5)
    endless = cost_of(group("own", "/shop"), usage=usage)
    assert endless.usd_per_month == pytest.approx(4 + 4 * 24 * 0.5)
    flow = cost_of(
        group("flow", "/flow", retentionInDays=365), resource("aws:ec2/flowLog:FlowLog", "flow"), usage=usage
    )
    assert flow.usd_per_month == pytest.approx(5 + 5 * 12 * 0.5)
    assert cost_of(group("own", "/shop", retentionInDays=UNKNOWN), usage=usage).of_kind("unknown")


def test_a_pool_costs_its_fewest_nodes_and_the_others_for_a_share_of_the_month() -> None:
    cost = cost_of(node_group(least=1, most=3), template(), usage=_assume(gpu_nodes_busy_share=0.5))
    node = 2.0 + 0.1
    assert cost.fixed_usd_per_month == pytest.approx(node * HOURS)
    assert cost.usage_usd_per_month == pytest.approx(2 * node * HOURS * 0.5)
    assert cost.idle_usd_per_hour == pytest.approx(node)
    assert cost.full_usd_per_hour == pytest.approx(3 * node)
    assert cost.complete


def test_an_empty_pool_costs_nothing_while_nothing_runs() -> None:
    cost = cost_of(node_group(least=0, most=4), template(), usage=_assume(run_hours=3, run_nodes=2))
    assert (cost.idle_usd_per_hour, cost.usd_per_month) == (0, 0)
    assert cost.full_usd_per_hour == pytest.approx(4 * 2.1)
    run = cost.runs[0]
    assert (run.pool, run.nodes) == ("pool", 2)
    assert run.usd == pytest.approx(3 * 2 * 2.1)


def test_a_run_takes_no_more_nodes_than_there_are() -> None:
    run = cost_of(node_group(least=0, most=1), template(), usage=_assume(run_hours=1, run_nodes=8)).runs[0]
    assert run.nodes == 1
    assert "1 of the 8 nodes" in run.note


def test_pools_without_gpus_have_an_assumption_of_their_own_and_no_runs() -> None:
    pool = node_group(least=0, most=1, instanceTypes=["cpu.small"])
    cost = cost_of(pool, template(), usage=_assume(gpu_nodes_busy_share=1, other_nodes_busy_share=0.2))
    assert cost.usd_per_month == pytest.approx((0.5 + 0.1) * HOURS * 0.2)
    assert cost.runs == ()


def test_single_pools_have_assumptions_by_name() -> None:
    labelled = node_group(least=0, most=1, labels={"trainyard.dev/pool": "training"})
    cost = cost_of(labelled, template(), usage=_assume(**{"pools.training": 0.25, "pools.other": 1}))
    assert cost.usd_per_month == pytest.approx(2.1 * HOURS * 0.25)
    assert "pools.training = 0.25" in cost.lines[0].assumption


@pytest.mark.parametrize(
    ("capacity", "taken", "ceiling"), [("SPOT", 1.0, 4.0), ("ON_DEMAND", 8.0, 8.0), ("CAPACITY_BLOCK", 6.0, 6.0)]
)
def test_of_several_types_one_is_taken_and_the_dearest_is_the_ceiling(
    capacity: str, taken: float, ceiling: float
) -> None:
    types = ["gpu.large"] if capacity == "CAPACITY_BLOCK" else ["gpu.large", "gpu.small"]
    pool = node_group(least=1, most=1, instanceTypes=types, capacityType=capacity)
    cost = cost_of(pool, template(gib=0))
    assert cost.idle_usd_per_hour == pytest.approx(taken)
    assert cost.full_usd_per_hour == pytest.approx(ceiling)


def test_a_capacity_block_has_the_type_of_its_template() -> None:
    pool = node_group(least=1, most=1, capacityType="CAPACITY_BLOCK")
    del pool["inputs"]["instanceTypes"]
    cost = cost_of(pool, template(gib=0, instanceType="gpu.large"))
    assert cost.idle_usd_per_hour == pytest.approx(6.0)
    assert "paid in advance" in cost.lines[0].note


def test_a_dearer_type_without_a_price_is_said() -> None:
    pool = node_group(least=1, most=1, instanceTypes=["gpu.small", "gpu.unpriced"], capacityType="SPOT")
    cost = cost_of(pool, template(gib=0))
    assert cost.idle_usd_per_hour == pytest.approx(1.0)
    assert [line.what for line in cost.of_kind("unknown")] == ["gpu.unpriced, spot, where it is chosen"]


def test_a_preferred_type_without_a_price_is_not_taken_for_another() -> None:
    cost = cost_of(node_group(least=1, most=1, instanceTypes=["gpu.unpriced", "gpu.small"]), template(gib=0))
    assert cost.idle_usd_per_hour == 0
    assert cost.runs[0].usd is None
    assert "gpu.unpriced" in cost.of_kind("unknown")[0].note


@pytest.mark.parametrize(
    ("extra", "more"),
    [
        ({"monitoring": {"enabled": True}}, 7 / HOURS),
        ({"monitoring": {"enabled": False}}, 0),
        ({"networkInterfaces": [{"associatePublicIpAddress": "true"}]}, 1),
        ({"networkInterfaces": [{"interfaceType": "efa-only"}]}, 0),
    ],
)
def test_a_node_costs_what_its_template_adds(extra: dict[str, Any], more: float) -> None:
    cost = cost_of(node_group(least=1, most=1), template(**extra))
    assert cost.idle_usd_per_hour == pytest.approx(2.1 + more)


@pytest.mark.parametrize(
    "broken",
    [
        [node_group(least=UNKNOWN), template()],
        [node_group(instanceTypes=UNKNOWN), template()],
        [node_group(capacityType="MAGIC"), template()],
        [node_group()],
        [node_group(), template(gib=UNKNOWN)],
        [node_group(), template(gib="73")],
        [node_group(), template(blockDeviceMappings=[{"ebs": {"volumeSize": 8, "volumeType": "io2"}}])],
        [node_group(), template(blockDeviceMappings=[])],
        [
            node_group(),
            template(blockDeviceMappings=[{"ebs": {"volumeSize": 8, "volumeType": "gp3", "iops": UNKNOWN}}]),
        ],
        [resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=UNKNOWN)],
        [resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="GatewayLoadBalancer")],
        [resource("aws:eks/cluster:Cluster")],
        [
            resource(
                "aws:eks/cluster:Cluster", computeConfig={"enabled": True}, upgradePolicy={"supportType": "STANDARD"}
            )
        ],
        [resource("aws:eks/addon:Addon", addonName="datadog_operator")],
        [resource("aws:sqs/queue:Queue", fifoQueue=True)],
        [resource("aws:cloudwatch/eventRule:EventRule", eventPattern=json.dumps({"source": ["shop"]}))],
        [resource("aws:cloudwatch/eventRule:EventRule", eventPattern=UNKNOWN)],
        [resource("aws:ec2/flowLog:FlowLog", logDestinationType="s3")],
        [resource("aws:lb/loadBalancer:LoadBalancer", loadBalancerType="gateway")],
        [resource("aws:ebs/volume:Volume", size=UNKNOWN, type="gp3")],
        [resource("kubernetes:core/v1:PersistentVolumeClaim", spec={})],
    ],
)
def test_what_is_not_known_is_said_and_never_nothing(broken: list[dict[str, Any]]) -> None:
    cost = cost_of(*broken)
    unknown = cost.of_kind("unknown")
    assert unknown
    assert all(line.usd_per_month is None and line.idle_usd_per_hour is None and line.note for line in unknown)
    assert not cost.complete


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:iam/role:Role", {}),
        ("aws:ec2/subnet:Subnet", {}),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"}),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {}),
        ("aws:ec2/launchTemplate:LaunchTemplate", {}),
        ("aws:eks/addon:Addon", {"addonName": "coredns"}),
        ("aws:budgets/budget:Budget", {}),
        ("aws:cloudwatch/eventRule:EventRule", {"eventPattern": json.dumps({"source": ["aws.ec2"]})}),
        ("aws:cloudwatch/eventRule:EventRule", {"scheduleExpression": "rate(5 minutes)"}),
        ("kubernetes:batch/v1:Job", {}),
        ("kubernetes:core/v1:Service", {"spec": {"type": "ClusterIP"}}),
        ("pulumi-python:dynamic/local:Bucket", {}),
        ("pulumi:providers:aws", {}),
    ],
)
def test_what_is_free_says_why_and_who_says_so(type_: str, inputs: dict[str, Any]) -> None:
    cost = cost_of(resource(type_, **inputs), usage=Usage())
    assert cost.complete
    assert [(line.kind, bool(line.note), bool(line.source)) for line in cost.lines] == [("free", True, True)]


@pytest.mark.parametrize(
    "type_", ["aws:rds/instance:Instance", "gcp:sql/databaseInstance:DatabaseInstance", "pulumi-python:dynamic:X"]
)
def test_a_type_that_nobody_prices_is_listed(type_: str) -> None:
    cost = cost_of(resource(type_, "a"), resource(type_, "b"))
    assert cost.unpriced == {type_: 2}
    assert not cost.complete


def test_a_component_is_nothing_by_itself() -> None:
    cost = cost_of(resource("shop:aws:Network", custom=False))
    assert (cost.lines, cost.unpriced) == ((), {})


def test_in_a_region_without_prices_everything_is_unknown() -> None:
    plan = document(resource("aws:ec2/eip:Eip"), node_group(least=1), template(), aws__region="mars-1")
    cost = price_plan(plan, make_book(), Usage())
    assert cost.usd_per_month == 0
    assert {line.kind for line in cost.lines} == {"unknown", "free"}
    assert all("mars-1" in line.note for line in cost.of_kind("unknown"))


def test_a_resource_may_be_in_another_region_than_its_stack() -> None:
    provider = resource("pulumi:providers:aws", "far", region="mars-1")
    far = resource("aws:ec2/eip:Eip", "far", provider=f"{provider['urn']}::{UNKNOWN}")
    own = resource("aws:ec2/eip:Eip", "own", region="mars-2")
    cost = cost_of(provider, far, own, resource("aws:ec2/eip:Eip", "near"))
    assert [("mars-1" in line.note, "mars-2" in line.note, line.kind) for line in cost.lines[1:]] == [
        (True, False, "unknown"),
        (False, True, "unknown"),
        (False, False, "fixed"),
    ]


def _machine(**inputs: Any) -> list[dict[str, Any]]:
    default: dict[str, Any] = {"instanceType": "gpu.small", "launchTemplate": {"id": UNKNOWN}, "monitoring": True}
    return [resource("aws:ec2/instance:Instance", "box", parent="urn:box", **(default | inputs)), template("box")]


def test_a_machine_costs_all_month() -> None:
    cost = cost_of(*_machine(), usage=_assume(run_hours=2))
    assert cost.fixed_usd_per_month == pytest.approx((2.0 + 0.1) * HOURS + 7)
    assert cost.runs[0].usd == pytest.approx(2 * (2.1 + 7 / HOURS))


def test_a_stopped_machine_costs_its_volume() -> None:
    state = resource("aws:ec2transitgateway/instanceState:InstanceState", "box", parent="urn:box", state="stopped")
    cost = cost_of(*_machine(), state)
    assert cost.usd_per_month == pytest.approx(0.1 * HOURS)
    assert cost.idle_usd_per_hour == pytest.approx(0.1)
    assert cost.full_usd_per_hour == pytest.approx(2.1 + 7 / HOURS), "it can be started"


def test_a_machine_has_volumes_and_an_address_of_its_own() -> None:
    inputs: dict[str, Any] = {"launchTemplate": None, "rootBlockDevice": {"volumeSize": 73, "volumeType": "gp3"}}
    box = resource(
        "aws:ec2/instance:Instance", "box", instanceType="cpu.small", associatePublicIpAddress=True, **inputs
    )
    assert cost_of(box).idle_usd_per_hour == pytest.approx(0.5 + 0.1 + 1)
    assert cost_of(resource("aws:ec2/instance:Instance", "box", instanceType="cpu.small")).of_kind("unknown")
