"""The benchmark of scheduling at scale: what it submits, what it makes of what it sees, and a small run of it all."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench import scheduling, suite
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.results import Result
from bench.scheduling import DEFAULT, RAISED, Measured
from tests.controlplane.fixture import ON_CONTROL_PLANE

COUNTS = st.lists(st.tuples(st.floats(0.01, 10.0), st.integers(0, 500)), min_size=1, max_size=50)


@given(st.integers(1, 3000))
def test_jobs_have_as_many_pods_as_asked_and_fit_the_fleet(pods: int) -> None:
    jobs = list(scheduling.jobs("team", pods))
    assert sum(job["spec"]["completions"] for job in jobs) == pods
    assert {job["spec"]["completions"] == job["spec"]["parallelism"] for job in jobs} == {True}
    assert len({job["metadata"]["name"] for job in jobs}) == len(jobs)


def test_the_fleet_is_spread_over_zones_and_has_room_for_all_pods() -> None:
    nodes = list(scheduling.fleet(9))
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert [zones.count(zone) for zone in set(zones)] == [3, 3, 3]
    gpus = sum(int(node["status"]["allocatable"]["nvidia.com/gpu"]) for node in nodes)
    assert gpus * scheduling.NODES / 9 * 5 / 8 == scheduling.PODS


@given(COUNTS)
def test_rates_add_up_to_what_was_bound(steps: Sequence[tuple[float, int]]) -> None:
    samples, at, bound = [(0.0, 0, 0)], 0.0, 0
    for seconds, more in steps:
        at, bound = at + seconds, bound + more
        samples.append((at, bound, bound))
    rates = scheduling.rates(samples)
    assert [middle for middle, _ in rates] == sorted(middle for middle, _ in rates)
    assert all(0 <= middle <= at for middle, _ in rates)
    assert max(rate for _, rate in rates) <= max(more / seconds for seconds, more in steps) * (1 + 1e-6)


def test_the_time_is_when_the_last_pod_is_bound() -> None:
    measured = Measured(DEFAULT, samples=[(0.0, 0, 0), (1.0, 80, 49), (2.0, 100, 50), (3.0, 100, 99), (4.0, 100, 100)])
    assert (measured.seconds(0.5), measured.seconds()) == (2.0, 4.0)


@pytest.mark.parametrize(
    ("busy", "waiting", "expected"),
    [
        (0.5, 40.0, "the rate limit that kube-controller-manager sets itself"),
        (1.99, 0.0, "the machine: all 2 cores are busy; kube-apiserver takes 1.0 cores, what is not measured 0.8"),
        (1.0, 0.0, "the programs' waiting for one another; kube-apiserver takes 1.0 cores"),
    ],
)
def test_the_limit_is_told_in_words(busy: float, waiting: float, expected: str) -> None:
    measured = Measured(
        DEFAULT,
        cores={"etcd": 0.2, "kube-apiserver": 1.0},
        waiting={"kube-scheduler": 0.1, "kube-controller-manager": waiting},
        busy=busy,
    )
    assert measured.limit(2) == expected


def test_results_stand_beside_the_floor_of_the_same_run() -> None:
    measured = Measured(
        RAISED,
        samples=[(1.0, 10, 5), (2.0, 10, 10)],
        cores={"etcd": 0.5},
        waiting={"kube-scheduler": 0.0},
        busy=1.0,
    )
    found = {result.name: result for result in scheduling.results([measured], floor=0.5)}
    assert list(found) == [
        f"scheduling/raised/{name}"
        for name in ("nodes-ready", "half-bound", "all-bound", "cores/etcd", "cores/machine", "waiting/kube-scheduler")
    ]
    assert found["scheduling/raised/all-bound"].ratio == 4.0


def test_without_the_means_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="there is no `go` on PATH"):
        scheduling.measure_scheduling(tmp_path, lambda _: None)


def test_what_cannot_run_here_is_left_out_unless_it_is_asked_for(tmp_path: Path) -> None:
    def measure(folder: Path, progress: Callable[[str], None]) -> list[Result]:
        progress("a step")
        return [Result(name="moon/time", value=1.0, unit="s", machine=describe_machine())]

    moon = suite.Benchmark("moon", 1, measure, missing=lambda: "there is no rocket")
    for names, count in (([], 0), (["moon"], 1)):
        said = io.StringIO()
        output = tmp_path / "results.json"
        suite.run(names, known=[moon], output=output, console=Console(file=io.StringIO()), progress=Console(file=said))
        assert len(json.loads(output.read_text())) == count
        assert ("Without moon: there is no rocket" in said.getvalue()) == (count == 0)


class TestOnAControlPlane:
    pytestmark = ON_CONTROL_PLANE

    def test_all_pods_of_a_small_fleet_are_bound_and_drawn(self, tmp_path: Path) -> None:
        if reason := scheduling.missing():
            pytest.skip(reason)
        told: list[str] = []
        picture = tmp_path / "picture.png"
        results = scheduling.measure_scheduling(
            tmp_path, told.append, nodes=2, pods=30, variants=[RAISED], picture=picture
        )
        values = {result.name: result.value for result in results}
        assert values["scheduling/raised/all-bound"] >= values["scheduling/raised/half-bound"] > 0
        assert values["scheduling/raised/nodes-ready"] > 0
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert "raised rate limits, done in" in told[-1]
