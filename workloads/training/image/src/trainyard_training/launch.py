"""torchrun for this package: the same agent, a faster start, and an exit code that tells how the workers ended.

``python -m trainyard_training.launch --standalone --nproc-per-node=2 -m trainyard_training JOB.json`` takes torchrun's
arguments, of which the last is the job file. torchrun forwards SIGTERM to its workers and gives them 30 s
(``--shutdown-timeout``) for a last checkpoint, but then exits with 1 whatever they did; this exits with
``exit_status``'s code, so that a platform can tell "run me again" from "broken".

With ``--standalone`` agent and workers listen on the loopback interface only, where torchrun would listen on all of
them and believe what it is sent: whoever reaches its stores can make it unpickle bytes of theirs.

Starting takes longer than training a small model, since every process imports PyTorch and its compiler, which the
optimisers need. So on Linux the workers are forked from one process that imports both while the agent starts.
"""

import logging
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from trainyard_artifacts.specification import load_specification
from trainyard_training.exit_status import STATUS_FILE_VARIABLE, ExitStatus, record, recorded
from trainyard_training.failures import report_failures
from trainyard_training.interruption import STOP_SIGNALS
from trainyard_training.specification import TrainingSpecification
from trainyard_training.worker import is_published, main_as_function

if TYPE_CHECKING:
    from torch.distributed.elastic.rendezvous import RendezvousHandler, RendezvousParameters

# Elsewhere forking after such imports is not safe: macOS's own libraries start threads.
_START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
_LOOPBACK = "127.0.0.1"
_LOOPBACK_INTERFACE = "lo0" if sys.platform == "darwin" else "lo"
_PRELOAD = ["trainyard_training.train", "torch._dynamo"]


def main(arguments: list[str]) -> ExitStatus:
    """Run the workers under torchrun's agent in this process, and translate how they ended.

    Raises:
        SpecificationError, StorageError: found before any worker is started.
    """
    if not arguments:
        print(
            "usage: python -m trainyard_training.launch [torchrun's options] -m trainyard_training JOB.json",
            file=sys.stderr,
        )
        return ExitStatus.BAD_SPECIFICATION
    if is_published(load_specification(Path(arguments[-1]), TrainingSpecification)):
        return ExitStatus.DONE
    with tempfile.TemporaryDirectory(prefix="trainyard-") as directory:
        status_file = Path(directory, "exit-status")
        os.environ[STATUS_FILE_VARIABLE] = str(status_file)  # For the workers, which inherit it.
        # One thread a worker, as torchrun would have it, too, but with a warning.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        try:
            return run_workers(lambda: _run_agent(arguments), status_file)
        finally:
            del os.environ[STATUS_FILE_VARIABLE]


def run_workers(run_agent: Callable[[], None], status_file: Path) -> ExitStatus:
    """Run the agent and read from its end and from ``status_file`` how the workers ended."""
    if _START_METHOD == "forkserver":
        multiprocessing.set_forkserver_preload(_PRELOAD)
        multiprocessing.forkserver.ensure_running()

    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError

    try:
        run_agent()
    except SignalException:
        # Workers that have recorded nothing had not begun or were through: in both cases nothing is lost.
        return recorded(status_file) or ExitStatus.STOPPED_EARLY
    except RendezvousError as error:
        # Of a job on several nodes, the node that keeps the meeting place is gone, or one did not come back in time.
        print(f"stopped early: the nodes of the job have lost each other ({error}); run again", flush=True)
        return ExitStatus.STOPPED_EARLY
    except ChildFailedError as error:
        status = recorded(status_file)
        if status is None:
            # Nobody has said why: a worker was killed, or lost another one that was.
            rank, failure = error.get_first_failure()
            ended = (
                f"was killed by {failure.signal_name()}" if failure.exitcode < 0 else f"exited with {failure.exitcode}"
            )
            print(f"error: worker {rank} {ended}", file=sys.stderr, flush=True)
        return status or ExitStatus.FAILED
    return ExitStatus.DONE


def _run_agent(arguments: list[str]) -> None:
    from torch.distributed.elastic.rendezvous import rendezvous_handler_registry
    from torch.distributed.launcher.api import elastic_launch
    from torch.distributed.run import config_from_args, parse_args

    # Its traceback of a failed worker shows the agent's own code, and the worker has told the reason.
    logging.getLogger("torch.distributed.elastic.multiprocessing.api").setLevel(logging.CRITICAL)
    options = parse_args(arguments)
    if options.standalone:
        options.rdzv_backend, options.rdzv_endpoint, options.rdzv_id = "loopback", _LOOPBACK, os.urandom(8).hex()
        rendezvous_handler_registry.register("loopback", _loopback_rendezvous)
        # Where the workers exchange gradients.
        os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = _LOOPBACK_INTERFACE
    config, _, _ = config_from_args(options)
    config.start_method = _START_METHOD
    elastic_launch(config, main_as_function)(arguments[-1])


def _loopback_rendezvous(parameters: "RendezvousParameters") -> "RendezvousHandler":
    """Where there is one agent and so nobody to meet: a store for it and its workers, a new one at every restart."""
    from torch.distributed import TCPStore
    from torch.distributed.elastic.rendezvous import RendezvousInfo, RendezvousStoreInfo
    from torch.distributed.elastic.rendezvous.static_tcp_rendezvous import StaticTCPRendezvous

    class LoopbackRendezvous(StaticTCPRendezvous):
        def get_backend(self) -> str:
            return parameters.backend

        def next_rendezvous(self) -> RendezvousInfo:
            # By itself a store listens on every interface, whatever its host name is.
            listening = socket.create_server((_LOOPBACK, 0))
            port = listening.getsockname()[1]
            store = TCPStore(_LOOPBACK, port, is_master=True, master_listen_fd=listening.detach())
            return RendezvousInfo(store, self.rank, self.world_size, RendezvousStoreInfo(_LOOPBACK, port))

    return LoopbackRendezvous(
        _LOOPBACK,
        master_port=0,
        rank=0,
        world_size=1,
        run_id=parameters.run_id,
        timeout=0,  # Unused.
    )


def _stop_before_the_start(number: int, _frame: FrameType | None) -> NoReturn:
    """Until the agent takes the signals itself there is nothing to save, but a temporary folder to remove."""
    print(f"stopped before the start: received {signal.Signals(number).name}; run again", flush=True)
    sys.exit(ExitStatus.STOPPED_EARLY)


def _main_recorded(arguments: list[str]) -> ExitStatus:
    """``main``, its status also written where the caller asked for it."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_before_the_start)
    asked_for = os.environ.pop(STATUS_FILE_VARIABLE, None)
    status = report_failures(lambda: main(arguments))
    if asked_for:
        os.environ[STATUS_FILE_VARIABLE] = asked_for
        record(status)
    return status


if __name__ == "__main__":
    sys.exit(_main_recorded(sys.argv[1:]))
