"""The checkpoints of one run: which there are, which is good, and saving another one behind the training's back.

Each checkpoint is a folder of encrypted objects, named by its step and by the attempt that wrote it. The file
``.metadata`` is written last, so a checkpoint without one is no checkpoint. The newest one that can be read whole wins;
one that cannot is skipped with a warning, and is removed as soon as there is a new one.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.api import CheckpointException

from trainyard_artifacts.envelope import AlteredError
from trainyard_artifacts.storage import ObjectNotFoundError
from trainyard_training.checkpoints.encrypted_files import SUFFIX, EncryptedFiles, EncryptedReader, EncryptedWriter
from trainyard_training.checkpoints.run_state import RunState, StateError, decode_run_state
from trainyard_training.workers import Workers

_NAME = re.compile(r"^step-(\d{8})-[0-9a-f]{8}$")
_COMPLETE = f".metadata{SUFFIX}"
RUN_STATE = "run.json"
"""Beside the tensors' files: ``RunState``."""

Tensors = dict[str, Any]
"""A nested dictionary of tensors, sharded or not."""


class Checkpoints:
    """Used by every worker of the group alike: all of them save and restore together."""

    def __init__(
        self,
        files: EncryptedFiles,
        workers: Workers,
        *,
        keep: int,
        stored: Callable[[int], None],
        warn: Callable[[str], None],
    ) -> None:
        """
        :param keep: How many of the newest are kept.
        :param stored: Is told the step of each checkpoint that is stored.
        :param warn: Is told of each one that is skipped.
        """
        self._files = files
        self._workers = workers
        self._keep = keep
        self._stored = stored
        self._warn = warn
        self._unreadable: set[str] = set()
        # Of its own, since saving goes on while the workers exchange gradients.
        self._group = workers.new_group()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None

    def save(self, tensors: Tensors, state: RunState) -> None:
        """Copy the tensors and store them in the background; waits for the checkpoint before, if it is not stored yet.

        Raises:
            EnvelopeError, StorageError: the checkpoint before was not stored.
        """
        self.wait()
        name = self._workers.from_first(f"step-{state.step:08}-{secrets.token_hex(4)}")
        saving = dcp.async_save(
            tensors,
            storage_writer=EncryptedWriter(self._files, name, {RUN_STATE: state.model_dump_json().encode()}),
            process_group=self._group,
        )
        assert isinstance(saving, Future)
        self._pending = self._thread.submit(self._finish, saving, name, state.step)

    def wait(self) -> None:
        """Return when every checkpoint is stored.

        Raises:
            EnvelopeError, StorageError: one was not.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """End the thread; a checkpoint that is being stored is left to end by itself."""
        self._thread.shutdown(wait=False)

    def restore(self, accept: Callable[[RunState], Tensors], take: Callable[[Tensors], None]) -> RunState | None:
        """Bring the newest good checkpoint to every worker; None where there is none.

        :param accept: Says by raising that this checkpoint is not wanted, or gives the tensors to read into.
        :param take: Is handed these tensors when all of them have been read, on every worker.

        Raises:
            KeyRefusedError, EnvelopeError: the key cannot be used at all.
            StorageError: the bucket cannot be read.
        """
        for name in self._workers.from_first(self._complete() if self._workers.is_first else None):
            try:
                state = decode_run_state(self._files.read(f"{name}/{RUN_STATE}"))
                failure: Exception | None = None
            except (AlteredError, ObjectNotFoundError, StateError) as error:
                state, failure = None, error
            if not self._workers.any(failure is not None):
                assert state is not None
                tensors = accept(state)
                failure = self._load(name, tensors)
                if failure is None:
                    take(tensors)
                    return state
            self._unreadable.add(name)
            if failure is not None and self._workers.is_first:
                self._warn(f"checkpoint {self._files.store.uri_of(name)} is skipped: {failure}")
        return None

    def _load(self, name: str, tensors: Tensors) -> Exception | None:
        """Read into ``tensors``; returns why that cannot be, on every worker, where the checkpoint is damaged."""
        try:
            dcp.load(
                tensors,
                storage_reader=EncryptedReader(self._files, name),
                process_group=self._group,
            )
        except CheckpointException as error:
            return _damage(cause for cause, _ in error.failures.values())
        return None

    def _finish(self, saving: Future[Any], name: str, step: int) -> None:
        """What is still to be done in the background while, and after, the tensors are stored."""
        try:
            saving.result()
        except CheckpointException as error:
            raise next(iter(error.failures.values()))[0] from None
        if self._workers.is_first:
            self._prune(name)
            self._stored(step)

    def _complete(self) -> list[str]:
        """Names of the complete checkpoints, newest first."""
        names = [name.removesuffix(f"/{_COMPLETE}") for name in self._files.store.list() if name.endswith(_COMPLETE)]
        return sorted((name for name in names if _NAME.match(name)), reverse=True)

    def _prune(self, newest: str) -> None:
        """Delete all but the newest good checkpoints, the one just stored among them."""
        good = [name for name in self._complete() if name not in self._unreadable and name != newest]
        kept = {newest, *good[: self._keep - 1]}
        # The mark of completeness goes first: what is deleted half is no checkpoint.
        for name in sorted(self._files.store.list(), key=lambda name: (not name.endswith(_COMPLETE), name)):
            folder = name.partition("/")[0]
            if _NAME.match(folder) and folder not in kept:
                self._files.store.delete(name)
        self._unreadable.clear()


def _damage(causes: Iterable[BaseException]) -> Exception:
    """Why a checkpoint cannot be read, where that is its own fault; any other error is raised."""
    found: Exception | None = None
    for cause in causes:
        if isinstance(cause, AlteredError | ObjectNotFoundError):
            found = cause
        elif isinstance(cause, RuntimeError | ValueError | KeyError | EOFError):
            found = found or StateError(f"it cannot be read: {cause}")
        else:
            raise cause
    assert found is not None
    return found
