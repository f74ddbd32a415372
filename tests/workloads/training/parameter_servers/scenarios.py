"""What workers of the tests do. Functions of a module, so that other processes find them."""

import os
import signal
import time
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from tests.workloads.training.parameter_servers.processes import Setting
from trainyard_training.choices import Optimization
from trainyard_training.learner import make_optimizer, make_schedule
from trainyard_training.strategies.parameter_servers.link import Link
from trainyard_training.strategies.parameter_servers.training import train_asynchronously
from trainyard_training.strategies.parameter_servers.worker import ParameterServers

BATCH = 64


class Digits(nn.Module):
    """A small network with a buffer, as batch normalisation has."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        # A bias that batch normalisation takes away again has no gradient but that of rounding, and so no value that
        # two ways to train could agree on.
        self.layers = nn.Sequential(nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(images)
        return logits


class Counter(nn.Module):
    """Seven parameters that all count gradients of 1 down, at ``COUNTING``."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = nn.ParameterList([nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, 2))])

    def add(self) -> float:
        for count in self.counts:
            count.grad = torch.ones_like(count)
        return 0.0

    def read(self) -> set[int]:
        return {-round(float(number)) for count in self.counts for number in count.detach().flatten()}


COUNTING = Optimization(optimizer="sgd", momentum=0.0, weight_decay=0.0, schedule="constant")


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)


def batch_loss(model: nn.Module, step: int, worker: int, workers: int) -> float:
    """Loss and gradients of a worker's part of a step's batch; the last 297 images are kept for testing."""
    images, labels = digits()
    generator = torch.Generator().manual_seed(step)
    mine = torch.randperm(1500, generator=generator)[:BATCH][worker::workers]
    model.zero_grad()
    loss = cross_entropy(model(images[mine]), labels[mine])
    loss.backward()
    return loss.item()


def train_digits(
    link: Link, setting: Setting, _store: dist.Store, start: tuple[int, Any] | None, keep_at: int
) -> dict[str, Any]:
    """Train from the beginning or from ``start``; keeps the state after ``keep_at`` steps."""
    model = Digits()
    if not link.roles.is_first:
        for parameter in model.parameters():
            nn.init.zeros_(parameter)  # What the others begin with is the first worker's.
    servers = ParameterServers(link, model, setting.optimization, staleness=setting.staleness)
    servers.start(*(start or (0, None)))
    kept: list[Any] = []
    buffers: list[torch.Tensor] = []
    losses: list[float] = []

    def meet(step: int) -> None:
        buffers.append(model.layers[1].running_mean.clone())
        if step == keep_at and link.roles.is_first:
            kept.append(servers.state())

    train_asynchronously(
        servers,
        setting.total_steps,
        compute_gradients=lambda step: batch_loss(model, step, link.roles.rank, link.roles.workers),
        report=lambda loss, _step: losses.append(loss),
        should_stop=lambda: None,
        meets=lambda step: step == keep_at,
        meet=meet,
        before_finish=lambda: None,
    )
    images, labels = digits()
    model.eval()
    with torch.no_grad():
        accuracy = float((model(images[1500:]).argmax(dim=1) == labels[1500:]).float().mean())
    return {"losses": losses, "weights": model.state_dict(), "accuracy": accuracy, "kept": kept, "buffers": buffers}


def train_digits_beside_plain_training(link: Link, setting: Setting, *arguments: Any) -> dict[str, Any]:
    """As ``train_digits``, and what one process without servers makes of it: ``plain_losses``, ``plain_weights``."""
    model = Digits()
    optimizer = make_optimizer(model, setting.optimization, setting.learning_rate)
    schedule = make_schedule(optimizer, setting.optimization, setting.learning_rate, setting.total_steps)
    losses = []
    for step in range(setting.total_steps):
        losses.append(batch_loss(model, step, 0, 1))
        optimizer.step()
        schedule.step()
    found = train_digits(link, setting, *arguments)
    return {**found, "plain_losses": losses, "plain_weights": model.state_dict()}


def count_with_a_slow_worker(link: Link, setting: Setting, store: dist.Store) -> dict[str, Any]:
    """Worker 1 waits in its step 3 until worker 0 is as far ahead as it may be, and looks whether it goes further."""
    model = Counter()
    servers = ParameterServers(link, model, setting.optimization, staleness=setting.staleness)
    servers.start()
    gaps, seen, beyond = [], [], None
    for step in range(setting.total_steps):
        servers.pull()
        seen.append(model.read())
        store.add(f"started-by-{link.roles.rank}", 1)
        gaps.append(store.add("started-by-0", 0) - 1 - step)
        if link.roles.rank == 0:
            store.set(f"start-of-{step}", "")
        elif step == 3:
            store.wait([f"start-of-{step + setting.staleness}"])
            time.sleep(0.3)
            beyond = store.check([f"start-of-{step + setting.staleness + 1}"])
        model.add()
        servers.push()
    servers.finish()
    return {"gaps": gaps, "seen": seen, "beyond": beyond, "final": model.read()}


def count_at_different_speeds(link: Link, setting: Setting, _store: dist.Store, pause: float) -> set[int]:
    """Worker 1 takes so many seconds for each step, worker 0 none, and waits for the other at the end."""
    model = Counter()
    servers = ParameterServers(link, model, setting.optimization, staleness=setting.staleness)
    servers.start()
    for _ in range(setting.total_steps):
        servers.pull()
        time.sleep(pause if link.roles.rank else 0.0)
        model.add()
        servers.push()
    servers.finish()
    return model.read()


def count_with_meetings(
    link: Link, setting: Setting, _store: dist.Store, every: int, stop_at: int, verdict_at: int
) -> dict[str, Any]:
    """Meet every so many steps; worker 1 is asked to stop before its step ``stop_at``."""
    model = Counter()
    servers = ParameterServers(link, model, setting.optimization, staleness=setting.staleness)
    servers.start()
    meetings: list[tuple[int, set[int]]] = []
    ends: list[set[int]] = []

    def meet(step: int) -> str | None:
        seen = model.read()
        if link.roles.is_first:
            time.sleep(0.02)  # So long the others go on.
            state = servers.state()
            whole = Counter()
            whole.load_state_dict(state["model"])
            updates = {int(each["step"]) for each in state["optimizer"].values()}
            assert seen == updates
            seen = whole.read()
        meetings.append((step, seen))
        return "good enough" if step == verdict_at else None

    reason = train_asynchronously(
        servers,
        setting.total_steps,
        compute_gradients=lambda _step: model.add(),
        report=lambda _loss, _step: None,
        should_stop=lambda: "asked" if link.roles.rank == 1 and servers.step >= stop_at else None,
        meets=lambda step: step % every == 0,
        meet=meet,
        before_finish=lambda: ends.append(model.read()),
    )
    return {"step": servers.step, "reason": reason, "meetings": meetings, "ends": ends}


def lose_a_process(link: Link, setting: Setting, store: dist.Store, how: str) -> None:
    """In step 3 of worker 0 it or a server ends, in one way or another."""
    model = Counter()
    servers = ParameterServers(link, model, setting.optimization, staleness=setting.staleness)
    servers.start()
    for step in range(setting.total_steps):
        servers.pull()
        if link.roles.rank == 0 and step == 3:
            if how == "waited for":
                store.wait([f"start-of-{step + setting.staleness}"])
                time.sleep(0.1)
                os._exit(9)
            if how == "killed":
                os._exit(9)
            if how == "silent":
                time.sleep(2 * setting.timeout_seconds)
            if how == "server":
                os.kill(int(store.get(f"process-of-{link.roles.server_ranks[1]}")), signal.SIGKILL)
            if how == "error":
                raise ArithmeticError("of its own")
        if link.roles.rank == 1:
            store.set(f"start-of-{step}", "")
        model.add()
        servers.push()
    servers.finish()
