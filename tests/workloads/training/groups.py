"""Groups of real worker processes for tests, forked from one that has imported PyTorch."""

import multiprocessing
import queue
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from tests.workloads.training.copies import PRELOAD
from trainyard_training.workers import Workers

_SECONDS = 120
_TIMEOUT = timedelta(seconds=60)


def run_group(directory: Path, count: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What ``function(workers, *arguments)`` returns on each of ``count`` workers, in the order of their ranks.

    :param directory: An empty one, where the workers find each other.
    Raises AssertionError with the traceback of a worker's error.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    results: Queue[tuple[int, Any, str]] = context.Queue()
    place = directory / f"group-{count}-{function.__name__}"
    processes = [
        context.Process(target=_work, args=(str(place), rank, count, results, function, arguments))
        for rank in range(count)
    ]
    for process in processes:
        process.start()
    try:
        found: dict[int, Any] = {}
        while len(found) < count:
            try:
                rank, value, error = results.get(timeout=_SECONDS)
            except queue.Empty:
                raise AssertionError(f"only the workers {sorted(found)} of {count} have answered") from None
            assert not error, f"worker {rank}:\n{error}"
            found[rank] = value
        return [found[rank] for rank in range(count)]
    finally:
        for process in processes:
            process.join(timeout=5)
            process.kill()
            process.join()
        results.close()
        place.unlink(missing_ok=True)


def _work(
    place: str,
    rank: int,
    count: int,
    results: "Queue[tuple[int, Any, str]]",
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    torch.set_num_threads(1)
    try:
        store = dist.FileStore(place, count)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=_TIMEOUT)
        try:
            value = function(Workers(rank, count, torch.device("cpu")), *arguments)
        finally:
            dist.destroy_process_group()
    except BaseException:
        results.put((rank, None, traceback.format_exc()))
    else:
        results.put((rank, value, ""))
