"""Draining, stage by stage: asks for what is to go, waits until it is gone, says what it waits for, and gives up at
the time limit with a list of what remains.

It keeps nothing: it looks at the cluster, and does what is still to be done. So it can be stopped at any moment and run
again, and is over at once where there is nothing to do.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from infra.kubernetes.drain_cluster import Refused, Silent
from infra.kubernetes.drain_stages import STAGES, Action, Document, Item, Kind, Stage

POLL_SECONDS = 2.0
REPEAT_SECONDS = 15.0
"""How often it says again what it waits for."""
SILENCE_SECONDS = 120.0
"""How long a cluster may not answer: longer than its API server takes to be replaced."""
_NAMED = 3


class ClusterGone(Exception):
    """There is no such cluster any more, so nothing to drain."""


class DrainError(Exception):
    """The cluster is not drained; the message says what is in the way, and what can be done."""

    def __init__(self, message: str, remaining: Sequence[Item] = ()) -> None:
        super().__init__(message)
        self.remaining = tuple(remaining)
        """What is left in the cluster."""


class Drainable(Protocol):
    """A cluster to be drained. Both raise drain_cluster.Silent and drain_cluster.Refused."""

    def find(self, kind: Kind, namespaces: Iterable[str] | None = None) -> list[Document]:
        """All objects of a kind: in some namespaces, or in all."""

    def do(self, action: Action) -> None:
        """Deletes an object, or takes a controller's pods away."""


@dataclass(kw_only=True)
class Draining:
    """How one cluster is drained."""

    name: str
    """What a person calls the cluster."""
    teams: Sequence[str]
    """Namespaces whose workloads are ended."""
    seconds: float
    """The time limit for all of it."""
    is_gone: Callable[[], bool]
    """Asks the cloud whether there is no such cluster any more."""
    tell: Callable[[str], None]
    """Prints a line for the user."""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _silent_since: float | None = field(default=None, init=False)
    _told: tuple[str, float] = field(default=("", 0.0), init=False)

    def connected(self, connect: Callable[[], Drainable]) -> Drainable:
        """The cluster as soon as it answers. Raises ClusterGone and DrainError."""
        while True:
            try:
                cluster = connect()
            except Silent as silent:
                self._wait_in_silence(silent)
            except Refused as refused:
                raise self._refused(refused) from None
            else:
                self._silent_since = None
                return cluster

    def drain(self, cluster: Drainable) -> None:
        """Raises DrainError with what remains at the time limit; ClusterGone where the cluster went meanwhile."""
        ends = self.clock() + self.seconds
        for number, stage in enumerate(STAGES):
            try:
                while (remaining := self._round(cluster, stage)) != []:
                    if remaining is not None and self.clock() >= ends:
                        raise self._late([*remaining, *self._rest(cluster, STAGES[number + 1 :])])
                    self.pause(POLL_SECONDS)
            except Refused as refused:
                raise self._refused(refused) from None

    def _round(self, cluster: Drainable, stage: Stage) -> list[Item] | None:
        """Looks, acts, and says what remains; None where the cluster does not answer."""
        try:
            world = self._world(cluster, stage, stage.kinds)
            remaining = stage.remaining(world)
            if remaining:
                self._progress(stage, remaining)
                for action in stage.actions(world | self._world(cluster, stage, stage.holders)):
                    cluster.do(action)
        except Silent as silent:
            self._wait_in_silence(silent)
            return None
        self._silent_since = None
        return remaining

    def _world(self, cluster: Drainable, stage: Stage, kinds: Iterable[Kind]) -> dict[Kind, list[Document]]:
        return {kind: cluster.find(kind, self.teams if stage.of_teams else None) for kind in kinds}

    def _rest(self, cluster: Drainable, stages: Sequence[Stage]) -> list[Item]:
        try:
            return [item for stage in stages for item in stage.remaining(self._world(cluster, stage, stage.kinds))]
        except Silent:
            return []

    def _progress(self, stage: Stage, remaining: Sequence[Item]) -> None:
        said, at = self._told
        if stage.name == said and self.clock() - at < REPEAT_SECONDS:
            return
        self._told = (stage.name, self.clock())
        more = f", and {len(remaining) - _NAMED} more" if len(remaining) > _NAMED else ""
        named = ", ".join(str(item) for item in remaining[:_NAMED])
        self.tell(f"draining {self.name}: {stage.name}: {len(remaining)} to go: {named}{more}")

    def _wait_in_silence(self, silent: Silent) -> None:
        now = self.clock()
        first = self._silent_since is None
        self._silent_since = now if self._silent_since is None else self._silent_since
        late = now - self._silent_since >= min(SILENCE_SECONDS, self.seconds)
        if (first or late) and self.is_gone():
            raise ClusterGone from None
        if first:
            self.tell(f"draining {self.name}: the cluster does not answer: {silent}")
        if late:
            raise DrainError(
                f"The cluster {self.name} does not answer, so it cannot be drained: {silent}. Destroy it from where "
                "its control plane is reached. Without draining, what it made in the cloud by itself (load balancers, "
                "volumes, nodes) would be left behind: where that is wanted, remove the resource from the state with "
                "`pulumi state delete` and destroy again."
            ) from None
        self.pause(POLL_SECONDS)

    def _refused(self, refused: Refused) -> DrainError:
        return DrainError(
            f"The cluster {self.name} cannot be drained: {refused}. Whoever destroys it has to administer it, and "
            "needs the command that its kubeconfig names for a token."
        )

    def _late(self, remaining: Sequence[Item]) -> DrainError:
        return DrainError(
            f"The cluster {self.name} is not drained after {self.seconds / 60:g} minutes, so nothing below it is "
            "deleted. Find out what holds these, and destroy again:\n" + "\n".join(f"  - {item}" for item in remaining),
            remaining,
        )
