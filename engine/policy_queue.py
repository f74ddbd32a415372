"""Has a policy pack judge resources in the background, in their order, while a preview goes on.

Nothing waits for a verdict in a preview. The pack is asked in a thread of its own, about many resources at once: as
every call takes its time from the program, which runs in the same process.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.analyzers import PolicyPack
from engine.events import PolicyViolation
from engine.policy_project import PolicyPackError

if TYPE_CHECKING:
    from pulumi.runtime.proto.analyzer_pb2 import AnalyzeRequest

_FEWEST, _MOST = 100, 1000
"""How many resources a pack is asked about at once; at the end also fewer."""
_LOOK_SECONDS = 0.05


class PolicyQueue:
    """The resources that one pack has yet to judge, and what it has said of others."""

    def __init__(self, pack: PolicyPack) -> None:
        self.pack = pack
        self._waiting: list[AnalyzeRequest] = []
        self._complete = False
        self._changed = threading.Condition()
        self._verdicts: list[list[PolicyViolation]] = []
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._judge, name="policy-queue", daemon=True)
        self._thread.start()

    def add(self, request: "AnalyzeRequest") -> None:
        """Has the pack judge a resource, some time. Raises PolicyPackError once it is closed."""
        with self._changed:
            if self._complete:
                raise PolicyPackError(f"{request.urn} came after the end of the program: no policy has judged it")
            self._waiting.append(request)
            if len(self._waiting) >= _FEWEST:
                self._changed.notify()

    def close(self) -> None:
        """Nothing will be added any more."""
        with self._changed:
            self._complete = True
            self._changed.notify()

    def wait(self, stop: Callable[[], bool]) -> bool:
        """Waits, once it is closed, until all are judged, or the pack has failed; False where told to `stop` before."""
        while self._thread.is_alive():
            if stop():
                return False
            self._thread.join(_LOOK_SECONDS)
        return True

    @property
    def verdicts(self) -> Sequence[list[PolicyViolation]]:
        """What the pack objects to, by resource in the order of `add`; where it has failed, up to there."""
        return self._verdicts

    @property
    def failure(self) -> Exception | None:
        """Why the pack could not start, or judge the resource after those of which there are verdicts."""
        return self._failure

    def _judge(self) -> None:
        try:
            self.pack.ready()
            while requests := self._next():
                for verdict in self.pack.analyze_all(requests):
                    self._verdicts.append(verdict)
        except Exception as error:
            # Whatever it is, it is told at the end: no verdict must ever be missing without a word.
            self._failure = error

    def _next(self) -> "Sequence[AnalyzeRequest]":
        """The next resources to be judged; none when all are."""
        with self._changed:
            while len(self._waiting) < _FEWEST and not self._complete:
                self._changed.wait()
            requests, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            return requests
