"""The calculation in docs/cost-model.md, done by hand, against what the committed stacks are said to cost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from planning.cost.estimate import PlanCost, price_plan
from planning.cost.usage import NAMES, Usage
from planning.prices.book import load_book
from tests.infra.plan import plan

DOCUMENT = (Path(__file__).parents[3] / "docs" / "cost-model.md").read_text()
CENT = Decimal("0.01")
STACKS = ("dev", "prod", "gcp-dev", "gcp-prod")

pytestmark = pytest.mark.xdist_group("planned stacks")


@dataclass(frozen=True)
class Row:
    """One line of the calculation."""

    resources: tuple[str, ...]
    type: str
    what: str
    kind: str
    calculation: str
    each: str
    all: str

    @property
    def usd(self) -> Decimal:
        """What its arithmetic comes to, for each of its resources."""
        terms = re.findall(r"(?:^| ([x/]) )\$?([\d,.]+)", self.calculation)
        result = Decimal(1)
        for operator, number in terms:
            value = Decimal(number.replace(",", ""))
            result = result / value if operator == "/" else result * value
        return result


def _tables(stack: str, heads: str) -> Iterator[list[str]]:
    section = DOCUMENT.partition(f"### Stack {stack}\n")[2].partition("\n### ")[0]
    table = section.partition(f"| {heads} |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def _rows(stack: str) -> list[Row]:
    cells = _tables(stack, "resources | of type | for | how | calculation of each | each | all")
    return [Row(tuple(first.split(", ")), *rest) for first, *rest in cells]


def _money(usd: Decimal, digits: Decimal = CENT) -> str:
    return f"${usd.quantize(digits, ROUND_HALF_UP):,}"


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> tuple[str, PlanCost]:
    name = str(request.param)
    return name, price_plan(plan(name).document, load_book())


@pytest.mark.parametrize("name", STACKS)
def test_the_arithmetic_on_paper_is_right(name: str) -> None:
    rows = _rows(name)
    assert len(rows) > 25
    for row in rows:
        if row.kind != "unknown":
            assert (row.each, row.all) == (_money(row.usd), _money(row.usd * len(row.resources))), row
    totals = {cells[0]: cells[1] for cells in _tables(name, f"Total of {name} | US dollars | how")}
    sums = {
        kind: sum((row.usd * len(row.resources) for row in rows if row.kind == kind), Decimal(0))
        for kind in ("fixed", "by use")
    }
    assert totals["a month, fixed"] == _money(sums["fixed"])
    assert totals["a month, by use"] == _money(sums["by use"])
    assert totals["a month"] == _money(sums["fixed"] + sums["by use"])
    assert totals["an hour, idle"] == _money(sums["fixed"] / 730, Decimal("0.0001"))


def test_every_line_is_what_the_code_answers(stack: tuple[str, PlanCost]) -> None:
    name, cost = stack
    kinds = {"fixed": "fixed", "usage": "by use", "unknown": "unknown"}
    answered = {
        (line.name, line.type.rpartition(":")[2], line.what, kinds[line.kind]): line.usd_per_month
        for line in cost.lines
        if line.kind != "free"
    }
    on_paper = {
        (resource, row.type, row.what, row.kind): None if row.kind == "unknown" else row.usd
        for row in _rows(name)
        for resource in row.resources
    }
    assert set(answered) == set(on_paper)
    for key, usd in on_paper.items():
        found = answered[key]
        assert (found is None) == (usd is None), key
        if usd is not None:
            assert found == pytest.approx(float(usd), abs=1e-9), key


def test_every_total_is_what_the_code_answers(stack: tuple[str, PlanCost]) -> None:
    name, cost = stack
    totals = {cells[0]: cells[1] for cells in _tables(name, f"Total of {name} | US dollars | how")}
    answered: dict[str, tuple[float | None, int]] = {
        "a month, fixed": (cost.fixed_usd_per_month, 2),
        "a month, by use": (cost.usage_usd_per_month, 2),
        "a month": (cost.usd_per_month, 2),
        "an hour, idle": (cost.idle_usd_per_hour, 4),
        "an hour, full size": (cost.full_usd_per_hour, 4),
    }
    answered |= {f"a run on {run.pool}": (run.usd, 2) for run in cost.runs}
    assert set(totals) == set(answered)
    for what, (usd, digits) in answered.items():
        assert totals[what] == ("unknown" if usd is None else f"${usd:,.{digits}f}"), what


def test_nothing_of_the_stacks_is_unpriced(stack: tuple[str, PlanCost]) -> None:
    _, cost = stack
    assert (cost.unpriced, cost.unseen) == ({}, 0)


def test_the_document_states_every_assumption_and_its_default() -> None:
    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", DOCUMENT, re.MULTILINE))
    defaults = Usage().as_dict()
    assert list(shown) == list(NAMES)
    for name, text in shown.items():
        value = defaults[name]
        assert text == ("{}" if value == {} else f"{value:,.15g}"), name
