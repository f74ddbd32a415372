"""Which versions a run was made with: of this project, of Python, and of the packages that decide what comes out."""

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "pulumi", "pulumi-aws", "pulumi-kubernetes", "onnx", "onnxruntime")
SOURCES = ("__main__.py", "infra", "workloads")
_GIT_SECONDS = 10.0


def versions_of(directory: Path) -> dict[str, str]:
    """Name to version. `trainyard` is the commit, with a + where files differ from it, else a digest of the sources."""
    found = {"trainyard": commit_of(directory) or f"sha256:{digest_of(sources_of(directory))[:16]}"}
    found["python"] = platform.python_version()
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit_of(directory: Path) -> str:
    """The commit that the project folder is at, with a + where what it tracks has changed; empty without git."""
    commit = _git(directory, "rev-parse", "HEAD")
    return commit + ("+" if commit and _git(directory, "status", "--porcelain", "--untracked-files=no") else "")


def sources_of(directory: Path) -> list[Path]:
    """The files that decide what is deployed and trained, sorted."""
    found: list[Path] = []
    for name in SOURCES:
        path = directory / name
        found += [path] if path.is_file() else [each for each in path.rglob("*.py") if each.is_file()]
    return sorted(found)


def digest_of(files: Iterable[Path]) -> str:
    """A digest of the contents of files, in their order."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
