"""The environments of the servers that serving is compared with, each made once, in the user's cache.

An environment holds what its list in `bench/peers` names. Its interpreter looks into this project's environment after
its own, for PyTorch and NumPy, of which everybody has the same then, and nobody a second copy.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from bench.errors import BenchError
from tests.controlplane.build import cache_folder

PEERS = Path(__file__).resolve().parent / "peers"

_PROJECT = Path(__file__).resolve().parent.parent
_PACKAGES = ("workloads/artifacts/src", "workloads/training/image/src")
_COMPLETE = "complete"
_LONGEST_SECONDS = 600.0


class EnvironmentFailed(BenchError):
    """An environment could not be made; the text has the end of what the installer said."""


def find_or_make(name: str) -> Path:
    """The environment of the peer of this name, made now where it is not there yet. Raises EnvironmentFailed."""
    requirements = PEERS / f"{name}.txt"
    cache = cache_folder()
    folder = cache / f"bench-{name}-{_digest(requirements)}"
    if not (folder / _COMPLETE).exists():
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"bench-{name}.lock"):
            if not (folder / _COMPLETE).exists():
                for left in cache.glob(f"bench-{name}-*"):
                    shutil.rmtree(left, ignore_errors=True)
                _make(folder, requirements)
    return folder


def version_of(name: str) -> str:
    """The version of the package that its list pins. Raises BenchError where it pins none."""
    for line in (PEERS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        package, _, version = line.partition("==")
        if package == name:
            return version
    raise BenchError(f"bench/peers/{name}.txt pins no version of {name}")


def _digest(requirements: Path) -> str:
    parts = (requirements.read_bytes(), str(_PROJECT).encode(), sys.base_prefix.encode(), sys.version.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _make(folder: Path, requirements: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    python = folder / "bin" / "python"
    _run([str(uv), "--no-config", "venv", "--python", sys.executable, str(folder)])
    sync = [str(uv), "--no-config", "pip", "sync", "--no-build", "--compile-bytecode", "--python", str(python)]
    _run([*sync, str(requirements)])
    (own,) = folder.glob("lib/python*/site-packages")
    # A path that such a file names is not searched for more of them, so the project's packages are named, too.
    shared = [*(_PROJECT / each for each in _PACKAGES), *map(Path, _site_packages())]
    (own / "trainyard.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
    (folder / _COMPLETE).touch()


def _site_packages() -> list[str]:
    return [path for path in sys.path if Path(path).name == "site-packages"]


def _run(command: list[str]) -> None:
    others = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    try:
        ended = subprocess.run(
            command,
            env={**others, "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailed(f"{command[0]} failed: {error}") from None
    if ended.returncode != 0:
        lines = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        raise EnvironmentFailed(" ".join(lines[-3:]) or f"{command[0]} ended with exit code {ended.returncode}")
