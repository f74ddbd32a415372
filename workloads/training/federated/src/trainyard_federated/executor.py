"""Runs what Flower asks for, in forks: the ClientApp of one site, or the ServerApp.

It stands where Flower has ``flower-superexec``, with three differences. Each task is a fork of a process that has
imported PyTorch and read the site's data once, where Flower starts a new interpreter. The token of a task is not on a
command line, which all users of the machine can read. And a site runs this package's app only, whatever the coordinator
sends. Flower's SuperExec has no setting for any of these, so this is written against Flower's internals, and the
environment pins its version.
"""

import contextlib
import hashlib
import importlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from trainyard_federated.bundle import build_bundle, require_ours
from trainyard_federated.processes import end_with, starter

_POLL_SECONDS = 0.2
_ACQUIRE = "/flwr.proto.Runtime/AcquireTask"


@dataclass(frozen=True)
class Runtime:
    """The SuperLink or SuperNode whose tasks are run."""

    address: str
    """HOST:PORT of its Runtime API."""
    secret: Path
    """File with what both know."""
    root_certificates: Path | None = None
    """None where it is spoken to without TLS, on the loopback interface."""

    @property
    def certificates(self) -> bytes | None:
        """The authority's certificate."""
        return None if self.root_certificates is None else self.root_certificates.read_bytes()


def serve(runtime: Runtime, task_type: str, run: Callable[[str], None]) -> None:
    """Run one task after the other, each as ``run(token)`` in a fork, until this process's parent has ended.

    For the server's task, the first is the only one, and this returns when it has ended.
    """
    from flwr.proto.runtime_pb2 import AcquireTaskRequest

    client = _connect(runtime)
    parent = starter()
    children: set[int] = set()
    while os.getppid() == parent:
        if not children or task_type == "flwr-clientapp":
            response = client.AcquireTask(AcquireTaskRequest(supported_task_types=[task_type]))
            if response.HasField("task") and response.token:
                children.add(_fork(run, response.token))
        for child in sorted(children):
            if os.waitpid(child, os.WNOHANG)[0]:
                children.discard(child)
                if task_type == "flwr-serverapp":
                    return
        time.sleep(_POLL_SECONDS)


def run_client_task(runtime: Runtime) -> Callable[[str], None]:
    """What runs a message at a site."""
    flower = importlib.import_module("flwr.supernode.runtime.run_clientapp")

    _install_ours_only(flower)

    def run(token: str) -> None:
        flower.run_clientapp(runtime.address, token, runtime.root_certificates is None, runtime.certificates)

    return run


def run_server_task(runtime: Runtime) -> Callable[[str], None]:
    """What runs the coordinator's rounds."""
    flower = importlib.import_module("flwr.superlink.runtime.run_serverapp")

    _install_ours_only(flower)

    def run(token: str) -> None:
        log: Queue[str | None] = Queue()
        flower.run_serverapp(runtime.address, log, token, runtime.root_certificates is None, runtime.certificates)

    return run


def _install_ours_only(flower: Any) -> None:
    """Let a module of Flower install this package's bundle, without a word, and refuse any other."""
    install = flower.install_from_fab
    ours_sha256 = hashlib.sha256(build_bundle()).hexdigest()

    def install_ours(bundle: bytes, *arguments: Any, **options: Any) -> Any:
        require_ours(bundle, ours_sha256)
        with contextlib.redirect_stdout(io.StringIO()):
            return install(bundle, *arguments, **options)

    flower.install_from_fab = install_ours


def _connect(runtime: Runtime) -> Any:
    from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor, SuperExecAuthHttpInterceptor
    from flwr.supercore.retry import make_simple_http_retry_invoker
    from flwr.supercore.runtime import RuntimeHttpClient

    return RuntimeHttpClient.from_server_address(
        server_address=runtime.address,
        insecure=runtime.root_certificates is None,
        root_certificates=runtime.certificates,
        interceptors=[
            RuntimeVersionHttpInterceptor(component_name="SuperExec"),
            SuperExecAuthHttpInterceptor(
                master_secret=runtime.secret.read_bytes(), protected_methods=frozenset({_ACQUIRE})
            ),
        ],
        retry_invoker=make_simple_http_retry_invoker(),
    )


def _fork(run: Callable[[str], None], token: str) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        end_with(parent)
        run(token)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the parent's is closed here.
        os._exit(status)
