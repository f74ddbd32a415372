"""The servers as processes: started on one core, held while others have their turn, and ended.

Ours is the real tritonserver that `python -m trainyard_serving` becomes, from a model that has been fetched, as in a
cluster. It needs the environment that `make setup` makes; TRAINYARD_TRITON_VENV may name another. The others run in
theirs. All compute with one thread.
"""

import functools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.envelopes import KEY_URI
from bench.errors import BenchError
from bench.peers import FOLDER_VARIABLE
from bench.serving_client import BINARY, FASTAPI_JSON, LITSERVE_JSON, MODEL, V2_JSON, Dialect
from bench.serving_model import JOB, RUN
from engine.tether import tethered
from tests.controlplane.processes import free_port
from trainyard_serving.memory_files import version_folder

MAX_BATCH_SIZE = 64
QUEUE_DELAY_MICROSECONDS = 500
"""The settings' defaults; see Pulumi.yaml. The others batch as much, where they batch."""
TRITON_VARIABLE = "TRAINYARD_TRITON_VENV"

_HOST = "127.0.0.1"
_VERSION = 1
_PROJECT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 90.0
_GRACE_SECONDS = 10.0
_SHOWN_CHARACTERS = 2_000
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TRAINYARD_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the servers that are compared."""

    name: str
    """In the names of results, and of its list of packages."""
    title: str
    """For people."""
    dialects: tuple[Dialect, ...]
    ready: str
    """The path that answers with 200 once the server is ready."""
    command: Callable[[Path, Path, Path, int], tuple[list[str], dict[str, str]]]
    """Its command line and its own variables, from the environment's folder, the model's, an empty one, and a port."""


def triton_environment() -> Path:
    """The environment that has tritonserver."""
    return Path(os.environ.get(TRITON_VARIABLE) or _PROJECT / ".venv-triton").absolute()


def _triton(
    environment: Path, model: Path, work: Path, port: int, *, images: bool = False
) -> tuple[list[str], dict[str, str]]:
    fetched = work / "fetched"
    fetched.mkdir()
    version_folder(fetched, _VERSION).symlink_to(model)
    release = {"version": _VERSION, "manifest_uri": (model / "manifest.json").as_uri(), "run": RUN, "percent": 100}
    document = {
        "service": "bench",
        "job": JOB,
        "releases": [release],
        "encryption_key_uri": KEY_URI,
        "model_name": MODEL,
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "work_dir": str(fetched),
        "runtime_dir": str(work),
        "max_batch_size": MAX_BATCH_SIZE,
        "queue_delay_microseconds": QUEUE_DELAY_MICROSECONDS,
        "images": images,
    }
    specification = work / "SERVICE.json"
    specification.write_text(json.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "trainyard_serving", "--serve-fetched", str(specification)]
    return command, {TRITON_VARIABLE: str(environment)}


def _fastapi(environment: Path, _model: Path, _work: Path, port: int) -> tuple[list[str], dict[str, str]]:
    uvicorn = [str(environment / "bin" / "uvicorn"), "bench.peers.fastapi_service:app"]
    return [*uvicorn, "--host", _HOST, "--port", str(port), "--no-access-log"], {}


def _litserve(environment: Path, _model: Path, _work: Path, port: int) -> tuple[list[str], dict[str, str]]:
    return [str(environment / "bin" / "python"), "-m", "bench.peers.litserve_service", str(port)], {}


def _mlserver(environment: Path, _model: Path, work: Path, port: int) -> tuple[list[str], dict[str, str]]:
    settings = {
        "name": MODEL,
        "implementation": "bench.peers.mlserver_runtime.ImageClassifier",
        "max_batch_size": MAX_BATCH_SIZE,
        "max_batch_time": QUEUE_DELAY_MICROSECONDS / 1e6,
    }
    (work / "model-settings.json").write_text(json.dumps(settings), encoding="utf-8")
    ports = {"HTTP_PORT": port, "GRPC_PORT": free_port(), "METRICS_PORT": free_port()}
    variables = {f"MLSERVER_{name}": str(value) for name, value in ports.items()}
    return [str(environment / "bin" / "mlserver"), "start", str(work)], {
        **variables,
        "MLSERVER_HOST": _HOST,
        "MLSERVER_DEBUG": "false",
    }


OURS = Kind("trainyard", "Trainyard's Triton", (BINARY, V2_JSON), "/v2/health/ready", _triton)
OURS_WITH_IMAGES = Kind(
    "trainyard-images",
    "Trainyard's Triton with images",
    (BINARY,),
    "/v2/health/ready",
    functools.partial(_triton, images=True),
)
PEERS = (
    Kind("fastapi", "FastAPI + PyTorch", (FASTAPI_JSON,), "/openapi.json", _fastapi),
    Kind("litserve", "LitServe", (LITSERVE_JSON,), "/health", _litserve),
    Kind("mlserver", "MLServer", (V2_JSON,), "/v2/health/ready", _mlserver),
)


class Server:
    """A process, and all below it, that answers at an address."""

    def __init__(self, kind: Kind, process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
        self.kind, self.address = kind, address
        self._process, self._log = process, log

    def wait_until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Returns once it says that it is ready. Raises BenchError where it ends, or says nothing for so long."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if self._process.poll() is not None:
                raise BenchError(f"{self.kind.title} ended with exit code {self._process.returncode}:\n{self._end()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.kind.title} was not ready after {seconds:g} s:\n{self._end()}")
            time.sleep(0.1)

    def hold(self) -> None:
        """Stops all of it where it is, so that it takes nothing from others."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets it go on."""
        self._signal(signal.SIGCONT)

    def memory_mib(self, *, without: Sequence[str] = ()) -> float:
        """What it holds: the proportional set sizes of its processes, in MiB, in which shared pages count once.

        Left out are those that have one of the words in their command lines, and what these have started.
        """
        processes = self._processes()
        out = {each.pid for each in processes if any(word in " ".join(each.cmdline()) for word in without)}
        counted = [each for each in processes if each.pid not in out and each.ppid() not in out]
        return sum(process.memory_full_info().pss for process in counted) / 2**20

    def cpu_seconds(self) -> float:
        """Processor time that its processes have taken so far."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._processes()))

    def ask_to_end(self) -> None:
        """Lets go of its leash, and does not wait."""
        self.go_on()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> None:
        """Asks it to end, where it has not been asked, and kills what is left."""
        below = self._processes()
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS + 5)
        for process in below:
            with suppress(psutil.Error):
                process.kill()
        self._process.kill()
        self._process.wait()

    def _processes(self) -> list[psutil.Process]:
        # The one on top is the leash.
        with suppress(psutil.Error):
            return list(psutil.Process(self._process.pid).children(recursive=True))
        return []

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with suppress(psutil.Error):
                process.send_signal(number)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}{self.kind.ready}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _end(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-_SHOWN_CHARACTERS:]


@contextmanager
def started(kind: Kind, *, environment: Path, model: Path, work: Path, core: int | None) -> Iterator[Server]:
    """The server with the files in `model`, on one core where there is a choice; it is ended afterwards.

    It may not be ready yet. `work` is a folder of its own, which is made.
    """
    work.mkdir(parents=True)
    port = free_port()
    command, variables = kind.command(environment, model, work, port)
    log = work / "log"
    with log.open("wb") as output, on_core(core):
        process = subprocess.Popen(
            tethered(command, grace_seconds=_GRACE_SECONDS),
            cwd=work,
            env=_environment({**variables, FOLDER_VARIABLE: str(model)}),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(kind, process, f"{_HOST}:{port}", log)
    try:
        yield server
    finally:
        server.end()


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """This thread, and what it starts, runs on that core only; None: as before."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def two_cores() -> tuple[int | None, int | None]:
    """One core for the server that is measured and one for the clients; None where there is no choice."""
    usable: Sequence[int] = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ()
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return {**kept, **_ONE_THREAD, "PYTHONPATH": str(_PROJECT), **own}
