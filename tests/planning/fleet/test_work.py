"""Work and its limits: what is refused, and how every problem is named at once."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from planning.documents import as_mapping, read_document
from planning.errors import PlanningError
from planning.fleet.quotas import Quota
from planning.fleet.work import Work, check_names
from planning.fleet.work_document import parse_pairs, parse_work
from planning.network.places import Place
from tests.planning.fleet.books import book, kind, price

SMALL = kind("small")
BOOK = book([(SMALL, price(SMALL, 1.0))])


def work(**fields: Any) -> Work:
    return Work(**({"gpu_hours": 10.0, "deadline_hours": 5.0} | fields))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0])
@pytest.mark.parametrize(
    "field",
    [
        "gpu_hours",
        "compute_share",
        "scaling_loss",
        "deadline_hours",
        "budget_usd",
        "gpu_memory_gib",
        "max_share",
        "data_gb",
        "result_gb",
        "storage_gb",
        "disk_gib",
        "checkpoint_seconds",
        "restart_seconds",
        "startup_seconds",
        "interruptions_per_hour",
        "flex_start_wait_hours",
    ],
)
def test_numbers_that_are_none_and_negative_ones_are_refused_by_name(field: str, wrong: float) -> None:
    with pytest.raises(PlanningError, match=rf"(?m)^{field} = "):
        work(**{field: wrong})


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(PlanningError) as caught:
        Work(
            gpu_hours=-1,
            deadline_hours=math.nan,
            max_nodes=0,
            clouds=("mars",),  # type: ignore[arg-type]
            needs=("telepathy",),  # type: ignore[arg-type]
            measured={"A100": -3},
            data_gb=5,
        )
    named = ["gpu_hours", "deadline_hours", "max_nodes", "clouds", "needs", "measured A100", "data_gb"]
    assert [each for each in named if f"{each}" not in str(caught.value)] == []
    assert len(str(caught.value).splitlines()) == len(named)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"samples": 5.0}, "exactly one"),
        ({"gpu_hours": None}, "exactly one"),
        ({"gpu_hours": None, "samples": 5.0}, "needs measured"),
        ({"scaling_loss": 0.1}, "scaling_loss"),
        ({"coupling": "synchronous", "max_share": 0.5}, "max_share"),
        ({"coupling": "synchronous", "one_region": False}, "one_region"),
        ({"deadline_hours": 0.05}, "that a node takes to start"),
        ({"startup_seconds": 30.0}, "startup_seconds"),
        ({"architectures": ()}, "architectures"),
        ({"instance_types": ("a",), "without_types": ("a",)}, "without_types"),
        ({"max_nodes": 5000}, "max_nodes"),
        ({"coupling": "loose"}, "coupling"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError, match=message):
        work(**fields)


def test_names_that_the_book_does_not_have_are_refused_with_those_it_has() -> None:
    asked = work(
        regions=("mars-1",),
        gpus=("Z9",),
        instance_types=("huge",),
        data=Place("aws", "mars-1"),
        measured={"A100": 1.0, "Q1": 2.0},
    )
    with pytest.raises(PlanningError) as caught:
        check_names(asked, BOOK)
    lines = str(caught.value).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["regions", "gpus", "measured", "instance_types", "data"]
    assert "us-east-1" in lines[0]
    assert "small" in lines[3]


def test_a_document_has_the_fields_of_work() -> None:
    document = {
        "samples": 1_000_000,
        "measured": {"A100": 840, "L4": 200.5},
        "deadline_hours": "2d",
        "clouds": "aws",
        "quotas": ["aws:*:A100:spot=16"],
        "data": "aws:eu-west-1",
        "data_gb": 20,
        "one_region": False,
        "max_nodes": 8,
        "without_regions": ["gcp:us-central1"],
        "budget_usd": None,
    }
    assert parse_work(document) == Work(
        samples=1e6,
        measured={"A100": 840.0, "L4": 200.5},
        deadline_hours=48.0,
        clouds=("aws",),
        quotas=(Quota(cloud="aws", what="A100", capacity="spot", limit=16),),
        data=Place("aws", "eu-west-1"),
        data_gb=20.0,
        one_region=False,
        max_nodes=8,
        without_regions=(Place("gcp", "us-central1"),),
    )


def test_every_field_of_work_can_be_written_in_a_document() -> None:
    with pytest.raises(PlanningError) as caught:
        parse_work({"nonsense": 1, "gpu_hours": 1, "deadline_hours": 1})
    known = str(caught.value).partition("known are ")[2].splitlines()[0].split(", ")
    assert set(known) == {each.name for each in dataclasses.fields(Work)}


def test_a_document_tells_wrong_types_unknown_fields_and_wrong_values_together() -> None:
    with pytest.raises(PlanningError) as caught:
        parse_work(
            {
                "gpu_hours": "many",
                "samples": -5,
                "max_nodes": 1.5,
                "one_region": "yes",
                "measured": [1],
                "clouds": [1],
                "data": "nowhere",
                "quotas": "much",
                "deadline": 3,
            }
        )
    named = ["deadline:", "gpu_hours = 'many'", "samples = -5", "max_nodes", "one_region", "measured", "clouds", "data"]
    assert [each for each in [*named, "quota = 'much'", "deadline_hours: has"] if each not in str(caught.value)] == []


@pytest.mark.parametrize("text", ["gpu_hours: 5\ndeadline_hours: 48h\n", '{"gpu_hours": 5, "deadline_hours": "48h"}'])
def test_a_file_is_yaml_or_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "work"
    file.write_text(text)
    assert parse_work(as_mapping(read_document(file, "--work"), "--work")) == Work(gpu_hours=5.0, deadline_hours=48.0)


@pytest.mark.parametrize("text", ["aws:us-east-1:g5:spot=64vcpus", "*:*:A100:*=8gpus", "gcp:*:*:on_demand=3nodes"])
def test_quotas_are_written_as_they_are_read(text: str) -> None:
    assert str(Quota.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "aws:us-east-1:g5=3", "mars:*:*:*=3", "aws:*:*:begged=3", "aws:*:*:*=-1", "aws:*:*:*=3cows", "*:*:*:*="],
)
def test_wrong_quotas_are_refused(text: str) -> None:
    with pytest.raises(PlanningError, match="quota"):
        Quota.parse(text)


@pytest.mark.parametrize(
    ("quota", "weight"),
    [
        ("*:*:*:*=9gpus", 4),
        ("*:*:*:*=9vcpus", 48),
        ("*:*:*:*=9nodes", 1),
        ("aws:us-east-1:g5:on_demand=9gpus", 4),
        ("aws:us-east-1:g5.12xlarge:*=9gpus", 4),
        ("*:*:A10G:*=9gpus", 4),
        ("*:*:g:*=9gpus", 0),
        ("*:*:g5.1:*=9gpus", 0),
        ("gcp:*:*:*=9gpus", 0),
        ("*:eu-west-1:*:*=9gpus", 0),
        ("*:*:*:spot=9gpus", 0),
    ],
)
def test_a_quota_counts_what_it_speaks_of(quota: str, weight: int) -> None:
    node = kind("g5.12xlarge", "A10G", 4, vcpus=48)
    assert Quota.parse(quota).weight(node, price(node, 5.0)) == weight


@pytest.mark.parametrize("text", ["A100", "A100=", "=5", "A100=fast"])
def test_pairs_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(PlanningError, match="measured = "):
        parse_pairs("measured", [text])


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("gpu_hours", 1e13),
        ("gpu_hours", 1e-300),
        ("deadline_hours", 8760.5),
        ("deadline_hours", 1e300),
        ("storage_gb", 1e308),
        ("disk_gib", 1e300),
        ("data_gb", 1e10),
        ("result_gb", 1e10),
        ("budget_usd", 1e308),
        ("flex_start_wait_hours", 1e300),
    ],
)
def test_numbers_beyond_all_that_is_planned_with_are_refused_by_name(field: str, wrong: float) -> None:
    with pytest.raises(PlanningError, match=rf"(?m)^{field} = .*: must be a number from .* to "):
        work(**{field: wrong})


def test_a_year_is_the_longest_deadline() -> None:
    assert parse_work({"gpu_hours": 1, "deadline_hours": "365d"}).deadline_hours == 8760


def test_a_whole_number_that_no_float_holds_is_refused() -> None:
    with pytest.raises(PlanningError, match="gpu_hours: must be a number of less than 300 digits"):
        parse_work({"gpu_hours": 10**400, "deadline_hours": 5})
    with pytest.raises(PlanningError, match="must be a whole number from 0 to 1,000,000,000"):
        Quota(limit=10**400)


@pytest.mark.parametrize(
    ("quota", "message"),
    [
        ("aws:us-east-2:*:*=0", "no region 'us-east-2' on aws; did you mean us-east-1?"),
        ("*:mars:*:*=0", "no region 'mars'; it has eu-west-1, us-central1, us-east-1"),
        ("aws:*:smal:*=0", "'smal' on aws; did you mean small?"),
        ("*:*:FOO:*=0", "'FOO'; it has A100"),
        ("gcp:*:small:*=0", "'small' on gcp; it has none"),
    ],
)
def test_a_quota_that_speaks_of_nothing_is_refused(quota: str, message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        check_names(work(quotas=(Quota.parse(quota),)), BOOK)
    assert message in str(caught.value)


@pytest.mark.parametrize("quota", ["*:*:*:*=0", "aws:us-east-1:small:spot=0", "*:*:A100:*=0", "gcp:us-central1:*:*=0"])
def test_a_quota_of_what_the_book_has_is_taken(quota: str) -> None:
    check_names(work(quotas=(Quota.parse(quota),)), BOOK)
