"""The site's end in Flower: takes the global model, gives back an update or an evaluation.

The process was told which site it is by ``become`` before; Flower itself only says which message came.
"""

import sys
from dataclasses import dataclass
from typing import Any

import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from torch import nn

from trainyard_artifacts.errors import one_line_reason
from trainyard_federated import records
from trainyard_federated.local_data import SiteData
from trainyard_federated.local_training import (
    count_correct,
    make_optimizer,
    new_model,
    set_weights,
    train_locally,
    weights_of,
)
from trainyard_federated.specification import FederatedSpecification


class SiteFailedError(Exception):
    """What the coordinator is told about a failure: its kind. The reason, which could quote data, stays at the site."""


@dataclass(frozen=True)
class Myself:
    """Which site this process is."""

    job: FederatedSpecification
    name: str
    data: SiteData


_myself: list[Myself] = []

app = ClientApp()
"""What Flower calls."""


def become(myself: Myself) -> None:
    """Say which site this process, and whatever is forked from it, is."""
    _myself[:] = [myself]
    # A first optimiser imports a good part of PyTorch: here once, and not in every fork.
    make_optimizer([nn.Parameter(torch.zeros(1))], myself.job)


@app.train()
def train(message: Message, _context: Context) -> Message:
    """Train on the site's training examples from the message's weights."""
    return _answer(message, _train)


@app.evaluate()
def evaluate(message: Message, _context: Context) -> Message:
    """Count how many of the site's test examples the message's weights get right."""
    return _answer(message, _evaluate)


def _train(me: Myself, content: RecordDict, round_number: int) -> RecordDict:
    model = new_model(me.job)
    set_weights(model, _weights_in(content))
    loss = train_locally(model, me.data.train, me.job, me.name, round_number)
    metrics = MetricRecord({records.EXAMPLES: len(me.data.train), records.LOSS: loss})
    weights = ArrayRecord({name: Array(array) for name, array in weights_of(model).items()})
    print(f"round {round_number}: trained on {len(me.data.train)} examples, loss {loss:.4f}", flush=True)
    return RecordDict({records.ARRAYS: weights, records.METRICS: metrics})


def _evaluate(me: Myself, content: RecordDict, round_number: int) -> RecordDict:
    model = new_model(me.job)
    set_weights(model, _weights_in(content))
    accuracy = count_correct(model, me.data.test) / len(me.data.test)
    metrics = MetricRecord(
        {
            records.EXAMPLES: len(me.data.test),
            records.ACCURACY: accuracy,
            records.TRAIN_EXAMPLES: len(me.data.train),
            records.SHARDS: me.data.shards,
        }
    )
    print(f"round {round_number}: accuracy {accuracy:.4f} on {len(me.data.test)} test examples", flush=True)
    return RecordDict({records.METRICS: metrics, records.CONFIG: ConfigRecord({records.INDEX: me.data.index_sha256})})


def _answer(message: Message, compute: Any) -> Message:
    (me,) = _myself
    try:
        config = message.content.config_records[records.CONFIG]
        if config[records.AGREED] != me.job.agreed_sha256():
            raise SiteFailedError("the coordinator's job file does not agree with this site's")
        return Message(content=compute(me, message.content, int(config[records.ROUND])), reply_to=message)
    except SiteFailedError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise
    except Exception as error:
        print(f"error: {type(error).__name__}: {one_line_reason(error)}", file=sys.stderr, flush=True)
        raise SiteFailedError(f"{type(error).__name__}; the site's log says more") from None


def _weights_in(content: RecordDict) -> dict[str, Any]:
    return {name: array.numpy() for name, array in content.array_records[records.ARRAYS].items()}
