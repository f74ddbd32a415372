"""The list of results: its schema, how benchmarks add to it, and that it is written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.results import Comparison, Result, Target, merged, read_results, require_writable, write_results

KEYS = ["name", "value", "unit", "compared_with", "ratio", "target", "met", "machine"]
RATIO = Target(of="ratio", at_most=0.25)
VALUE = Target(of="value", at_most=60)


def result(
    name: str = "previews/first/10/time",
    value: float = 1.0,
    compared: float | None = None,
    target: Target | None = None,
) -> Result:
    comparison = None if compared is None else Comparison(what="pulumi 3.260.0", value=compared)
    return Result(name=name, value=value, unit="s", compared_with=comparison, target=target, machine={"cpu": "abacus"})


def test_a_compared_result_tells_ratio_and_target() -> None:
    document = result(value=0.3, compared=1.5, target=RATIO).document()
    assert list(document) == KEYS
    assert document == {
        "name": "previews/first/10/time",
        "value": 0.3,
        "unit": "s",
        "compared_with": {"what": "pulumi 3.260.0", "value": 1.5},
        "ratio": 0.2,
        "target": "ratio <= 0.25",
        "met": True,
        "machine": {"cpu": "abacus"},
    }


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        (result(value=0.25, compared=1.0, target=RATIO), True),
        (result(value=0.26, compared=1.0, target=RATIO), False),
        (result(value=0.26, target=RATIO), None),
        (result(value=60.0, target=VALUE), True),
        (result(value=60.1, target=VALUE), False),
        (result(value=60.1), None),
    ],
)
def test_a_target_is_met_missed_or_judged_against_nothing(measured: Result, met: bool | None) -> None:
    assert measured.met is met
    assert measured.document()["met"] is met


def test_without_comparison_there_is_no_ratio() -> None:
    document = result(target=RATIO).document()
    assert (document["compared_with"], document["ratio"], document["target"]) == (None, None, "ratio <= 0.25")


def test_a_benchmark_replaces_its_own_results_and_keeps_those_of_others() -> None:
    kept = [result("previews/first/99/time").document(), result("main-job/total").document()]
    names = [each["name"] for each in merged(kept, [result("previews/first/10/time"), result("fleet/solve")])]
    assert names == ["main-job/total", "previews/first/10/time", "fleet/solve"]


@given(
    kept=st.lists(st.sampled_from(["a/1", "a/2", "b/1", "c/1"])),
    new=st.lists(st.sampled_from(["a/1", "a/3", "b/2"]), min_size=1),
)
def test_merging_twice_is_merging_once(kept: list[str], new: list[str]) -> None:
    results = [result(name) for name in new]
    once = merged([result(name).document() for name in kept], results)
    assert merged(once, results) == once
    assert [document["name"] for document in once][-len(new) :] == new


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert read_results(file) == []
    documents = [result(compared=2.0, target=RATIO).document(), result("main-job/total").document()]
    write_results(file, documents)
    assert read_results(file) == documents
    assert json.loads(file.read_text()) == documents
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"value": 1}]'])
def test_a_file_that_is_no_list_of_results_is_refused_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(content)
    with pytest.raises(BenchError, match=r"results\.json"):
        read_results(file)


def test_a_result_that_cannot_be_written_leaves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_results(file, [result().document()])
    before = file.read_bytes()
    unwritable: list[dict[str, Any]] = [{"name": "a/b", "value": object()}]
    with pytest.raises(TypeError):
        write_results(file, unwritable)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"results\.json cannot be written"):
        require_writable(tmp_path / "missing" / "results.json")
