"""The two clouds' platforms side by side, as the docs show them: made from the plans of their stacks.

TRAINYARD_WRITE_GOLDEN=1 writes the tables anew.
"""

import os
import re
from collections.abc import Callable

import pytest

from tests.infra import parity
from tests.infra.stack_files import ROOT

PAGE = ROOT / "docs" / "clouds.md"
TABLES: dict[str, Callable[[], str]] = {
    "What is registered": parity.parts_table,
    "Outputs": parity.outputs_table,
    "Settings": parity.settings_table,
}
"""What makes the table below each heading."""
pytestmark = pytest.mark.xdist_group("planned stacks of Google Cloud")


@pytest.mark.parametrize("heading", TABLES)
def test_the_docs_show_what_the_plans_say(heading: str) -> None:
    made, text = TABLES[heading](), PAGE.read_text()
    below = re.compile(rf"(^## {heading}\n(?:[^|\n#].*\n|\n)*)((?:\|.*\n)+)", re.MULTILINE)
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        PAGE.write_text(below.sub(lambda found: found[1] + made, text))
    found = below.search(PAGE.read_text())
    assert found is not None, heading
    assert found[2] == made


def test_every_part_of_a_platform_belongs_to_a_subject() -> None:
    assert parity.unnamed_parts() == []


def test_every_subject_is_of_a_cloud() -> None:
    rows = [line.split(" | ") for line in parity.parts_table().splitlines()[2:]]
    assert len(rows) == len(parity.SUBJECTS)
    assert [row for row in rows if row[1:] == ["-", "- |"]] == []


def test_what_a_subject_of_one_cloud_alone_is_without_is_explained() -> None:
    """Each subject that a cloud has nothing of is named where the page says what differs and why."""
    why = PAGE.read_text().partition("## What differs, and why")[2].partition("\n## ")[0]
    assert why
    for line in parity.parts_table().splitlines()[2:]:
        subject, aws, google = line.strip("| ").split(" | ")
        if parity.NOTHING in (aws, google):
            assert subject.partition(" (")[0] in why, subject


def test_a_pool_s_settings_are_told_one_by_one() -> None:
    from infra.gcp.settings import GcpSettings

    told = set(parity.fields("", GcpSettings))
    assert {"gpu_pools.sharing.strategy", "cluster.maintenance.days", "project_number"} <= told
    # Those that are the provider's own are none of the cloud's.
    assert told.isdisjoint({"project_id", "region"})
