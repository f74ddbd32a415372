"""Every property that the stacks of Google Cloud give is one that the provider's schema has, as its SDK has it."""

import re
from pathlib import Path

import pytest

from tests.infra.gcp.variety import CASES, registered
from tests.infra.sdk_schema import read

SOURCES = Path(__file__).parents[3] / "infra" / "gcp"

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.mark.parametrize("case", CASES)
def test_every_property_is_one_of_the_sdk_s(case: str) -> None:
    problems = [
        f"{each.type} {each.name}: {problem}"
        for each in registered(case)
        for problem in read(each.type, each.inputs).problems
    ]
    assert problems == []


def test_every_kind_of_resource_that_the_program_makes_is_in_a_case() -> None:
    made = set()
    for case in CASES:
        for each in registered(case):
            _, module, name = each.type.split(":")
            made.add(f"{module.partition('/')[0]}.{name}")
    texts = (file.read_text() for file in SOURCES.glob("*.py"))
    written = {name for text in texts for name in re.findall(r"\bgcp\.([a-z]+\.[A-Z]\w+)\(", text)}
    assert written
    assert sorted(name for name in written - made if not name.endswith("Args")) == []
