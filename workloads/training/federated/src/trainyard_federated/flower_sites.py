"""The sites as the coordinator reaches them by Flower: messages out, replies in, averaged by Flower's FedAvg."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from trainyard_federated import records
from trainyard_federated.coordination import Evaluation, SiteReport, Update, Weights
from trainyard_federated.specification import FederatedSpecification

_POLL_SECONDS = 0.5


class FlowerSites:
    """All sites that have registered their SuperNode's key, under the name that they are registered by."""

    def __init__(self, job: FederatedSpecification, grid: Grid, warn: Callable[[str], None]) -> None:
        self._job = job
        self._grid = grid
        self._warn = warn
        self._strategy = FedAvg(weighted_by_key=records.EXAMPLES)

    def online(self) -> list[str]:
        """Names of the job's sites whose SuperNode has been heard of lately."""
        return sorted(self._nodes())

    def train(self, names: Sequence[str], round_number: int, weights: Weights, seconds: float) -> Update | None:
        """Average of the updates that are fit for it."""
        replies = self._ask(MessageType.TRAIN, names, round_number, weights, seconds)
        good = {name: reply for name, reply in replies.items() if self._is_update(name, reply, weights)}
        if not good:
            return None
        arrays, metrics = self._strategy.aggregate_train(round_number, list(good.values()))
        if arrays is None or metrics is None:
            return None
        return Update(
            # In the order and of the type that they were sent in.
            weights={name: arrays[name].numpy().astype(array.dtype) for name, array in weights.items()},
            loss=_number(metrics[records.LOSS]),
            examples={name: int(_metrics(reply)[records.EXAMPLES]) for name, reply in good.items()},
        )

    def evaluate(self, names: Sequence[str], round_number: int, weights: Weights, seconds: float) -> Evaluation | None:
        """Average of the accuracies, each weighted by its test examples."""
        replies = self._ask(MessageType.EVALUATE, names, round_number, weights, seconds)
        good = {name: reply for name, reply in replies.items() if self._is_evaluation(name, reply)}
        if not good:
            return None
        metrics = self._strategy.aggregate_evaluate(round_number, list(good.values()))
        if metrics is None:
            return None
        return Evaluation(
            accuracy=_number(metrics[records.ACCURACY]),
            reports={name: _report(reply) for name, reply in sorted(good.items())},
        )

    def _nodes(self) -> dict[str, int]:
        names = {site.name for site in self._job.sites}
        return {node.name: node.node_id for node in self._grid.get_nodes() if node.name in names}

    def _ask(
        self, kind: str, names: Sequence[str], round_number: int, weights: Weights, seconds: float
    ) -> dict[str, Message]:
        """The replies without an error, by site; whoever goes offline meanwhile is not waited for."""
        nodes = {node: name for name, node in self._nodes().items() if name in names}
        config = ConfigRecord({records.ROUND: round_number, records.AGREED: self._job.agreed_sha256()})
        arrays = ArrayRecord({name: Array(np.asarray(array)) for name, array in weights.items()})
        content = RecordDict({records.ARRAYS: arrays, records.CONFIG: config})
        messages = [
            Message(content=content, message_type=kind, dst_node_id=node, ttl=seconds, group_id=str(round_number))
            for node in nodes
        ]
        waiting = dict(zip(self._grid.push_messages(messages), nodes, strict=True)) if messages else {}
        replies: dict[str, Message] = {}
        end = time.monotonic() + seconds
        while waiting and time.monotonic() < end:
            for reply in self._grid.pull_messages(list(waiting)):
                name = nodes[waiting.pop(reply.metadata.reply_to_message_id)]
                if reply.has_error():
                    self._warn(f"site {name} failed in round {round_number}: {reply.error.reason}")
                else:
                    replies[name] = reply
            online = set(self._nodes().values())
            for message, node in list(waiting.items()):
                if node not in online:
                    self._warn(f"site {nodes[node]} went offline in round {round_number}")
                    del waiting[message]
            time.sleep(_POLL_SECONDS)
        for node in waiting.values():
            self._warn(f"site {nodes[node]} did not answer in {seconds:.0f} s in round {round_number}")
        return replies

    def _is_update(self, name: str, reply: Message, weights: Weights) -> bool:
        """Whether a reply has the model's arrays, in their shapes, and the numbers that go with them."""
        content = reply.content
        arrays = content.array_records.get(records.ARRAYS)
        metrics = content.metric_records.get(records.METRICS)
        if (
            list(content.array_records) == [records.ARRAYS]
            and arrays is not None
            and {key: tuple(array.shape) for key, array in arrays.items()}
            == {key: array.shape for key, array in weights.items()}
            and _are_numbers(metrics, {records.EXAMPLES, records.LOSS})
        ):
            return True
        self._warn(f"what site {name} sent is no update of this model; it does not count")
        return False

    def _is_evaluation(self, name: str, reply: Message) -> bool:
        metrics = reply.content.metric_records.get(records.METRICS)
        config = reply.content.config_records.get(records.CONFIG, {})
        wanted = {records.EXAMPLES, records.ACCURACY, records.TRAIN_EXAMPLES, records.SHARDS}
        if _are_numbers(metrics, wanted) and isinstance(config.get(records.INDEX), str):
            return True
        self._warn(f"what site {name} sent is no evaluation; it does not count")
        return False


def _are_numbers(metrics: Mapping[str, Any] | None, names: set[str]) -> bool:
    """Whether these metrics are there, and no other, as numbers, with examples to weigh them by."""
    return (
        metrics is not None
        and set(metrics) == names
        and all(isinstance(value, int | float) for value in metrics.values())
        and metrics[records.EXAMPLES] >= 1
    )


def _metrics(reply: Message) -> Any:
    return reply.content.metric_records[records.METRICS]


def _number(value: Any) -> float:
    return float(value)


def _report(reply: Message) -> SiteReport:
    metrics = _metrics(reply)
    return SiteReport(
        index_sha256=str(reply.content.config_records[records.CONFIG][records.INDEX]),
        shards=int(metrics[records.SHARDS]),
        train_examples=int(metrics[records.TRAIN_EXAMPLES]),
        test_examples=int(metrics[records.EXAMPLES]),
    )
