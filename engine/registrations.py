"""Which resources a program has registered, under which URN, and what the last deployment left of each."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine import aliases
from engine import urn as urns
from engine.errors import Cancelled, StepError
from engine.goal import Goal, inherit
from engine.resource_state import ResourceState
from engine.snapshot import Snapshot


@dataclass(slots=True)
class _Condemned:
    """A resource that must be deleted together with another, ahead of its own replacement."""

    reasons: list[str]
    over: threading.Event = field(default_factory=threading.Event)
    gone: bool = False


class Registrations:
    """New and former holders of every URN; safe to use from several threads."""

    def __init__(self, stack: str, project: str, olds: Sequence[ResourceState], snapshot: Snapshot) -> None:
        self._stack = stack
        self._project = project
        self._snapshot = snapshot
        self._lock = threading.RLock()
        self._live = {old.urn: old for old in olds if not old.delete}
        self._all = list(olds)
        self._entered: set[str] = set()
        self._new: dict[str, ResourceState] = {}
        self._found_as: dict[str, str] = {}
        self._claimed_by: dict[str, str] = {}
        self._condemned: dict[str, _Condemned] = {}
        self._goals: dict[str, Goal] = {}
        self._gone: set[int] = set()
        self._replaced: set[str] = set()

    def urn_of(self, goal: Goal) -> str:
        """The URN that the goal's resource has."""
        return urns.make(self._stack, self._project, goal.parent, goal.type, goal.name)

    def enter(self, goal: Goal) -> tuple[str, Goal, ResourceState | None]:
        """The resource's URN, its goal with what its parent hands down, and its old state, under an alias if need be.

        From here on the old state is the caller's: no other step deletes it. Where another one is about to, waits for
        that. Raises StepError for a second holder of the URN or of an alias.
        """
        with self._lock:
            urn, old = self._enter(goal)
            goal = inherit(goal, self._goals.get(goal.parent))
            self._goals[urn] = goal
            condemned = self._condemned.get(old.urn) if old is not None else None
        if condemned is not None:
            condemned.over.wait()
            if not condemned.gone:
                raise Cancelled(f"{urn} was not touched: the deployment is stopping")
            old = self.old(urn)
        return urn, goal, old

    def _enter(self, goal: Goal) -> tuple[str, ResourceState | None]:
        urn = self.urn_of(goal)
        if urn in self._entered:
            raise StepError(
                urn,
                f"duplicate resource URN {urn}: two resources of type {goal.type} have the name {goal.name!r}; "
                "give one of them another name or another parent",
            )
        if urn in self._claimed_by:
            raise StepError(urn, f"{urn} was claimed before, as an alias, by {self._claimed_by[urn]}")
        self._entered.add(urn)
        old = self._live.get(urn)
        if old is None:
            old = self._find_alias(urn, goal)
        return urn, old

    def _find_alias(self, urn: str, goal: Goal) -> ResourceState | None:
        for candidate in aliases.candidates(goal, self._stack, self._project, self._found_as):
            old = self._live.get(candidate)
            if old is None or candidate == urn:
                continue
            holder = candidate if candidate in self._entered else self._claimed_by.get(candidate)
            if holder:
                raise StepError(urn, f"{urn} has the alias {candidate}, which belongs to {holder} already")
            self._found_as[urn] = candidate
            self._claimed_by[candidate] = urn
            self._snapshot.rename(candidate, urn)
            return old
        return None

    def settle(self, state: ResourceState) -> ResourceState:
        """Records the resource's new state; returns it."""
        with self._lock:
            self._new[state.urn] = state
            return state

    def new(self, urn: str) -> ResourceState | None:
        """The resource's state in this deployment, once it has one."""
        return self._new.get(urn)

    def old(self, urn: str) -> ResourceState | None:
        """What the last deployment, or an early deletion in this one, left of the resource."""
        return self._live.get(self._found_as.get(urn, urn))

    def former_urn(self, urn: str) -> str:
        """The URN under which the resource was found; its own where no alias was needed."""
        return self._found_as.get(urn, urn)

    def condemn(
        self, choose: Callable[[list[ResourceState]], list[tuple[ResourceState, list[str]]]]
    ) -> list[ResourceState]:
        """Has `choose` pick, among the old states nobody has entered, those to delete now, and why; returns them.

        Whoever enters one of them later waits until it has been marked with `mark_deleted_early`, or until `release`.
        """
        with self._lock:
            entered = {self._found_as.get(urn, urn) for urn in self._entered}
            free = [old for old in self._all if old.urn not in entered and id(old) not in self._gone]
            chosen = choose([old if old.delete else self._live[old.urn] for old in free])
            for state, reasons in chosen:
                if state.delete:
                    self._gone.add(id(state))
                else:
                    self._condemned.setdefault(state.urn, _Condemned(reasons))
            return [state for state, _ in chosen]

    def release(self, condemned: Sequence[ResourceState]) -> None:
        """Ends the wait for states that were condemned, deleted or not."""
        with self._lock:
            for state in condemned:
                if not state.delete:
                    self._condemned[state.urn].over.set()

    def mark_replaced(self, urn: str) -> None:
        """The resource is being replaced."""
        with self._lock:
            self._replaced.add(urn)

    def is_replaced(self, urn: str) -> bool:
        """Whether the resource is being, or has been, replaced in this deployment."""
        return urn in self._replaced

    def mark_deleted_early(self, gone: ResourceState) -> None:
        """`gone` now stands for a resource deleted ahead of its replacement."""
        with self._lock:
            self._live[gone.urn] = gone
            condemned = self._condemned.get(gone.urn)
            if condemned is not None:
                condemned.gone = True
                condemned.over.set()

    def deleted_early(self, urn: str) -> list[str] | None:
        """The inputs for which the resource was deleted together with another; None where it was not."""
        condemned = self._condemned.get(self._found_as.get(urn, urn))
        return condemned.reasons if condemned is not None and condemned.gone else None
