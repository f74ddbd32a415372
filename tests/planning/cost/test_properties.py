"""What holds for any plan: more never costs less, totals are sums, and what is unknown stays so."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.cost.difference import difference
from planning.cost.estimate import PlanCost, price_plan
from planning.cost.inputs import UNKNOWN
from planning.cost.usage import Usage
from planning.prices.book import PriceBook
from tests.planning.cost.small_plans import document, make_book, node_group, resource, template

BOOK = make_book()
SIMPLE = (
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/eip:Eip",
    "aws:ec2/vpc:Vpc",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:eks/cluster:Cluster",
    "aws:ecr/repository:Repository",
    "aws:iam/role:Role",
    "aws:rds/instance:Instance",
    "shop:unknown:Thing",
)

_simple = st.builds(lambda type_: [resource(type_)], st.sampled_from(SIMPLE))
_pool = st.builds(
    lambda least, more, gib, types, capacity: [
        node_group(least=least, most=least + more, instanceTypes=types, capacityType=capacity),
        template(gib=gib),
    ],
    st.integers(0, 3),
    st.integers(0, 5),
    st.one_of(st.integers(1, 500), st.just(UNKNOWN)),
    st.lists(st.sampled_from(["gpu.small", "gpu.large", "gpu.unpriced"]), min_size=1, max_size=3, unique=True),
    st.sampled_from(["SPOT", "ON_DEMAND"]),
)
_plans = st.lists(st.one_of(_simple, _pool), max_size=5).map(lambda groups: _named(groups))
_usages = st.builds(
    Usage,
    gpu_nodes_busy_share=st.floats(0, 1),
    nat_gb=st.floats(0, 1e6),
    dataset_gib=st.floats(0, 1e6),
    key_requests=st.floats(0, 1e9),
)


def _named(groups: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each group with names and parents of its own."""
    states = []
    for number, group in enumerate(groups):
        for state in group:
            urn = f"{state['urn'].rpartition('::')[0]}::it-{number}"
            states.append(state | {"urn": urn, "parent": f"urn:pulumi:dev::shop::x::{number}"})
    return states


def _price(states: list[dict[str, Any]], usage: Usage, book: PriceBook = BOOK) -> PlanCost:
    return price_plan(document(*states), book, usage)


@given(_plans, st.one_of(_simple, _pool), _usages)
def test_one_resource_more_never_costs_less(
    states: list[dict[str, Any]], more: list[dict[str, Any]], usage: Usage
) -> None:
    before = _price(states, usage)
    added = [state | {"urn": f"{state['urn']}-more", "parent": "urn:more"} for state in more]
    after = _price(states + added, usage)
    for total in ("idle_usd_per_hour", "full_usd_per_hour", "usd_per_month", "fixed_usd_per_month"):
        assert getattr(after, total) >= getattr(before, total)
    assert len(after.of_kind("unknown")) >= len(before.of_kind("unknown"))
    assert sum(after.unpriced.values()) >= sum(before.unpriced.values())


@given(_plans, _usages)
def test_totals_are_the_sums_of_lines(states: list[dict[str, Any]], usage: Usage) -> None:
    cost = _price(states, usage)
    assert cost.usd_per_month == sum(line.usd_per_month or 0.0 for line in cost.lines)
    assert cost.usd_per_month == pytest.approx(cost.fixed_usd_per_month + cost.usage_usd_per_month)
    assert cost.usd_per_month == pytest.approx(
        sum(line.usd_per_month or 0.0 for lines in cost.by_resource().values() for line in lines)
    )
    assert 0 <= cost.idle_usd_per_hour <= cost.full_usd_per_hour


@given(_plans, _usages)
def test_every_resource_is_priced_free_unknown_or_unpriced(states: list[dict[str, Any]], usage: Usage) -> None:
    cost = _price(states, usage)
    assert len(cost.by_resource()) + sum(cost.unpriced.values()) == len(states)
    for line in cost.lines:
        if line.kind in ("fixed", "usage"):
            assert line.source
            assert line.as_of
            assert line.basis
            assert line.usd_per_unit is not None
        else:
            assert line.note


@given(_plans, _plans, _usages)
def test_the_way_back_takes_off_what_the_way_there_added(
    left: list[dict[str, Any]], right: list[dict[str, Any]], usage: Usage
) -> None:
    one, other = _price(left, usage), _price(right, usage)
    there, back = difference(one, other), difference(other, one)
    assert there.usd_per_month == -back.usd_per_month
    assert there.idle_usd_per_hour == -back.idle_usd_per_hour
    assert there.full_usd_per_hour == -back.full_usd_per_hour
    amounts = {each.key: each.usd_per_month for each in back.resources}
    assert {
        each.key: -each.usd_per_month if each.usd_per_month is not None else None for each in there.resources
    } == amounts


@given(_plans, _usages)
def test_a_plan_differs_from_itself_in_nothing(states: list[dict[str, Any]], usage: Usage) -> None:
    found = difference(_price(states, usage), _price(states, usage))
    assert (found.resources, found.usd_per_month, found.unpriced) == ((), 0, {})


@given(_plans, _usages)
def test_without_prices_nothing_becomes_nothing(states: list[dict[str, Any]], usage: Usage) -> None:
    unused = tuple(each for each in BOOK.services if each.service == "egress_region_gb")
    empty = dataclasses.replace(BOOK, instances=(), services=unused)
    priced, unpriced = _price(states, usage), _price(states, usage, empty)
    assert unpriced.usd_per_month == 0
    costly = {line.urn for line in priced.lines if line.kind != "free"}
    assert costly == {line.urn for line in unpriced.of_kind("unknown")}


@given(_plans)
def test_more_use_never_costs_less(states: list[dict[str, Any]]) -> None:
    little = _price(states, Usage())
    much = _price(states, Usage(gpu_nodes_busy_share=1, nat_gb=1e4, dataset_gib=1e4, key_requests=1e9))
    assert much.usd_per_month >= little.usd_per_month
    assert much.idle_usd_per_hour == little.idle_usd_per_hour
    assert much.full_usd_per_hour == little.full_usd_per_hour


_WHOLE: list[list[dict[str, Any]]] = [
    [
        node_group(least=1, most=2, labels={"trainyard.dev/pool": "a"}, capacityType="SPOT"),
        template(monitoring={"enabled": True}, networkInterfaces=[{"associatePublicIpAddress": "true"}]),
    ],
    [resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=["a", "b"])],
    [resource("aws:ec2/flowLog:FlowLog", logDestinationType="cloud-watch-logs")],
    [resource("aws:lb/loadBalancer:LoadBalancer", loadBalancerType="network")],
    [
        resource(
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            rules=[{"status": "Enabled", "transitions": [{"storageClass": "INTELLIGENT_TIERING"}]}],
        )
    ],
    [resource("aws:kms/key:Key", enableKeyRotation=True)],
    [resource("aws:ebs/volume:Volume", size=100, type="gp3", iops=4000, throughput=200)],
    [
        resource(
            "aws:eks/cluster:Cluster",
            upgradePolicy={"supportType": "STANDARD"},
            enabledClusterLogTypes=["audit", "api"],
        )
    ],
    [resource("aws:cloudwatch/logGroup:LogGroup", name="/shop", retentionInDays=30)],
    [resource("aws:cloudwatch/eventRule:EventRule", eventPattern='{"source": ["shop"]}', eventBusName="shop")],
    [resource("aws:eks/addon:Addon", addonName="sold-by-others")],
    [
        resource(
            "aws:ec2/instance:Instance",
            instanceType="gpu.small",
            monitoring=True,
            associatePublicIpAddress=True,
            rootBlockDevice={"volumeSize": 100, "volumeType": "gp3"},
        )
    ],
    [resource("kubernetes:core/v1:Service", spec={"type": "LoadBalancer"})],
    [resource("kubernetes:core/v1:PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "9Gi"}}})],
]
_USED = Usage(key_rotations=1)


def _hidden(states: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The same with one value that the preview does not know: each in its turn, those within others too."""

    def within(value: Any, path: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = [(path, UNKNOWN)]
        if isinstance(value, dict):
            for key, inner in value.items():
                found += [(where, value | {key: other}) for where, other in within(inner, f"{path}.{key}")]
        if isinstance(value, list):
            for index, inner in enumerate(value):
                others = within(inner, f"{path}[{index}]")
                found += [(where, [*value[:index], other, *value[index + 1 :]]) for where, other in others]
        return found

    cases = []
    for number, state in enumerate(states):
        for name, value in state["inputs"].items():
            for path, other in within(value, name):
                changed = state | {"inputs": state["inputs"] | {name: other}}
                cases.append((f"{state['type']} {path}", [*states[:number], changed, *states[number + 1 :]]))
    return cases


@pytest.mark.parametrize(
    ("whole", "hidden"),
    [pytest.param(whole, hidden, id=path) for whole in _WHOLE for path, hidden in _hidden(whole)],
)
def test_what_a_preview_does_not_know_is_never_less(whole: list[dict[str, Any]], hidden: list[dict[str, Any]]) -> None:
    before, after = _price(whole, _USED), _price(hidden, _USED)
    assert after.usd_per_month >= before.usd_per_month or len(after.of_kind("unknown")) > len(before.of_kind("unknown"))
    assert len(after.of_kind("free")) <= len(before.of_kind("free"))
