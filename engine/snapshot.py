"""The deployment as it stands at every moment, and its durable record.

The order is the one Pulumi keeps: what this deployment has finished, in the order in which it finished, then what the
last deployment left and this one has not yet touched; so everything stands behind what it depends on. Every change
reaches the disk through `commit`; waiting for it is the caller's choice, and concurrent changes share a write.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from engine import urn as urns
from engine.resource_state import ResourceState, recorded

OperationType = Literal["creating", "updating", "deleting", "reading"]


class Snapshot:
    """States in order and pending operations; safe to use from several threads."""

    def __init__(
        self,
        olds: list[ResourceState],
        *,
        encrypt: Callable[[str], str],
        write: Callable[[list[str], list[str]], None] | None,
    ) -> None:
        """`write` stores the resources and pending operations, each as JSON text; None (a preview) stores nothing."""
        self._olds: list[ResourceState | None] = list(olds)
        self._news: list[ResourceState | None] = []
        self._places: dict[int, tuple[list[ResourceState | None], int]] = {
            id(old): (self._olds, index) for index, old in enumerate(olds)
        }
        self._renamed: dict[str, str] = {}
        self._pending: dict[int, tuple[OperationType, ResourceState]] = {}
        self._encrypt = encrypt
        self._write = write
        self._lock = threading.RLock()
        self._texts: dict[int, tuple[ResourceState, str]] = {}
        self._changes = 0
        self._written = 0
        self._writing = threading.Condition(threading.Lock())
        self._writer_busy = False

    def states(self) -> list[ResourceState]:
        """Every state as it stands now, in order."""
        with self._lock:
            finished = [new for new in self._news if new is not None]
            return finished + [self._follow_renames(old) for old in self._olds if old is not None]

    def untouched(self) -> list[ResourceState]:
        """What the last deployment left and this one has not claimed, or has replaced: it is to be deleted."""
        with self._lock:
            return [old for old in self._olds if old is not None]

    def begin(self, operation: OperationType, state: ResourceState) -> int:
        """Records, durably, that the operation on `state` is about to run; returns its ticket for `finish`."""
        with self._lock:
            self._changes += 1
            ticket = self._changes
            self._pending[ticket] = (operation, state)
        try:
            self.commit()
        except BaseException:
            # Not on record, so it will not be begun either.
            with self._lock:
                self._pending.pop(ticket, None)
            raise
        return ticket

    def finish(
        self,
        *,
        ticket: int | None = None,
        add: ResourceState | None = None,
        drop: ResourceState | None = None,
        change: tuple[ResourceState, ResourceState] | None = None,
        durable: bool = True,
    ) -> None:
        """Records an operation's result: `add` a state, `drop` one, or `change` one for another in its place."""
        with self._lock:
            self._changes += 1
            if ticket is not None:
                self._pending.pop(ticket, None)
            if change is not None:
                self._replace(*change)
            if add is not None:
                self._places[id(add)] = (self._news, len(self._news))
                self._news.append(add)
            if drop is not None:
                states, index = self._places.pop(id(drop))
                states[index] = None
        if durable:
            self.commit()

    def rename(self, old_urn: str, new_urn: str) -> None:
        """From now on, whatever refers to `old_urn` means `new_urn`: the resource was found under an alias."""
        with self._lock:
            self._renamed[old_urn] = new_urn

    def commit(self) -> None:
        """Returns when everything recorded so far is on disk; a write in progress is waited for and shared."""
        if self._write is None:
            return
        with self._lock:
            wanted = self._changes
        while True:
            with self._writing:
                while self._writer_busy and self._written < wanted:
                    self._writing.wait()
                if self._written >= wanted:
                    return
                self._writer_busy = True
            try:
                written = self._write_now(self._write)
            finally:
                with self._writing:
                    self._writer_busy = False
                    self._writing.notify_all()
            with self._writing:
                self._written = max(self._written, written)

    def _write_now(self, write: Callable[[list[str], list[str]], None]) -> int:
        with self._lock:
            version = self._changes
            states = self.states()
            pending = list(self._pending.values())
        resources = [self._text(state) for state in states]
        operations = [
            json.dumps(
                {"resource": recorded(state, self._encrypt), "type": operation},
                separators=(",", ":"),
                ensure_ascii=False,
                allow_nan=False,
            )
            for operation, state in pending
        ]
        write(resources, operations)
        return version

    def _text(self, state: ResourceState) -> str:
        cached = self._texts.get(id(state))
        if cached is None or cached[0] is not state:
            document = recorded(state, self._encrypt)
            cached = (state, json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False))
            self._texts[id(state)] = cached
        return cached[1]

    def _replace(self, before: ResourceState, after: ResourceState) -> None:
        states, index = self._places.pop(id(before))
        states[index] = after
        self._places[id(after)] = (states, index)

    def _follow_renames(self, state: ResourceState) -> ResourceState:
        if not self._renamed:
            return state
        renamed = self._renamed

        def follow(urn: str) -> str:
            return renamed.get(urn, urn)

        provider = state.provider
        if provider:
            urn, identifier = urns.split_provider_reference(provider)
            provider = f"{follow(urn)}::{identifier}"
        fields: dict[str, Any] = {
            "parent": follow(state.parent),
            "dependencies": list(map(follow, state.dependencies)),
            "property_dependencies": {
                key: list(map(follow, names)) for key, names in state.property_dependencies.items()
            },
            "deleted_with": follow(state.deleted_with),
            "provider": provider,
        }
        if all(getattr(state, name) == value for name, value in fields.items()):
            return state
        return replace(state, encoded=None, **fields)
