"""Messages between workers and servers: point-to-point operations of a gloo group.

Of PyTorch's two means for this, ``torch.distributed.rpc`` is in maintenance mode, and runs what whoever reaches its
port sends it, pickled. gloo moves tensors and nothing else, and tells at once when the other process ends.

Every message is a header of whole numbers, some with a payload of float32 numbers after it, under a tag of its own, so
that its buffer can be given before the header is there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from trainyard_training.failures import WorkerLostError
from trainyard_training.strategies.parameter_servers.roles import Roles

_HEADER_TAG, _PAYLOAD_TAG = 1, 2


class Kind(IntEnum):
    """What a message is. Requests go from workers to servers, each but ``SET`` and ``PUSH`` is answered."""

    SET = 1
    """Hold this state, from the first worker: ``step``, ``updates``, ``length``; payload: parameters, moments."""
    JOIN = 2
    """Tell the ``step`` to begin with."""
    PULL = 3
    """Tell the parameters, payload of the answer, as soon as ``step`` may start: see ``ahead``, ``meets``, ``stop``."""
    PUSH = 4
    """Apply this gradient, the payload."""
    STATE = 5
    """Tell the state of the last meeting: answered as ``SET`` is asked."""
    LEAVE = 6
    """This worker makes no more steps; answered with the last parameters when all workers have left."""
    READY = 11
    """The answer."""
    WAIT = 12
    """The answer takes longer: wait for it anew."""
    GONE = 13
    """There will be no answer: the process ``rank`` is gone."""


class Header(NamedTuple):
    """The numbers of a message; those that its kind does not name are 0."""

    kind: int
    step: int = 0
    ahead: int = 0
    """Steps that the asking worker may be before the slowest one."""
    meets: int = 0
    """1: all workers come together at this step."""
    stop: int = 0
    """Of a request, 1: this worker was asked to stop. Of an answer: the step that no worker starts, or -1."""
    updates: int = 0
    length: int = 0
    rank: int = 0


class Link:
    """This process's connections to the others. Several threads may use it, each for another process."""

    def __init__(
        self, roles: Roles, timeout: timedelta, group: dist.ProcessGroup, workers_group: dist.ProcessGroup
    ) -> None:
        self.roles = roles
        self.timeout = timeout
        self._group = group
        self.workers_group = workers_group
        """The workers alone, for what they do together."""

    def send(self, rank: int, header: Header, payload: Tensor | None = None) -> "list[dist.Work]":
        """Begin to send; the payload may not change before ``wait``."""
        with self.present(rank):
            works = [dist.isend(torch.tensor(header), rank, self._group, _HEADER_TAG)]
            if payload is not None:
                works.append(dist.isend(payload, rank, self._group, _PAYLOAD_TAG))
        return [work for work in works if work is not None]

    def receive(self, rank: int) -> Header:
        """Wait for a header; what its kind says of a payload comes through ``receive_payload``.

        Raises:
            WorkerLostError: that process is gone, or was silent for the whole timeout.
        """
        numbers = torch.zeros(len(Header._fields), dtype=torch.int64)
        with self.present(rank):
            dist.recv(numbers, rank, self._group, _HEADER_TAG)
        return Header(*(int(number) for number in numbers))

    def receive_payload(self, rank: int, buffer: Tensor) -> "list[dist.Work]":
        """Begin to receive a payload into ``buffer``."""
        with self.present(rank):
            work = dist.irecv(buffer, rank, self._group, _PAYLOAD_TAG)
        return [] if work is None else [work]

    def wait(self, rank: int, works: "list[dist.Work]") -> None:
        """Wait for what was begun with ``rank``.

        Raises:
            WorkerLostError: that process is gone, or was silent for the whole timeout.
        """
        with self.present(rank):
            for work in works:
                work.wait()

    @contextmanager
    def present(self, rank: int) -> Iterator[None]:
        """Tell the end of process ``rank``, of which PyTorch knows many errors, as one."""
        try:
            yield
        except RuntimeError as error:
            raise WorkerLostError(
                f"{self.roles.name(rank)} is gone or did not answer within {self.timeout.total_seconds():g} s;"
                " its own message says why"
            ) from error


@contextmanager
def join(servers: int, timeout: timedelta) -> Iterator[Link]:
    """Connect the processes of the default group, of which the last ``servers`` become servers. All have to call it.

    :param timeout: So long a process may be silent, with one step to make or a state to save, before it counts as lost.

    Raises:
        ValueError: there are too few processes for so many servers.
        WorkerLostError: another process is gone.
    """
    roles = Roles(dist.get_rank(), dist.get_world_size(), servers)
    try:
        group = dist.new_group(backend="gloo", timeout=timeout)
        workers_group = dist.new_group(list(roles.worker_ranks), backend="gloo", timeout=timeout)
    except RuntimeError as error:
        raise WorkerLostError("another process is gone; its own message says why") from error
    try:
        yield Link(roles, timeout, group, workers_group)
    finally:
        # Closes the connections, by which the others see that this process has ended, whatever it does afterwards.
        dist.destroy_process_group(group)
        if not roles.is_server:
            dist.destroy_process_group(workers_group)
