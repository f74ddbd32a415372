"""Files of jobs and words for nodes: what they mean, and what is said of those that mean nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from planning.documents import read_document
from planning.errors import PlanningError
from planning.jobs.documents import asks_for_book, nodes_in_words, read_workload
from planning.jobs.model import Node, Workload
from planning.prices.book import load_book
from tests.planning.jobs.workloads import job, nodes

DOCUMENT = """\
nodes:
  - {name: a100, gpus: 8, gpu_memory_gib: 80, memory_gib: 1024, count: 2}
  - {gpus: 1, gpu_memory_gib: 24}
teams: {vision: 2}
jobs:
  - {name: prepare, hours: 1, gpus: 1}
  - {name: train, hours: 6, estimated_hours: 8, gpus: 8, gpu_memory_gib: 40, memory_gib: 64, after: [prepare],
     team: vision, release_hours: 0.5, priority: 2}
"""


def test_reads_jobs_nodes_and_teams_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_text(DOCUMENT)

    workload = read_workload("jobs.yaml", read_document(path, "JOBS"))

    assert [node.name for node in workload.nodes] == ["a100.1", "a100.2", "node-2"]
    assert workload.nodes[2] == Node(name="node-2", gpus=1, gpu_memory_gib=24.0)
    assert workload.gpus == 17
    assert workload.jobs[0] == job("prepare", 1.0)
    assert workload.jobs[1] == job(
        "train",
        6.0,
        8,
        estimated_hours=8.0,
        gpu_memory_gib=40.0,
        memory_gib=64.0,
        after=("prepare",),
        team="vision",
        release_hours=0.5,
        priority=2,
    )
    assert (workload.weight_of("vision"), workload.weight_of("")) == (2.0, 1.0)


def test_reads_json_with_nodes_given_apart(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps({"jobs": [{"name": "a", "hours": 1, "gpus": 2}]}))

    assert read_workload("jobs.json", read_document(path, "JOBS"), nodes_in_words(["2x8:80"])).gpus == 16


def test_nodes_may_be_named_by_numbers_or_by_a_type_of_the_book() -> None:
    plain = nodes_in_words(["2x8:80", "1x4:24:256"])
    known = nodes_in_words(["1xaws:g5.12xlarge"], load_book())

    assert [(node.gpus, node.gpu_memory_gib, node.memory_gib) for node in plain] == [
        (8, 80.0, None),
        (8, 80.0, None),
        (4, 24.0, 256.0),
    ]
    assert len({node.name for node in plain}) == 3
    assert (known[0].gpus, known[0].name) == (4, "aws:g5.12xlarge-1.1")
    assert asks_for_book(["1xaws:g5.12xlarge"])
    assert not asks_for_book(["2x8:80"])


@pytest.mark.parametrize("word", ["8", "2x8", "0x8:80", "2x0:80", "2x8:80:", "-1x8:80", "axb:c", "2xaws:nothing"])
def test_refuses_words_that_are_no_nodes(word: str) -> None:
    with pytest.raises(PlanningError, match="nodes = "):
        nodes_in_words([word], load_book())


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be a mapping with jobs"),
        ({"jobs": [], "cluster": []}, "must be a mapping with jobs"),
        ({"jobs": {}}, "jobs: must be a list"),
        ({"jobs": []}, "jobs: there must be one or more"),
        ({"jobs": [3]}, "jobs[0]: must be a mapping"),
        ({"jobs": [{"name": "a", "hours": 1}]}, "jobs[0]: gpus is missing"),
        ({"jobs": [{"name": "a", "hours": 1, "gpu": 1}]}, "jobs[0]: 'gpu' is unknown; known are name, hours"),
        ({"jobs": [{"name": "a", "hours": "1", "gpus": 1}]}, "jobs[0].hours = '1': must be a finite number"),
        ({"jobs": [{"name": "a", "hours": float("nan"), "gpus": 1}]}, "jobs[0].hours = nan: must be a finite number"),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": True}]}, "jobs[0].gpus = True: must be a whole number"),
        ({"jobs": [{"name": "", "hours": 1, "gpus": 1}]}, "jobs[0].name = '': must be text"),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": 1, "after": "b"}]}, "jobs[0].after = 'b': must be a list"),
        (
            {"jobs": [{"name": "a", "hours": -1, "gpus": 1}]},
            "job 'a': hours = -1.0: must be a number from 1/3600 (a second) to 1,000,000",
        ),
        ({"jobs": [{"name": "a", "hours": 1e308, "gpus": 1}]}, "job 'a': hours = 1e+308: must be a number from 1/3600"),
        ({"jobs": [{"name": "a", "hours": 1e-300, "gpus": 1}]}, "job 'a': hours = 1e-300: must be a number from"),
        (
            {"jobs": [{"name": "a", "hours": 1, "estimated_hours": 1e7, "gpus": 1}]},
            "job 'a': estimated_hours = 10000000.0: must be a number from 1/3600 (a second) to 1,000,000",
        ),
        (
            {"jobs": [{"name": "a", "hours": 1, "gpus": 1, "release_hours": 1e300}]},
            "job 'a': release_hours = 1e+300: must be a number from 0 to 1,000,000",
        ),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": 0}]}, "job 'a': gpus = 0: must be a whole number, 1 or more"),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": 1}] * 2}, "jobs: 'a' is there 2 times"),
        (
            {"jobs": [{"name": "a", "hours": 1, "gpus": 1, "after": ["b"]}]},
            "job 'a': after = 'b': no job has this name",
        ),
        (
            {"jobs": [{"name": "a", "hours": 1, "gpus": 9, "gpu_memory_gib": 99}]},
            "job 'a': needs 9 GPUs of 99 GiB each of one node, and the nodes have 8 of 80 GiB",
        ),
        (
            {
                "jobs": [
                    {"name": "a", "hours": 1, "gpus": 1, "after": ["b"]},
                    {"name": "b", "hours": 1, "gpus": 1, "after": ["a"]},
                ]
            },
            "wait for each other in a circle",
        ),
        (
            {"jobs": [{"name": "a", "hours": 1, "gpus": 1}], "teams": {"x": "y"}},
            "teams.x = 'y': must be a finite number",
        ),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": 1}], "teams": {"x": 0}}, "team 'x': weight = 0.0"),
        ({"jobs": [{"name": "a", "hours": 1, "gpus": 1}], "nodes": []}, "has nodes of its own"),
    ],
)
def test_says_what_is_wrong_with_a_document(document: Any, message: str) -> None:
    with pytest.raises(PlanningError) as error:
        read_workload("jobs.yaml", document, nodes_in_words(["1x8:80"]))

    assert message in str(error.value)
    assert str(error.value).startswith("jobs.yaml: ")


def test_names_all_problems_at_once() -> None:
    broken = {"jobs": [{"name": "a", "hours": -1, "gpus": 0}, {"name": "a", "hours": 1, "gpus": 1}]}

    with pytest.raises(PlanningError) as error:
        read_workload("jobs.yaml", broken, nodes_in_words(["1x8:80"]))

    assert len(str(error.value).splitlines()) == 4


def test_jobs_without_nodes_are_refused() -> None:
    with pytest.raises(PlanningError, match="nodes: must be in the document, or given with --nodes"):
        read_workload("jobs.yaml", {"jobs": []})


def test_a_workload_cannot_be_made_of_broken_parts() -> None:
    with pytest.raises(PlanningError) as error:
        Workload((job("a", 1, release_hours=-1),), nodes(0))

    assert "node 'n0': gpus = 0" in str(error.value)
    assert "job 'a': release_hours = -1" in str(error.value)
