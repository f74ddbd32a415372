"""What a parameter server does: it holds its part and answers the workers until all of them have left.

Each worker has a thread of its own, which waits for the worker's next request, so that the end of a worker shows at
once and a slow connection holds up nobody else. One lock orders what they do to the part.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from trainyard_training.choices import Optimization
from trainyard_training.failures import WorkerLostError
from trainyard_training.strategies.parameter_servers.clocks import Clocks
from trainyard_training.strategies.parameter_servers.link import Header, Kind, Link
from trainyard_training.strategies.parameter_servers.part import Part, moments_of

_Taken = TypeVar("_Taken")
# A worker that is kept waiting hears of it so many times within the timeout, and does not take the server for lost.
_SIGNS_OF_LIFE = 3


def serve(link: Link, optimization: Optimization, *, learning_rate: float, total_steps: int) -> None:
    """Hold a part of the parameters until all workers have left.

    :param learning_rate: Of one step over the whole global batch; ``part`` says what an update makes of it.
    :param total_steps: Steps of each worker in the whole training.

    Raises:
        WorkerLostError: a worker is gone without having left. The other ones are told.
    """
    server = _Server(link, optimization, learning_rate, total_steps)
    # Daemons: an error that ends this thread must not leave a process that waits for workers.
    threads = [
        threading.Thread(target=server.attend, args=(worker,), name=f"worker-{worker}", daemon=True)
        for worker in link.roles.worker_ranks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if server.failure is not None:
        raise server.failure


@dataclass(frozen=True)
class _Meeting:
    """The part after the same steps of every worker."""

    step: int
    updates: int
    vectors: Tensor


class _Server:
    def __init__(self, link: Link, optimization: Optimization, learning_rate: float, total_steps: int) -> None:
        self._link = link
        self._optimization = optimization
        self._learning_rate = learning_rate
        self._total_steps = total_steps
        self._changed = threading.Condition()
        self._held: tuple[Part, Clocks] | None = None
        self._meeting: _Meeting | None = None
        self._next_meeting: int | None = None
        self._left: set[int] = set()
        self.failure: Exception | None = None
        self._lost = link.roles.rank

    def attend(self, worker: int) -> None:
        """Answer one worker's requests until it leaves or somebody is lost."""
        try:
            leaving = False
            while not leaving:
                request = self._link.receive(worker)
                if self.failure is not None:
                    raise self.failure
                leaving = request.kind == Kind.LEAVE
                self._do(worker, request)
        except Exception as error:
            self._fail(worker, error)

    def _fail(self, worker: int, error: Exception) -> None:
        with self._changed:
            if self.failure is None:
                self.failure = error
                self._lost = worker if isinstance(error, WorkerLostError) else self._link.roles.rank
            lost = self._lost
            self._changed.notify_all()
        if lost != worker:
            try:
                self._link.wait(worker, self._link.send(worker, Header(Kind.GONE, rank=lost)))
            except WorkerLostError:
                return  # It is gone, too.

    def _do(self, worker: int, request: Header) -> None:
        if request.kind == Kind.SET:
            self._set(worker, request)
        elif request.kind == Kind.JOIN:
            self._answer(worker, *self._when(worker, lambda: self._held is not None, self._beginning))
        elif request.kind == Kind.PULL:
            self._pull(worker, request)
        elif request.kind == Kind.PUSH:
            self._push(worker)
        elif request.kind == Kind.STATE:
            with self._changed:
                meeting = self._meeting
            assert meeting is not None
            header = Header(Kind.READY, meeting.step, updates=meeting.updates)
            self._answer(worker, header, meeting.vectors)
        elif request.kind == Kind.LEAVE:
            self._leave(worker)
        else:
            raise ValueError(f"a message of kind {request.kind} from worker {worker}")

    def _set(self, worker: int, request: Header) -> None:
        vectors = torch.empty(1 + len(moments_of(self._optimization)), request.length)
        self._link.wait(worker, self._link.receive_payload(worker, vectors))
        workers = self._link.roles.workers
        part = Part(
            vectors,
            request.updates,
            step=request.step,
            workers=workers,
            optimization=self._optimization,
            learning_rate=self._learning_rate,
            total_steps=self._total_steps,
        )
        with self._changed:
            self._held = part, Clocks(workers, request.step)
            self._changed.notify_all()

    def _beginning(self) -> tuple[Header, None]:
        return Header(Kind.READY, int(self._clocks.slowest)), None

    def _pull(self, worker: int, request: Header) -> None:
        with self._changed:
            if request.stop:
                self._clocks.request_stop()
            if request.meets and (self._meeting is None or self._meeting.step != request.step):
                self._next_meeting = request.step
                self._meet_if_due()

        def take() -> tuple[Header, Tensor]:
            self._clocks.start(request.step)
            stop = -1 if self._clocks.stop_step is None else self._clocks.stop_step
            if not request.meets:
                return Header(Kind.READY, request.step, stop=stop), self._part.parameters()
            assert self._meeting is not None
            return Header(Kind.READY, request.step, stop=stop), self._meeting.vectors[0]

        self._answer(worker, *self._when(worker, lambda: self._clocks.may_start(request.step, request.ahead), take))

    def _push(self, worker: int) -> None:
        # A new one each time: the optimiser keeps the last one as its parameter's gradient.
        gradient = torch.empty(self._part.length)
        self._link.wait(worker, self._link.receive_payload(worker, gradient))
        with self._changed:
            self._part.apply(gradient)
            self._clocks.advance(worker)
            self._meet_if_due()
            self._changed.notify_all()

    def _leave(self, worker: int) -> None:
        with self._changed:
            self._clocks.finish(worker)
            self._left.add(worker)
            self._meet_if_due()
            self._changed.notify_all()

        def take() -> tuple[Header, Tensor]:
            return Header(Kind.READY), self._part.parameters()

        self._answer(worker, *self._when(worker, lambda: len(self._left) == self._link.roles.workers, take))

    def _meet_if_due(self) -> None:
        """Keep a copy for the meeting as soon as all have made the steps before it.

        No worker goes on from a meeting before all have come to it, so that at this moment none has made more.
        """
        step = self._next_meeting
        if step is not None and self._clocks.slowest >= step:
            self._meeting = _Meeting(step, self._part.updates, self._part.vectors())
            self._next_meeting = None

    def _when(self, worker: int, is_ready: Callable[[], bool], take: Callable[[], _Taken]) -> _Taken:
        """What ``take`` returns as soon as ``is_ready``; both are called under the lock.

        Raises:
            WorkerLostError, or what else has befallen another thread meanwhile.
        """
        pause = self._link.timeout.total_seconds() / _SIGNS_OF_LIFE
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self.failure is not None or is_ready(), pause):
                    if self.failure is not None:
                        raise self.failure
                    return take()
            self._answer(worker, Header(Kind.WAIT), None)

    def _answer(self, worker: int, header: Header, payload: Tensor | None) -> None:
        self._link.wait(worker, self._link.send(worker, header, payload))

    @property
    def _part(self) -> Part:
        assert self._held is not None
        return self._held[0]

    @property
    def _clocks(self) -> Clocks:
        assert self._held is not None
        return self._held[1]
