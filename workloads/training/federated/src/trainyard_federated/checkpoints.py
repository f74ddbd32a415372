"""The global model after each round, encrypted in the coordinator's bucket, and the round log beside it.

One object holds one round, so a round is there whole or not at all; the newest one that can be read wins.
"""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from trainyard_artifacts.envelope import AlteredError, Envelope
from trainyard_artifacts.manifest import associated_data
from trainyard_artifacts.storage import ObjectStore
from trainyard_federated.coordination import SiteReport, State
from trainyard_federated.specification import FederatedSpecification

ROUND_LOG_NAME = "rounds.jsonl"

_NAME = re.compile(r"^round-(\d{5})\.tink$")
_FORMAT = 1


class CheckpointError(Exception):
    """Bytes are no checkpoint that this version can read."""


class RoundCheckpoints:
    """The checkpoints of one run."""

    def __init__(self, job: FederatedSpecification, envelope: Envelope) -> None:
        self._job = job
        self._store = ObjectStore(job.coordinator.checkpoints_uri)
        self._envelope = envelope

    def save(self, state: State) -> None:
        """Store the round's state and the round log, then delete all but the newest states.

        Raises:
            EnvelopeError, StorageError: nothing was stored, or an old one was not deleted.
        """
        name = _name(len(state.rounds))
        sealed = self._envelope.encrypt(encode_state(state, self._job.agreed()), self._associated_data(name))
        self._store.put(name, sealed)
        self._store.put(ROUND_LOG_NAME, "".join(json.dumps(each) + "\n" for each in state.rounds).encode())
        for old in self._names()[self._job.coordinator.keep_checkpoints :]:
            self._store.delete(old)

    def newest(self, warn: Callable[[str], None]) -> tuple[State, dict[str, Any]] | None:
        """The newest state that can be read and what its training was asked to be; None where there is none.

        Raises:
            KeyRefusedError, EnvelopeError: the key cannot be used at all.
            StorageError: the bucket cannot be read.
        """
        for name in self._names():
            try:
                return decode_state(self._envelope.decrypt(self._store.get(name), self._associated_data(name)))
            except (AlteredError, CheckpointError) as error:
                warn(f"checkpoint {self._store.uri_of(name)} is skipped: {error}")
        return None

    def _names(self) -> list[str]:
        """Names of all checkpoints, newest first."""
        return sorted(filter(_NAME.match, self._store.list()), reverse=True)

    def _associated_data(self, name: str) -> bytes:
        return associated_data(self._job.job, self._job.run, name)


def encode_state(state: State, agreed: dict[str, Any]) -> bytes:
    """A state as bytes: NumPy's ``.npz`` with the weights, and the rest as JSON in one of its entries."""
    rest = {
        "format": _FORMAT,
        "agreed": agreed,
        "names": list(state.weights),
        "rounds": list(state.rounds),
        "reports": None if state.reports is None else {name: vars(each) for name, each in state.reports.items()},
    }
    arrays: dict[str, Any] = {f"weight_{number}": array for number, array in enumerate(state.weights.values())}
    arrays["rest"] = np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def decode_state(data: bytes) -> tuple[State, dict[str, Any]]:
    """Read what ``encode_state`` returned: the state, and what was agreed on. Nothing in it can run code.

    Raises:
        CheckpointError: the bytes are something else, or of another version's format.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            rest = json.loads(arrays["rest"].tobytes())
            if rest["format"] != _FORMAT:
                raise CheckpointError(f"a checkpoint of format {rest['format']!r}, this version reads {_FORMAT}")
            weights = {name: arrays[f"weight_{number}"] for number, name in enumerate(rest["names"])}
        reports = rest["reports"]
        state = State(
            weights=weights,
            rounds=tuple(rest["rounds"]),
            reports=None if reports is None else {name: SiteReport(**each) for name, each in reports.items()},
        )
        return state, rest["agreed"]
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"not a checkpoint: {error}") from None


def _name(rounds: int) -> str:
    return f"round-{rounds:05}.tink"
