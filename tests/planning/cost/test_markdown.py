"""What a pull request's comment says, and that a plan's names cannot write Markdown of their own."""

import datetime
from pathlib import Path

from planning.cost.difference import difference
from planning.cost.markdown import cost_markdown, difference_markdown
from planning.cost.usage import Usage
from planning.cost.words import dollars, more
from tests.planning.cost.small_plans import cost_of, node_group, resource, template

GOLDEN = Path(__file__).parent / "golden"
TODAY = datetime.date(2026, 11, 25)
EIP = "aws:ec2/eip:Eip"


def _before() -> list[dict[str, object]]:
    return [resource(EIP, "address"), resource("aws:s3/bucket:Bucket", "storage-datasets"), resource("a:b:C", "x")]


def _after() -> list[dict[str, object]]:
    pool = node_group(least=1, most=3, instanceTypes=["gpu.small", "gpu.large"], capacityType="SPOT")
    return [resource(EIP, "address"), pool, template(), resource("aws:eks/cluster:Cluster", "cluster")]


def test_a_cost_reads_as_the_golden_file() -> None:
    text = cost_markdown(cost_of(*_after(), usage=Usage()), "Cost of dev", TODAY)
    assert text == (GOLDEN / "cost.md").read_text()


def test_a_difference_reads_as_the_golden_file() -> None:
    found = difference(cost_of(*_before(), usage=Usage()), cost_of(*_after(), usage=Usage()))
    assert difference_markdown(found, "Cost of dev against main", TODAY) == (GOLDEN / "difference.md").read_text()


def test_names_stay_text() -> None:
    text = cost_markdown(cost_of(resource(EIP, "a | <img> [x](y)\n# z"), resource("a:b|c:C")), "`t`\n", TODAY)
    assert "a \\| \\<img\\> \\[x\\](y) # z" in text
    assert "a:b\\|c:C" in text
    assert "\n# z" not in text


def test_amounts_are_written_with_their_sign_and_unit() -> None:
    assert [dollars(1234.5), dollars(-3), dollars(-0.001), dollars(None), dollars(0.00014, 4)] == [
        "$1,234.50",
        "-$3.00",
        "$0.00",
        "unknown",
        "$0.0001",
    ]
    assert [more(2), more(-2), more(0), more(None)] == ["+$2.00", "-$2.00", "$0.00", "unknown"]
