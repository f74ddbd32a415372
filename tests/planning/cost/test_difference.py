"""What two plans cost more or less than each other, resource by resource."""

import pytest

from planning.cost.difference import difference, price_change
from planning.cost.documents import cost_document, difference_document
from planning.cost.usage import Usage
from tests.planning.cost.small_plans import NO_USE, cost_of, document, make_book, node_group, resource, template

EIP = "aws:ec2/eip:Eip"


def test_added_removed_and_changed_resources_are_told_apart() -> None:
    volume = "aws:ebs/volume:Volume"
    before = cost_of(resource(EIP, "old"), resource(volume, size=10, type="gp3"), resource("aws:iam/role:Role"))
    after = cost_of(resource(EIP, "new"), resource(volume, size=30, type="gp3"))
    found = difference(before, after)
    assert [(each.kind, each.name, each.usd_per_month) for each in found.resources] == [
        ("added", "new", 730),
        ("removed", "old", -730),
        ("changed", "it", 20),
    ]
    assert found.usd_per_month == pytest.approx(20)


def test_a_side_that_nobody_knows_makes_a_difference_that_nobody_knows() -> None:
    known = cost_of(node_group(least=1, most=1), template(gib=0))
    unknown = cost_of(node_group(least=1, most=1, instanceTypes=["gpu.unpriced"]), resource(EIP, "x"))
    found = {each.name: each for each in difference(known, unknown).resources}
    assert found["pool"].usd_per_month is None
    assert found["pool"].unknown == ("gpu.unpriced, on demand", "volumes of its nodes")
    assert found["x"].usd_per_month == 730
    assert not difference(known, unknown).complete


def test_unpriced_types_differ_by_number() -> None:
    one, two = cost_of(resource("a:b:C", "x")), cost_of(resource("a:b:C", "x"), resource("a:b:C", "y"))
    assert difference(one, two).unpriced == {"a:b:C": (1, 2)}


def test_the_same_resource_of_another_stack_is_compared() -> None:
    here = resource(EIP, "x")
    there = here | {"urn": here["urn"].replace(":dev::", ":prod::")}
    assert difference(cost_of(here), cost_of(there)).resources == ()


def test_a_change_of_what_is_deployed_is_priced_from_one_document() -> None:
    steps = [*document(resource(EIP, "new"))["steps"], *document(resource(EIP, "gone"), op="delete")["steps"]]
    steps.append({"op": "same", "oldState": resource(EIP, "kept"), "newState": resource(EIP, "kept")})
    found = price_change(document() | {"steps": steps}, make_book(), NO_USE)
    assert [(each.kind, each.name) for each in found.resources] == [("removed", "gone"), ("added", "new")]
    assert (found.usd_per_month, found.after.usd_per_month) == (0, 2 * 730)


def test_documents_have_every_figure_and_its_source() -> None:
    cost = cost_of(resource(EIP), node_group(least=1), resource("a:b:C"), usage=Usage())
    written = cost_document(cost)
    assert written["totals"]["usd_per_month"] == cost.usd_per_month
    assert written["unpriced"] == {"a:b:C": 1}
    lines = [line for each in written["resources"] for line in each["lines"]]
    assert len(lines) == len(cost.lines)
    assert all(line["source"] and line["as_of"] for line in lines if line["usd_per_month"])
    assert [line["usd_per_month"] for line in lines if line["kind"] == "unknown"] == [None]
    assert written["usage"] == Usage().as_dict()
    found = difference_document(difference(cost, cost_of(usage=Usage())))
    assert found["difference"]["usd_per_month"] == -cost.usd_per_month
    assert found["before"] == written
