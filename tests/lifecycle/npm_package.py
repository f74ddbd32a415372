"""Packages of npm that only tests use: brought by the npm client, held to a digest, and kept in a cache."""

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainyard"


class NotToBeHadError(Exception):
    """A package cannot be had, and this says what is missing."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package as npm's own lock file would name it."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def kept(package: Package, folder: Path, unpack: Callable[[bytes, Path], None]) -> Path:
    """Return the folder of the package's version in `folder`, where `unpack` has put what is used of its tarball.

    Raises:
        NotToBeHadError: npm is missing, its registry does not answer, or what it gives is not what it should be.
    """
    wanted = folder / package.version
    with _locked(folder):
        if not wanted.exists():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                content = downloaded(package, Path(scratch))
                check(content, package)
                unpacked = Path(scratch, "unpacked")
                unpacked.mkdir()
                unpack(content, unpacked)
                unpacked.rename(wanted)
    return wanted


def downloaded(package: Package, folder: Path) -> bytes:
    """Return the package's tarball, as the npm client brings it.

    Raises:
        NotToBeHadError: npm is missing, or has failed.
    """
    if not shutil.which("npm"):
        raise NotToBeHadError(f"no npm on PATH to bring {package}")
    command = [
        "npm",
        "pack",
        "--silent",
        "--cache",
        str(folder / "npm"),
        "--pack-destination",
        str(folder),
        str(package),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=folder)
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode or not tarballs:
        raise NotToBeHadError(f"npm could not bring {package}: {(done.stderr or done.stdout).strip()[-300:]}")
    return tarballs[0].read_bytes()


def check(content: bytes, package: Package) -> None:
    """Hold a tarball to its digest.

    Raises:
        NotToBeHadError: It is another.
    """
    algorithm, _, digest = package.integrity.partition("-")
    found = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    if found != digest:
        raise NotToBeHadError(f"{package} is {algorithm}-{found}, and should be {package.integrity}")


def member(content: bytes, name: str) -> bytes:
    """Return a file of a tarball."""
    with tarfile.open(fileobj=BytesIO(content)) as tarball:
        found = tarball.extractfile(f"package/{name}")
        assert found is not None
        return found.read()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
