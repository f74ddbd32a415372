"""What happens to resources between two revisions: replacements, what they carry on to, and what is lost."""

from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.changes.compose import Side, stack_change
from lifecycle.changes.plan import Plan, Planned
from lifecycle.changes.report import SECRET, UNKNOWN, StackChange
from lifecycle.changes.resources import compare
from lifecycle.changes.verdicts import Judgement
from planning.prices.book import PriceBook, load_book

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
BUCKET, POLICY = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"


def planned(type_: str, name: str, inputs: dict[str, Any] | None = None, **options: Any) -> Planned:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    return Planned(urn=urn, type=type_, name=name, parent=STACK, inputs=inputs or {}, **options)


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::shop::{type_}::{name}"


def plan(*resources: Planned) -> Plan:
    stack = Planned(urn=STACK, type="pulumi:pulumi:Stack", name="shop-dev", custom=False)
    document = {"config": {}, "steps": []}
    return Plan(resources={each.urn: each for each in (stack, *resources)}, document=document)


def change(before: Plan, after: Plan) -> StackChange:
    return stack_change(
        "dev", Side(plan=before, judgement=Judgement()), Side(plan=after, judgement=Judgement()), book()
    )


@cache
def book() -> PriceBook:
    return load_book()


def operations(before: Plan, after: Plan) -> dict[str, str]:
    found = {each.resource.name: each.operation for each in compare(before, after).values()}
    return {name: operation for name, operation in found.items() if operation != "same"}


def test_what_is_made_from_a_replaced_resource_changes_with_it_and_is_replaced_where_the_provider_would() -> None:
    def network(cidr: str) -> Plan:
        return plan(
            planned("aws:ec2/vpc:Vpc", "main", {"cidrBlock": cidr}),
            planned(
                "aws:ec2/subnet:Subnet",
                "one",
                {"vpcId": UNKNOWN, "cidrBlock": "10.0.1.0/24"},
                property_dependencies={"vpcId": (urn("aws:ec2/vpc:Vpc", "main"),)},
            ),
            planned(
                "aws:ec2/natGateway:NatGateway",
                "gateway",
                {"subnetId": UNKNOWN},
                property_dependencies={"subnetId": (urn("aws:ec2/subnet:Subnet", "one"),)},
            ),
            planned(
                "aws:iam/rolePolicy:RolePolicy",
                "reader",
                {"policy": UNKNOWN, "role": "reader"},
                property_dependencies={"policy": (urn("aws:ec2/vpc:Vpc", "main"),)},
            ),
            planned(
                "aws:iam/role:Role",
                "named",
                {"description": "of 10.0.0.0/16"},
                property_dependencies={"description": (urn("aws:ec2/vpc:Vpc", "main"),)},
            ),
        )

    found = operations(network("10.0.0.0/16"), network("10.1.0.0/16"))
    assert found == {"main": "replace", "one": "replace", "gateway": "replace", "reader": "update"}
    reader = compare(network("10.0.0.0/16"), network("10.1.0.0/16"))[urn("aws:iam/rolePolicy:RolePolicy", "reader")]
    assert reader.changes["policy"].after == f"{UNKNOWN} of the new main"


def test_resources_of_a_replaced_provider_and_those_deleted_with_another_are_replaced() -> None:
    def cluster(name: str) -> Plan:
        of_cluster = (urn("aws:eks/cluster:Cluster", "main"),)
        provider = planned(
            "pulumi:providers:kubernetes",
            "main",
            {"kubeconfig": SECRET},
            property_dependencies={"kubeconfig": of_cluster},
        )
        return plan(
            planned("aws:eks/cluster:Cluster", "main", {"name": name}),
            provider,
            planned("kubernetes:core/v1:Namespace", "gpu", provider=provider.urn),
            planned(
                "kubernetes:core/v1:ConfigMap", "settings", deleted_with=urn("kubernetes:core/v1:Namespace", "gpu")
            ),
        )

    assert operations(cluster("a"), cluster("b")) == dict.fromkeys(("main", "gpu", "settings"), "replace")


def test_options_of_a_resource_decide_too() -> None:
    def one(size: int, **options: Any) -> Plan:
        return plan(planned("aws:sqs/queue:Queue", "work", {"delaySeconds": size}, **options))

    assert operations(one(1), one(2)) == {"work": "update"}
    assert operations(one(1), one(2, replace_on_changes=("*",))) == {"work": "replace"}
    assert operations(one(1), one(2, ignore_changes=("delaySeconds",))) == {}
    assert operations(one(1, protect=True), one(1)) == {"work": "update"}


def test_a_block_that_comes_or_goes_replaces_for_what_is_in_it() -> None:
    def group(**inputs: Any) -> Plan:
        return plan(planned("aws:eks/nodeGroup:NodeGroup", "system", inputs))

    template = {"id": "lt-1", "version": "1"}
    assert operations(group(launchTemplate=template), group(launchTemplate=template | {"version": "2"})) == {
        "system": "update"
    }
    assert operations(group(), group(launchTemplate=template)) == {"system": "replace"}
    assert operations(group(launchTemplate=template), group(launchTemplate=template | {"id": "lt-2"})) == {
        "system": "replace"
    }


def test_an_unknown_value_that_comes_from_another_resource_is_another_value() -> None:
    def rule(bucket: str) -> Plan:
        return plan(
            *(planned(BUCKET, name) for name in ("old", "new")),
            planned(POLICY, "rule", {"bucket": UNKNOWN}, property_dependencies={"bucket": (urn(BUCKET, bucket),)}),
        )

    compared = compare(rule("old"), rule("new"))[urn(POLICY, "rule")]
    assert compared.operation == "replace"
    [found] = compared.changes.values()
    assert (found.before, found.after) == (f"{UNKNOWN} of old", f"{UNKNOWN} of new")


def test_only_what_loses_data_is_dangerous_and_it_stands_on_top() -> None:
    before = plan(
        planned("aws:ec2/route:Route", "way", {"routeTableId": "a"}),
        planned(BUCKET, "kept", retain_on_delete=True),
        planned(BUCKET, "lost", protect=True),
    )
    found = change(before, plan(planned("aws:ec2/route:Route", "way", {"routeTableId": "b"})))
    assert [(each.name, each.operation, each.is_dangerous) for each in found.resources] == [
        ("lost", "delete", True),
        ("way", "replace", False),
        ("kept", "delete", False),
    ]
    assert [each.protected for each in found.resources] == [True, False, False]


def test_types_that_nobody_here_knows_are_told() -> None:
    before, after = (plan(planned("acme:index:Widget", "w", {"size": size})) for size in (1, 2))
    found = change(before, after)
    assert [each.operation for each in found.resources] == ["update"]
    assert "acme:index:Widget" in found.notes[0]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_every_resource_is_told_once_and_counts_add_up(before: dict[str, int], after: dict[str, int]) -> None:
    def of(sizes: dict[str, int]) -> Plan:
        return plan(*(planned("aws:sqs/queue:Queue", name, {"delaySeconds": size}) for name, size in sizes.items()))

    found = change(of(before), of(after))
    assert {each.name for each in found.graph} == before.keys() | after.keys()
    assert found.same - 1 == sum(before.get(name) == size for name, size in after.items())
    assert len(found.resources) + found.same - 1 == len(before.keys() | after.keys())
    assert [each.parent for each in found.graph] == [""] * len(found.graph)
