"""The rounds, with sites that are arithmetic: who is asked, what is kept, what a lost site or a killed server costs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.conftest import ObjectCloud
from tests.workloads.training.federated.conftest import federated_document, federated_job
from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_federated.checkpoints import CheckpointError, RoundCheckpoints, decode_state, encode_state
from trainyard_federated.coordination import (
    Clock,
    Evaluation,
    SiteReport,
    SitesMissingError,
    State,
    Update,
    Weights,
    require_same_training,
    run_rounds,
    sampled,
)
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.failures import DivergedError


class StandIns:
    """Sites whose training adds their round's number to every weight."""

    def __init__(self, online: Sequence[str] = ("north", "south"), **answers: Any) -> None:
        self._online = online
        self._answers = answers
        self.asked: list[tuple[int, list[str]]] = []

    def online(self) -> Sequence[str]:
        return self._online

    def train(self, names: Sequence[str], round_number: int, weights: Weights, _seconds: float) -> Update | None:
        self.asked.append((round_number, list(names)))
        answer: Callable[[int, int], Sequence[str]] | None = self._answers.get("trains")
        trained = names if answer is None else answer(len(self.asked), round_number)
        if not trained:
            return None
        loss = self._answers.get("loss", 1.0)
        return Update({name: array + round_number for name, array in weights.items()}, loss, dict.fromkeys(trained, 10))

    def evaluate(self, names: Sequence[str], _round: int, _weights: Weights, _seconds: float) -> Evaluation | None:
        return Evaluation(0.75, {name: SiteReport("ab" * 32, 1, 10, 4) for name in names})


class Time:
    """A clock that goes on by one second when it is read."""

    def __init__(self, end: float = 1e9) -> None:
        self.seconds = 0.0
        self.clock = Clock(end, self.now, lambda _: None)

    def now(self) -> float:
        self.seconds += 1
        return self.seconds


def begin() -> State:
    return State({"a": np.zeros((2, 3), np.float32), "b": np.ones(1, np.float32)})


def run(job: FederatedSpecification, sites: StandIns, state: State, **changes: Any) -> State:
    done: Callable[[State], None] = changes.get("done", lambda _: None)
    return run_rounds(job, sites, state, Time(changes.get("end", 1e9)).clock, done, changes.get("say", lambda _: None))


def test_every_round_is_kept_and_told() -> None:
    kept: list[State] = []
    said: list[str] = []
    end = run(federated_job(), StandIns(), begin(), done=kept.append, say=said.append)
    assert [len(state.rounds) for state in kept] == [1, 2, 3]
    assert end is kept[-1]
    assert end.weights["a"].tolist() == [[6.0] * 3] * 2
    assert end.accuracy == 0.75
    assert said[-1].startswith("round 3/3  2 of 2 sites  loss 1.0000  accuracy 0.7500 on 8 test examples")


def test_a_site_that_drops_out_costs_its_share_and_a_round_without_enough_is_repeated() -> None:
    first_attempts = {1: ["north"], 2: []}
    sites = StandIns(trains=lambda attempt, _: first_attempts.get(attempt, ["north", "south"]))
    end = run(federated_job(minimum_sites=1), sites, begin())
    assert [number for number, _ in sites.asked] == [1, 2, 2, 3]
    assert [sorted(entry["training_examples"]) for entry in end.rounds] == [
        ["north"],
        ["north", "south"],
        ["north", "south"],
    ]


def test_three_rounds_in_a_row_without_enough_sites_end_the_run() -> None:
    sites = StandIns(online=["north"])
    with pytest.raises(SitesMissingError, match=r"round 1 had updates of 1 sites, .* minimum_sites, which is 2"):
        run(federated_job(minimum_sites=2), sites, begin())
    assert len(sites.asked) == 3


def test_when_the_time_is_over_the_last_round_stands() -> None:
    end = run(federated_job(rounds=1000), StandIns(), begin(), end=60.0)
    assert 0 < len(end.rounds) < 1000


@pytest.mark.parametrize("answers", [{"loss": float("nan")}, {"loss": float("inf")}])
def test_a_loss_that_is_no_number_is_not_kept(answers: dict[str, float]) -> None:
    kept: list[State] = []
    with pytest.raises(DivergedError, match=r"round 1 has diverged: .*learning_rate 0\.1"):
        run(federated_job(), StandIns(**answers), begin(), done=kept.append)
    assert kept == []


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 12),
    fraction=st.floats(0.05, 1.0),
    round_number=st.integers(1, 50),
    offline=st.sets(st.integers(0, 11)),
)
def test_the_sites_of_a_round_are_drawn_from_those_online(
    count: int, fraction: float, round_number: int, offline: set[int]
) -> None:
    sites = [{"name": f"s{n}", "datasets_uri": f"s3://s{n}/d", "environment_file": f"/s{n}.env"} for n in range(count)]
    job = federated_job(sites=sites, fraction_of_sites=fraction)
    online = [f"s{n}" for n in range(count) if n not in offline]
    drawn = sampled(job, round_number, online)
    assert drawn == sampled(job, round_number, list(reversed(online)))
    assert set(drawn) <= set(online)
    assert len(drawn) == min(job.sampled_sites, len(online)) == len(set(drawn))


def test_other_rounds_draw_other_sites() -> None:
    job = federated_job(fraction_of_sites=0.5)
    assert {tuple(sampled(job, number, ["north", "south"])) for number in range(1, 20)} == {("north",), ("south",)}


def test_a_killed_server_goes_on_after_the_last_round(
    object_cloud: ObjectCloud, request: pytest.FixtureRequest
) -> None:
    job = job_on(object_cloud, request, keep_checkpoints=2)
    envelope = Envelope(job.coordinator.encryption_key_uri)
    uninterrupted = run(job, StandIns(), begin())

    def killed_in_the_third(state: State) -> None:
        RoundCheckpoints(job, envelope).save(state)
        if len(state.rounds) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, StandIns(), begin(), done=killed_in_the_third)
    # The newest one is damaged: it costs one round more.
    store = ObjectStore(job.coordinator.checkpoints_uri)
    sealed = store.get("round-00002.tink")
    store.put("round-00002.tink", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    warnings: list[str] = []
    found = RoundCheckpoints(job, envelope).newest(warnings.append)
    assert found is not None
    state, agreed = found
    assert len(state.rounds) == 1
    assert "round-00002.tink is skipped" in warnings[0]
    require_same_training(job, agreed)
    sites = StandIns()
    end = run(job, sites, state, done=RoundCheckpoints(job, envelope).save)
    assert [number for number, _ in sites.asked] == [2, 3]
    assert {name: array.tolist() for name, array in end.weights.items()} == {
        name: array.tolist() for name, array in uninterrupted.weights.items()
    }
    assert store.list() == ("round-00002.tink", "round-00003.tink", "rounds.jsonl")
    assert len(store.get("rounds.jsonl").splitlines()) == 3
    assert b"north" not in store.get("round-00003.tink")


def test_checkpoints_of_another_training_are_refused() -> None:
    with pytest.raises(SpecificationError, match=r"learning_rate is 0\.2, was 0\.1; seed is 8, was 7"):
        require_same_training(federated_job(seed=8, learning_rate=0.2), federated_job().agreed())


@given(data=st.binary(max_size=200))
@settings(max_examples=25)
def test_bytes_that_are_no_checkpoint_are_refused(data: bytes) -> None:
    with pytest.raises(CheckpointError):
        decode_state(data)


def test_a_state_is_read_as_it_was_written() -> None:
    job = federated_job()
    state = run(job, StandIns(), begin())
    read, agreed = decode_state(encode_state(state, job.agreed()))
    assert agreed == job.agreed()
    assert read.rounds == state.rounds
    assert read.reports == state.reports
    assert all((read.weights[name] == array).all() for name, array in state.weights.items())


def job_on(cloud: ObjectCloud, request: pytest.FixtureRequest, **changes: Any) -> FederatedSpecification:
    places = {
        **federated_document()["coordinator"],
        "checkpoints_uri": f"s3://{cloud.checkpoints_bucket}/{request.node.name}",
        "models_uri": f"s3://{cloud.models_bucket}/{request.node.name}",
        "encryption_key_uri": cloud.key_uri,
    }
    return federated_job(coordinator={**places, **changes})
