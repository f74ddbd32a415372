"""A worker's side of the parameter servers: what a training loop calls."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from trainyard_training.choices import Optimization
from trainyard_training.failures import DivergedError, WorkerLostError
from trainyard_training.strategies.parameter_servers.flat import FlatModel
from trainyard_training.strategies.parameter_servers.link import Header, Kind, Link
from trainyard_training.strategies.parameter_servers.part import moments_of
from trainyard_training.strategies.parameter_servers.shares import cut


class ParameterServers:
    """All servers, as one worker sees them. ``pull`` and ``push`` alternate, and ``finish`` comes last.

    Every call raises ``WorkerLostError`` where another process of the group is gone.
    """

    def __init__(self, link: Link, model: nn.Module, optimization: Optimization, *, staleness: int) -> None:
        """
        :param model: On the worker's device; equal on all workers but for its values, which ``start`` makes equal.
        :param staleness: Steps that this worker may be ahead of the slowest.

        Raises:
            ValueError: there are fewer parameters than servers.
        """
        self._link = link
        self._flat = FlatModel(model)
        self._moments = moments_of(optimization)
        self._staleness = staleness
        self._parts = dict(zip(link.roles.server_ranks, cut(self._flat.length, link.roles.servers), strict=True))
        self._sending: list[tuple[int, list[dist.Work]]] = []
        self._stop_step = -1
        self.step = 0
        """Steps that this worker has made: also its position in the data."""
        self.met = False
        """Whether the last ``pull`` has met the other workers."""

    def start(self, step: int = 0, tensors: Mapping[str, Any] | None = None) -> None:
        """Give the servers what to begin with. All workers call it, and wait for the first one's values.

        :param step: Steps made before, of which the first worker's counts.
        :param tensors: The first worker's: what ``state`` returned; None: its model as it is.
        """
        if self._link.roles.is_first:
            if tensors is None:
                parameters = self._flat.take_parameters()
                vectors, updates = torch.stack([parameters] + [torch.zeros_like(parameters)] * len(self._moments)), 0
            else:
                vectors, updates = self._flat.flat(tensors, self._moments)
            for rank, part in self._parts.items():
                mine = vectors[:, part].contiguous()
                self._send(rank, Header(Kind.SET, step, updates=updates, length=mine.shape[1]), mine)
            self._wait_for_sending()
        for rank in self._parts:
            self._send(rank, Header(Kind.JOIN))
        answers = [self._answer(rank) for rank in self._parts]
        self.step = answers[0].step
        self._wait_for_sending()
        self._share_buffers()

    def pull(self, *, meets: bool = False, stop: bool = False) -> bool:
        """Wait until this worker may make its next step, and bring the parameters for it into the model.

        :param meets: Whether all workers come together before this step, which each of them has to say of the same
            steps: then all have the same model, with the parameters after all steps before this one and the first
            worker's buffers, and the first worker can ask for the ``state``.
        :param stop: Ask all workers to stop: at the first step that none of them has started.

        Returns:
            Whether this is the step to stop at. Then all workers have come together, as with ``meets``, and none makes
            this step; no gradient is lost.
        """
        stops = self._pull(meets or self.step == self._stop_step, stop)
        if stops and not self.met:
            self._pull(True, False)
        if self.met:
            self._share_buffers()
        return stops

    def push(self) -> None:
        """Send the model's gradients, which are gone from it then, and count the step."""
        gradients = self._flat.take_gradients()
        for rank, part in self._parts.items():
            self._send(rank, Header(Kind.PUSH, self.step), gradients[part])
        self.step += 1

    def state(self) -> dict[str, Any]:
        """The tensors of a checkpoint, on the CPU: after exactly ``step`` steps of every worker.

        They have the form of ``Learner.tensors``, so that any number of servers and workers can go on from them. Only
        the first worker may ask, between a ``pull`` that met the others and the next ``push``; the others may go on
        meanwhile.

        Raises:
            DivergedError: a parameter is no longer a finite number.
        """
        assert self._link.roles.is_first
        assert self.met
        parts = []
        updates = 0
        for rank, part in self._parts.items():
            vectors = torch.empty(1 + len(self._moments), part.stop - part.start)
            self._send(rank, Header(Kind.STATE))
            receiving = self._link.receive_payload(rank, vectors)
            updates = self._answer(rank).updates
            self._link.wait(rank, receiving)
            parts.append(vectors)
        self._wait_for_sending()
        whole = torch.cat(parts, dim=1)
        if not bool(torch.isfinite(whole[0]).all()):
            raise DivergedError(f"a parameter is not a finite number after step {self.step}")
        return self._flat.named(list(whole), self._moments, updates)

    def finish(self) -> None:
        """Leave, and wait until all workers have left; the model is then the last one, the same on all workers.

        Servers end with it. A worker that has left does not hold back the others.
        """
        self._receive_parameters(Header(Kind.LEAVE))
        self._flat.load()
        self._share_buffers()

    def _pull(self, meets: bool, stop: bool) -> bool:
        ahead = 0 if meets else self._staleness
        first = self._receive_parameters(Header(Kind.PULL, self.step, ahead=ahead, meets=meets, stop=stop))
        # Only the first server's word counts: others may have seen the requests to stop in another order.
        self._stop_step = first.stop
        self.met = meets
        self._flat.load()
        return self.step == self._stop_step

    def _receive_parameters(self, request: Header) -> Header:
        """Ask all servers for their parts at once; returns the first one's answer."""
        receiving = {}
        for rank, part in self._parts.items():
            self._send(rank, request)
            receiving[rank] = self._link.receive_payload(rank, self._flat.parameters[part])
        answers = []
        for rank, works in receiving.items():
            answers.append(self._answer(rank))
            self._link.wait(rank, works)
        self._wait_for_sending()
        return answers[0]

    def _answer(self, rank: int) -> Header:
        while True:
            header = self._link.receive(rank)
            if header.kind == Kind.GONE:
                raise WorkerLostError(f"{self._link.roles.name(header.rank)} is gone; its own message says why")
            if header.kind == Kind.READY:
                return header

    def _send(self, rank: int, header: Header, payload: Tensor | None = None) -> None:
        self._sending.append((rank, self._link.send(rank, header, payload)))

    def _wait_for_sending(self) -> None:
        # Never before the answer: a server that knows of a lost process takes nothing more.
        for rank, works in self._sending:
            self._link.wait(rank, works)
        self._sending.clear()

    def _share_buffers(self) -> None:
        for buffer in self._flat.buffers():
            # As bytes, which gloo knows, whatever the buffer's type.
            shared = buffer.detach().cpu().reshape(-1).clone()
            with self._link.present(0):
                dist.broadcast(shared.view(torch.uint8), src=0, group=self._link.workers_group)
            buffer.copy_(shared.view_as(buffer))
