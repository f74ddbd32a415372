"""Encrypted checkpoints in a bucket: one object each, so that a checkpoint is there whole or not at all.

Objects are named by step. The newest one that can be read wins; one that cannot is skipped with a warning, and is
removed as soon as there is a new one. Whoever may read the bucket still needs the key.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from trainyard_artifacts.envelope import AlteredError, Envelope
from trainyard_artifacts.manifest import associated_data
from trainyard_artifacts.storage import ObjectStore

_NAME = re.compile(r"^step-(\d{8})\.tink$")

_State = TypeVar("_State")


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, store: ObjectStore, envelope: Envelope, *, job: str, run: str, keep: int) -> None:
        self._store = store
        self._envelope = envelope
        self._job, self._run = job, run
        self._keep = keep
        self._unreadable: set[int] = set()

    def save(self, step: int, state: bytes) -> None:
        """Encrypt and store one checkpoint, then delete all but it and the newest ones, ``keep`` in all.

        Those that ``newest`` has skipped are deleted, too: they are none of the ``keep``.

        Raises:
            EnvelopeError, StorageError: nothing was stored, or an old one was not deleted.
        """
        self._store.put(_name(step), self._envelope.encrypt(state, self._associated_data(step)))
        others = [other for other in self._steps() if other != step]
        good = [other for other in others if other not in self._unreadable]
        for old in sorted({*others} - {*good[: self._keep - 1]}):
            self._store.delete(_name(old))
        self._unreadable.clear()

    def newest(
        self, decode: Callable[[bytes], _State], unreadable: type[Exception], warn: Callable[[str], None]
    ) -> tuple[int, _State] | None:
        """Step and decoded state of the newest checkpoint that can be read, None where there is none.

        A checkpoint that does not decrypt, or that ``decode`` refuses with ``unreadable``, is passed to ``warn`` and
        skipped.

        Raises:
            KeyRefusedError, EnvelopeError: the key cannot be used at all.
            StorageError: the bucket cannot be read.
        """
        for step in self._steps():
            try:
                return step, decode(self._envelope.decrypt(self._store.get(_name(step)), self._associated_data(step)))
            except (AlteredError, unreadable) as error:
                self._unreadable.add(step)
                warn(f"checkpoint {self._store.uri_of(_name(step))} is skipped: {error}")
        return None

    def _steps(self) -> list[int]:
        """Steps that have a checkpoint, newest first."""
        matches = map(_NAME.match, self._store.list())
        return sorted((int(match[1]) for match in matches if match), reverse=True)

    def _associated_data(self, step: int) -> bytes:
        return associated_data(self._job, self._run, _name(step))


def _name(step: int) -> str:
    return f"step-{step:08}.tink"
