"""tritonserver: where it is on this machine, and the command line and environment to run it with.

Two places are known. On a laptop, the environment that ``TRAINYARD_TRITON_VENV`` names holds the binary, in the package
nvidia-pytriton. In NVIDIA's image the server is at ``/opt/tritonserver``, and the environment holds only the packages
of the model. In both, the Python backend runs the model with the environment's interpreter, whatever runs this module.

The backend's process, the stub, embeds that Python from its shared library. It reads no ``PYTHON…`` variable; it finds
its packages as ``python3`` on ``PATH`` would.
"""

import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard_serving.model_repository import EXECUTIONS
from trainyard_serving.specification import GRPC_SOCKET, HTTP_SOCKET, METRICS_SOCKET, ServiceSpecification

ENVIRONMENT_VARIABLE = "TRAINYARD_TRITON_VENV"
OLDEST_GLIBC = (2, 35)
IMAGE_ROOT = Path("/opt/tritonserver")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where shm_open(3) puts it; the backend decides that

_STUB = "triton_python_backend_stub"
_MODEL_PACKAGES = ("numpy", "onnxruntime")
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "TMPDIR", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
# The project's own variables tell whoever started the service which processes are its.
_PASSED_ON_PREFIXES = ("NVIDIA_", "TRAINYARD_")
_LOADER_FAILED = 127

_CLOSED = ("shared-memory", "trace", "logging")
_MODEL_CONTROL = "model-repository"
_CLOSED_HEADER = "trainyard-closed"
_QUESTION_TIMEOUT_SECONDS = 30

_QUESTION = f"""
import importlib.metadata, importlib.util, json, sys, sysconfig
missing = [name for name in {_MODEL_PACKAGES!r} if importlib.util.find_spec(name) is None]
print(json.dumps({{
    "version": "%d.%d" % sys.version_info[:2],
    "packages": sysconfig.get_path("purelib"),
    "library_directory": sysconfig.get_config_var("LIBDIR") or "",
    "missing": missing,
    "numpy": "" if "numpy" in missing else importlib.metadata.version("numpy"),
    "has_pillow": importlib.util.find_spec("PIL") is not None,
}}))
"""


class TritonUnavailableError(Exception):
    """tritonserver cannot run on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Triton:
    """A tritonserver that runs on this machine."""

    server: Path
    """The binary."""
    backend: Path
    """The folder of the Python backend."""
    stub: Path
    """The backend's own program for the environment's Python version."""
    caches: Path
    """The folder of the response caches' libraries."""
    environment: Path
    """The virtual environment whose packages the model uses."""
    python_library: Path | None
    """The shared library of the environment's Python; None where the stub finds it without help."""
    numpy: str
    """The environment's version of numpy."""
    has_pillow: bool
    """Whether the environment has Pillow, which only image files need."""


def triton_unavailable_reason(environment: Mapping[str, str] | None = None) -> str | None:
    """Why tritonserver cannot run on this machine, or None where it can. Takes about 0.1 s.

    Args:
        environment: variables of the process that will run it; this process's own by default.
    """
    try:
        find_triton(os.environ if environment is None else environment)
    except TritonUnavailableError as error:
        return str(error)
    return None


def find_triton(environment: Mapping[str, str]) -> Triton:
    """Find tritonserver and everything that it needs to start.

    Raises:
        TritonUnavailableError: another platform than Linux with glibc 2.35; the environment, the binary, the stub for
            its Python version, that Python's shared library or a package is missing.
    """
    _require_platform()
    named = environment.get(ENVIRONMENT_VARIABLE)
    if not named:
        raise TritonUnavailableError(f"{ENVIRONMENT_VARIABLE} is not set; it names the environment with tritonserver")
    folder = Path(named).absolute()
    if any(character.isspace() for character in str(folder)):
        # Its Python backend starts the stub through a shell, without quoting.
        raise TritonUnavailableError(
            f"{folder} has a space in its path, which tritonserver cannot start its models from"
        )
    python = folder / "bin" / "python3"
    if not python.exists():
        raise TritonUnavailableError(f"{ENVIRONMENT_VARIABLE} is {named}: there is no Python environment there")
    facts = _ask(python)
    if facts["missing"]:
        raise TritonUnavailableError(f"{folder} lacks the packages {', '.join(facts['missing'])}")
    root = Path(facts["packages"]) / "pytriton" / "tritonserver"
    version = facts["version"]
    if root.exists():
        stub = root / "python_backend_stubs" / version / _STUB
    elif IMAGE_ROOT.exists():
        root = IMAGE_ROOT
        stub = root / "backends" / "python" / _STUB
    else:
        raise TritonUnavailableError(f"neither the package nvidia-pytriton in {folder} nor {IMAGE_ROOT} is there")
    server = root / "bin" / "tritonserver"
    if not os.access(server, os.X_OK):
        raise TritonUnavailableError(f"{server} is missing or not executable")
    if not os.access(stub, os.X_OK):
        offered = ", ".join(sorted((each.name for each in stub.parent.parent.glob("3.*")), key=_minor_version))
        raise TritonUnavailableError(
            f"{folder} has Python {version}, for which this tritonserver has no Python backend; it has {offered}"
        )
    library = Path(facts["library_directory"]) / f"libpython{version}.so.1.0"
    python_library = library if library.exists() else None
    _require_loadable(stub, python_library, version, folder)
    return Triton(
        server=server,
        backend=root / "backends" / "python",
        stub=stub,
        caches=root / "caches",
        environment=folder,
        python_library=python_library,
        numpy=facts["numpy"],
        has_pillow=facts["has_pillow"],
    )


def server_arguments(
    triton: Triton,
    specification: ServiceSpecification,
    *,
    repository: Path,
    backends: Path,
    closing_key: str,
    models: Sequence[str] = (),
) -> list[str]:
    """The command line: serve one repository, and end if what is to be loaded at the start cannot be.

    What a client could do harm with is off: shared memory (which reads and writes other processes' memory), traces
    (which write files) and log settings are closed. Models are loaded and unloaded on request over the Unix socket for
    HTTP only, and only where there is a parent to do it: its directory is the owner's.

    Args:
        triton: what ``find_triton`` returned.
        specification: the service.
        repository: the folder of the model's configuration.
        backends: the folder that ``write_runtime`` lays the Python backend out in.
        closing_key: what ``closing_key`` returned.
        models: those to load at the start, where models are loaded and unloaded on request; else all are.
    """
    closed = f"{','.join(_CLOSED)}:{_CLOSED_HEADER}={closing_key}"
    model_control = f"{_MODEL_CONTROL}:{_CLOSED_HEADER}={closing_key}"
    return [
        str(triton.server),
        f"--id={specification.service}",
        f"--model-repository={repository}",
        *_model_control_arguments(models),
        "--disable-auto-complete-config",
        "--exit-on-error=true",
        # A release that could not be loaded is not to make those unready that go on beside it. At the start all are
        # loaded before the server listens.
        f"--strict-readiness={'false' if models else 'true'}",
        f"--exit-timeout-secs={specification.drain_seconds}",
        *_address_arguments(specification),
        f"--allow-gpu-metrics={'true' if specification.device == 'gpu' else 'false'}",
        *(["--pinned-memory-pool-byte-size=0"] if specification.device == "cpu" else []),
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-region-prefix-name={shared_memory_prefix(specification.work_dir)}",
        f"--http-restricted-api={closed}",
        f"--grpc-restricted-protocol={closed}",
        *([f"--grpc-restricted-protocol={model_control}"] if models else []),
        *(_cache_arguments(triton, specification.response_cache_bytes) if specification.response_cache_bytes else []),
        *_limit_arguments(specification.executions_at_once),
        "--log-format=ISO8601",
    ]


def closing_key() -> str:
    """The value of a header that opens the endpoints that are to be closed: one that nobody can send.

    tritonserver closes endpoints to whoever does not send a header with a given value; it cannot just switch them off.
    Nobody keeps the value, but who is on the same machine can read it in the command line. So it has a line feed, which
    no header of HTTP or gRPC can hold (https://www.rfc-editor.org/rfc/rfc9110#name-field-values). It is random all the
    same: should a parser let line feeds through, it is still not the same on every machine.
    """
    return f"{secrets.token_hex(16)}\n{secrets.token_hex(16)}"


def server_environment(triton: Triton, environment: Mapping[str, str], *, libraries: Path) -> dict[str, str]:
    """The variables that tritonserver gets: what it needs and nothing else, above all no credential.

    Args:
        triton: what ``find_triton`` returned.
        environment: this process's variables.
        libraries: the folder that ``write_runtime`` puts Python's shared library into.
    """
    chosen = {
        name: value for name, value in environment.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    search_path = [str(libraries), *filter(None, [environment.get("LD_LIBRARY_PATH")])]
    return {
        **chosen,
        "PATH": f"{triton.environment / 'bin'}:{environment.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": ":".join(search_path),
        # ONNX Runtime would send usage data to its maker and keep a database for that in the home directory.
        "ORT_DISABLE_TELEMETRY": "1",
    }


def shared_memory_prefix(work_dir: str) -> str:
    """What the names of the backend's shared memory begin with, one prefix for each working directory."""
    return f"trainyard_{hashlib.sha256(work_dir.encode()).hexdigest()[:16]}_"


def write_runtime(triton: Triton, backends: Path, libraries: Path) -> None:
    """Lay out the Python backend as tritonserver expects it, by links, since the installation may be read-only.

    Raises:
        OSError: a folder cannot be written.
    """
    for folder in (backends, libraries):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
    (backends / "python").mkdir(mode=0o700)
    for path in (*triton.backend.glob("*.so"), *triton.backend.glob("*.py"), triton.stub):
        (backends / "python" / path.name).symlink_to(path)
    if triton.python_library:
        # The one library alone: beside it may lie others (in conda's folder) that are not for tritonserver.
        (libraries / triton.python_library.name).symlink_to(triton.python_library)


def remove_stale_shared_memory(work_dir: str) -> None:
    """Remove what a tritonserver of the same working directory left behind when it and its backend were killed."""
    for path in SHARED_MEMORY.glob(f"{shared_memory_prefix(work_dir)}*"):
        with suppress(OSError):
            path.unlink()


def _model_control_arguments(models: Sequence[str]) -> list[str]:
    if not models:
        return ["--model-control-mode=none"]
    return ["--model-control-mode=explicit", *(f"--load-model={name}" for name in models)]


def _address_arguments(specification: ServiceSpecification) -> list[str]:
    directory, listen = specification.socket_dir, specification.listen_address
    arguments = []
    for name, socket, port in (
        ("http", HTTP_SOCKET, specification.http_port),
        ("grpc", GRPC_SOCKET, specification.grpc_port),
        ("metrics", METRICS_SOCKET, specification.metrics_port),
    ):
        address = f"unix:{directory}/{socket}" if directory else listen
        arguments += [f"--{name}-address={address}", f"--{name}-port={port}"]
    return arguments


def _limit_arguments(executions: int) -> list[str]:
    # Without the device's number, each device has as many.
    return ["--rate-limit=execution_count", f"--rate-limit-resource={EXECUTIONS}:{executions}"] if executions else []


def _cache_arguments(triton: Triton, size: int) -> list[str]:
    return [f"--cache-directory={triton.caches}", f"--cache-config=local,size={size}"]


def _require_platform() -> None:
    if sys.platform != "linux":
        raise TritonUnavailableError(f"tritonserver is built for Linux only, and this is {platform.system()}")
    library, version = platform.libc_ver()
    oldest = ".".join(map(str, OLDEST_GLIBC))
    if library != "glibc":
        raise TritonUnavailableError(
            f"tritonserver needs glibc {oldest} or newer, and this system has another C library"
        )
    if tuple(map(int, version.split(".")[:2])) < OLDEST_GLIBC:
        raise TritonUnavailableError(f"tritonserver needs glibc {oldest} or newer, and this system has {version}")


def _ask(python: Path) -> dict[str, Any]:
    try:
        answer = subprocess.run(
            [python, "-I", "-c", _QUESTION], capture_output=True, check=True, timeout=_QUESTION_TIMEOUT_SECONDS
        )
        facts: dict[str, Any] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise TritonUnavailableError(f"{python} does not work: {error}") from None
    return facts


def _require_loadable(stub: Path, python_library: Path | None, version: str, folder: Path) -> None:
    # Started without arguments, the stub ends at once; what counts is whether the loader finds its libraries.
    search_path = {"LD_LIBRARY_PATH": str(python_library.parent)} if python_library else {}
    try:
        ended = subprocess.run(
            [stub], env=search_path, capture_output=True, text=True, check=False, timeout=_QUESTION_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TritonUnavailableError(f"{stub} does not work: {error}") from None
    if ended.returncode == _LOADER_FAILED:
        reason = ended.stderr.strip().rpartition("error while loading shared libraries: ")[2]
        raise TritonUnavailableError(
            f"the Python backend does not load: {reason} ({folder} has Python {version}; an interpreter built with"
            " --enable-shared, or the system's package with libpython, has that library)"
        )


def _minor_version(version: str) -> int:
    return int(version.partition(".")[2])
