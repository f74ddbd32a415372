"""What runs in Flower's environment only, and is collected there by ``test_run``: the messages' two ends."""

import hashlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from tests.workloads.training.federated.conftest import federated_job
from trainyard_federated import client_app, records
from trainyard_federated.bundle import ForeignAppError, build_bundle, require_ours
from trainyard_federated.client_app import Myself, SiteFailedError, become, evaluate, train
from trainyard_federated.flower_sites import FlowerSites
from trainyard_federated.local_data import SiteData
from trainyard_federated.local_training import new_model, weights_of
from trainyard_training.data.examples import Examples

# Who is speaking, which Flower sets in a task's process.
TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
JOB = federated_job()
WEIGHTS = {"a": np.zeros((2, 2), np.float32)}


class Grid:
    """Answers each message by a function of the site and its message's content."""

    def __init__(self, sites: dict[str, Any]) -> None:
        self._sites = sites
        self._replies: dict[str, Message] = {}
        self._names = dict(enumerate(sites, start=1))

    def get_nodes(self) -> list[Any]:
        return [SimpleNamespace(name=name, node_id=number) for number, name in self._names.items()]

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        pushed = []
        for number, message in enumerate(messages):
            key, name = f"message {number}", self._names[message.metadata.dst_node_id]
            content = self._sites[name]
            if content is None:
                # Gone in the middle of the round.
                del self._names[message.metadata.dst_node_id]
            else:
                reply = SimpleNamespace(
                    metadata=SimpleNamespace(reply_to_message_id=key), content=content, has_error=lambda: False
                )
                self._replies[key] = reply  # type: ignore[assignment]
            pushed.append(key)
        return pushed

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        return [self._replies.pop(key) for key in list(message_ids) if key in self._replies]


def update(value: float, examples: int, shape: tuple[int, ...] = (2, 2)) -> RecordDict:
    arrays = ArrayRecord({"a": Array(np.full(shape, value, np.float32))})
    return RecordDict(
        {
            records.ARRAYS: arrays,
            records.METRICS: MetricRecord({records.EXAMPLES: examples, records.LOSS: value}),
        }
    )


def answers(sites: dict[str, Any]) -> tuple[FlowerSites, list[str]]:
    warnings: list[str] = []
    grid: Any = Grid(sites)
    return FlowerSites(JOB, grid, warnings.append), warnings


def test_updates_are_weighted_by_their_examples() -> None:
    sites, warnings = answers({"north": update(1.0, 30), "south": update(5.0, 10), "stranger": update(99.0, 10)})
    assert sites.online() == ["north", "south"]
    found = sites.train(["north", "south"], 1, WEIGHTS, 5.0)
    assert found is not None
    assert found.weights["a"].tolist() == [[2.0, 2.0]] * 2
    assert found.weights["a"].dtype == np.float32
    assert found.loss == pytest.approx(2.0)
    assert found.examples == {"north": 30, "south": 10}
    assert warnings == []


@pytest.mark.parametrize(
    "other",
    [
        update(1.0, 10, shape=(3, 2)),
        update(1.0, 0),
        RecordDict({records.METRICS: MetricRecord({records.EXAMPLES: 1, records.LOSS: 1.0})}),
    ],
)
def test_what_is_no_update_does_not_count(other: RecordDict) -> None:
    sites, warnings = answers({"north": update(1.0, 30), "south": other})
    found = sites.train(["north", "south"], 1, WEIGHTS, 5.0)
    assert found is not None
    assert found.examples == {"north": 30}
    assert warnings == ["what site south sent is no update of this model; it does not count"]


def test_a_site_that_goes_offline_is_not_waited_for() -> None:
    sites, warnings = answers({"north": update(1.0, 30), "south": None})
    found = sites.train(["north", "south"], 1, WEIGHTS, 3600.0)
    assert found is not None
    assert found.examples == {"north": 30}
    assert warnings == ["site south went offline in round 1"]


def myself() -> Myself:
    random = np.random.default_rng(0)
    part = Examples(random.integers(0, 17, (20, 1, 8, 8), dtype=np.uint8), random.integers(0, 10, 20, dtype=np.uint8))
    return Myself(JOB, "north", SiteData("ab" * 32, 1, part, part))


def message(kind: str, **changes: Any) -> Message:
    config = {records.ROUND: 1, records.AGREED: JOB.agreed_sha256(), **changes}
    arrays = ArrayRecord({name: Array(array) for name, array in weights_of(new_model(JOB)).items()})
    content = RecordDict({records.ARRAYS: arrays, records.CONFIG: ConfigRecord(config)})
    made = Message(content=content, message_type=kind, dst_node_id=1)
    made.metadata.__dict__["_message_id"] = "1"
    return made


def test_a_site_sends_weights_counts_and_numbers_and_nothing_else() -> None:
    become(myself())
    answer = client_app._answer
    trained = answer(message("train"), client_app._train).content
    assert list(trained) == [records.ARRAYS, records.METRICS]
    assert set(trained.metric_records[records.METRICS]) == {records.EXAMPLES, records.LOSS}
    expected = {name: array.shape for name, array in weights_of(new_model(JOB)).items()}
    assert {name: array.shape for name, array in trained.array_records[records.ARRAYS].items()} == {
        name: tuple(shape) for name, shape in expected.items()
    }
    again = answer(message("train"), client_app._train).content
    assert all(
        (again.array_records[records.ARRAYS][name].numpy() == array.numpy()).all()
        for name, array in trained.array_records[records.ARRAYS].items()
    ), "a repeated round gives the same update"
    evaluated = answer(message("evaluate"), client_app._evaluate).content
    assert list(evaluated) == [records.METRICS, records.CONFIG]
    assert dict(evaluated.config_records[records.CONFIG]) == {records.INDEX: "ab" * 32}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({records.AGREED: "00" * 32}, "the coordinator's job file does not agree with this site's"),
        ({records.ROUND: "secret of a patient"}, "ValueError; the site's log says more"),
    ],
)
def test_the_coordinator_is_told_the_kind_of_a_failure_only(
    changes: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    become(myself())
    with pytest.raises(SiteFailedError) as error:
        client_app._answer(message("train", **changes), client_app._train)
    assert str(error.value) == told
    assert error.value.__cause__ is None
    assert "error: " in capsys.readouterr().err


def test_a_site_runs_this_app_only() -> None:
    ours = build_bundle()
    assert ours == build_bundle()
    require_ours(ours, hashlib.sha256(ours).hexdigest())
    with pytest.raises(ForeignAppError, match="this site runs only"):
        require_ours(ours + b"\0", hashlib.sha256(ours).hexdigest())
    assert callable(train)
    assert callable(evaluate)
