"""Groups of workers and parameter servers in real processes, some of which may be meant to die."""

import multiprocessing
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from tests.workloads.training.copies import PRELOAD
from trainyard_training.choices import Optimization
from trainyard_training.strategies.parameter_servers.link import Link, join
from trainyard_training.strategies.parameter_servers.server import serve

_END_SECONDS = 60.0


@dataclass(frozen=True)
class Setting:
    """What workers and servers have to agree on."""

    optimization: Optimization
    learning_rate: float
    total_steps: int
    staleness: int = 0
    timeout_seconds: float = 30.0


@dataclass(frozen=True)
class Outcome:
    """How one process ended."""

    exit_code: int | None
    value: Any = None
    error: str = ""
    """The error's class and message; empty without an error."""


Scenario = Callable[..., Any]


def run_group(
    directory: Path, workers: int, servers: int, setting: Setting, scenario: Scenario, *arguments: Any
) -> list[Outcome]:
    """Run ``scenario(link, setting, store, *arguments)`` on each worker, beside servers; how each process ended.

    :param directory: Where the processes meet and leave what they return; of this run alone.
    """
    directory.mkdir()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    world = workers + servers
    processes = [
        context.Process(target=_run, args=(directory, rank, world, servers, setting, scenario, arguments))
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join(_END_SECONDS)
        return [_outcome(directory / str(rank), process.exitcode) for rank, process in enumerate(processes)]
    finally:
        for process in processes:
            process.kill()
            process.join()


def values(outcomes: list[Outcome], workers: int) -> list[Any]:
    """What the workers returned; no process may have failed."""
    assert [(outcome.error, outcome.exit_code) for outcome in outcomes] == [("", 0)] * len(outcomes)
    return [outcome.value for outcome in outcomes[:workers]]


def _outcome(path: Path, exit_code: int | None) -> Outcome:
    if not path.exists():
        return Outcome(exit_code)
    value, error = pickle.loads(path.read_bytes())  # noqa: S301  # A process of this test has written them.
    return Outcome(exit_code, value, error)


def _run(
    directory: Path, rank: int, world: int, servers: int, setting: Setting, scenario: Scenario, arguments: Any
) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    store = dist.FileStore(str(directory / "store"), world)
    value, message = None, ""
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=timedelta(seconds=30))
    try:
        with join(servers, timedelta(seconds=setting.timeout_seconds)) as link:
            value = _play(link, setting, dist.PrefixStore("scenario", store), scenario, arguments)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    (directory / f"{rank}.new").write_bytes(pickle.dumps((value, message)))
    (directory / f"{rank}.new").rename(directory / str(rank))
    dist.destroy_process_group()


def _play(link: Link, setting: Setting, store: dist.Store, scenario: Scenario, arguments: Any) -> Any:
    if link.roles.is_server:
        store.set(f"process-of-{link.roles.rank}", str(os.getpid()))
        serve(link, setting.optimization, learning_rate=setting.learning_rate, total_steps=setting.total_steps)
        return None
    return scenario(link, setting, store, *arguments)
