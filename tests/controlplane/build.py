"""Builds the programs of a Kubernetes control plane from the Go modules that go.mod pins, once for each version.

    python -m tests.controlplane.build

says where they are, after building them where they are not there yet: about six minutes of two cores the first time,
with what `go` downloads (250 MB), and nothing later. What is built is kept in the user's cache folder under a digest of
all that goes into it. Several processes may ask at once: one builds and the others wait for it. A build that is killed
half-way leaves nothing that a later one takes for complete.

Beside the programs lie the custom resource definitions of the projects whose objects this project creates, as the
projects' own modules carry them; those modules are downloaded, verified and not compiled.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from engine.tether import tethered
from tests.controlplane.crds import CRD_GROUPS, CRD_SOURCES, KUEUE_MODULE, CrdSource

MODULE = Path(__file__).resolve().parent
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
KUEUE = "kueue"
KUBERNETES_VERSION = "v1.36.3"

_KUEUE_PACKAGE = "sigs.k8s.io/kueue/cmd/kueue"
_KWOK_MODULE = "sigs.k8s.io/kwok"
KWOK_STAGES = (
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
)
_FLAGS = (
    "-trimpath",
    "-buildvcs=false",
    "-gcflags=all=-dwarf=false",
    f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}",
)
_COMPLETE = "complete"
_KEPT_SECONDS = 60 * 24 * 3600.0
_PROGRESS_SECONDS = 10.0
_PACKAGES = 3100
"""About how many packages are compiled, to tell how far it is."""


class BuildFailed(Exception):
    """The control plane could not be built; the message ends with what Go said."""


@dataclass(frozen=True)
class Build:
    """Where what was built lies. Nothing in it is to be changed."""

    folder: Path

    def program(self, name: str) -> str:
        """The path of one of `PROGRAMS`, or of `KUEUE`."""
        return str(self.folder / "bin" / name)

    def crds(self, group: str) -> list[Path]:
        """The files of the custom resource definitions of one of `CRD_GROUPS`. Raises KeyError."""
        if group not in CRD_GROUPS:
            raise KeyError(f"no custom resource definitions {group!r}; there are: {', '.join(CRD_GROUPS)}")
        return sorted((self.folder / "crds" / group).glob("*.yaml"))

    def stages(self) -> list[Path]:
        """The files of kwok's own stages that the fake nodes and pods go through."""
        return sorted((self.folder / "stages").glob("*.yaml"))

    def kueue_webhooks(self) -> Path:
        """The file of Kueue's webhook configurations, as Kueue publishes them."""
        return self.folder / "kueue" / "manifests.yaml"


def unavailable() -> str | None:
    """Why no control plane can be built on this machine; None where one can."""
    if sys.platform not in ("linux", "darwin"):
        return f"the control plane of the tests runs on Linux and macOS, not on {sys.platform}"
    if shutil.which("go") is None:
        return "the control plane of the tests is built with Go, and there is no `go` on PATH (https://go.dev/dl/)"
    try:
        _go_version()
    except BuildFailed as failed:
        return f"the control plane of the tests cannot be built with this Go: {failed}"
    return None


def find_or_build(progress: Callable[[str], None] | None = None) -> Build:
    """The programs, built now where they are not there yet; waits where another process builds them.

    Raises BuildFailed; see `unavailable` for what to ask first.
    """
    tell = progress or (lambda line: print(line, file=sys.stderr, flush=True))
    cache = cache_folder()
    folder = cache / f"controlplane-{_digest()}"
    if not (folder / _COMPLETE).exists():
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "controlplane.lock"):
            if not (folder / _COMPLETE).exists():
                _remove_leftovers(cache)
                _build(folder, tell)
    with contextlib.suppress(OSError):
        os.utime(folder / _COMPLETE)
    return Build(folder)


def cache_folder() -> Path:
    """The folder of this project in the user's cache: below $XDG_CACHE_HOME, or else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "trainyard"


def _digest() -> str:
    """What the cache knows a build by: everything that decides what comes out."""
    parts = [(MODULE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    parts.append(json.dumps([_go_version(), _FLAGS, KWOK_STAGES, [repr(each) for each in CRD_SOURCES]]).encode())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def _go_version() -> str:
    """Version and platform of the Go that builds this module, such as `go1.26.8 linux/amd64`. Raises BuildFailed."""
    values = _go("env", "GOVERSION", "GOOS", "GOARCH").split()
    return f"{values[0]} {values[1]}/{values[2]}"


def _build(folder: Path, tell: Callable[[str], None]) -> None:
    """Builds beside the folder, then renames: the folder is there in full or not at all."""
    started = time.monotonic()
    tell(f"Building a Kubernetes {KUBERNETES_VERSION} control plane, once; this takes some minutes")
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    try:
        for subfolder in ("bin", "crds", "stages", "kueue"):
            (partial / subfolder).mkdir()
        _compile(".", partial / "bin" / "controlplane", tell)
        for name in PROGRAMS:
            (partial / "bin" / name).symlink_to("controlplane")
        _compile(_KUEUE_PACKAGE, partial / "bin" / KUEUE, tell)
        _copy_published_files(partial)
        (partial / _COMPLETE).touch()
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    tell(f"Built the control plane in {time.monotonic() - started:.0f} s: {folder}")


def _copy_published_files(partial: Path) -> None:
    for source in CRD_SOURCES:
        module = _downloaded(source)
        target = partial / "crds" / source.name
        target.mkdir()
        for name in source.files:
            shutil.copyfile(module / name, target / Path(name).name)
    kwok = _module_folder(_KWOK_MODULE)
    for number, name in enumerate(KWOK_STAGES):
        shutil.copyfile(kwok / name, partial / "stages" / f"{number}-{Path(name).name}")
    kueue = _module_folder(KUEUE_MODULE)
    shutil.copyfile(kueue / "config/components/webhook/manifests.yaml", partial / "kueue" / "manifests.yaml")


def _downloaded(source: CrdSource) -> Path:
    """The folder of a module of that version in Go's module cache, after its content has been verified."""
    if source.module == KUEUE_MODULE:
        return _module_folder(KUEUE_MODULE)
    with tempfile.TemporaryDirectory(prefix="trainyard-crds-") as elsewhere:
        # Outside the module, whose requirements these are not; the checksum is compared here.
        said = _go(
            "mod", "download", "-json", f"{source.module}@{source.version}", folder=Path(elsewhere), GOSUMDB="off"
        )
    module: dict[str, Any] = json.loads(said)
    if module.get("Sum") != source.checksum:
        raise BuildFailed(
            f"{source.module}@{source.version} has the checksum {module.get('Sum')}, not {source.checksum}: "
            "either crds.py is wrong, or this is not the module that it was written for"
        )
    return Path(module["Dir"])


def _module_folder(module: str) -> Path:
    """Where Go keeps the source of a module that go.mod requires, in its version; downloads it if need be."""
    return Path(json.loads(_go("mod", "download", "-json", module))["Dir"])


def _go(*arguments: str, folder: Path = MODULE, **variables: str) -> str:
    """What a short `go` command prints. Raises BuildFailed."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=folder,
        env=_environment() | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-4000:]
        raise BuildFailed(f"`go {' '.join(arguments)}` ended with exit code {done.returncode}: {said}")
    return done.stdout


def _compile(package: str, output: Path, tell: Callable[[str], None]) -> None:
    """Runs `go build`, telling how far it is; the command does not outlive this process. Raises BuildFailed."""
    nice = ["nice"] if shutil.which("nice") else []
    command = [*nice, "go", "build", "-v", *_FLAGS, "-o", str(output), package]
    with subprocess.Popen(
        tethered(command, grace_seconds=1.0),
        cwd=MODULE,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said, compiled, told = [], 0, time.monotonic()
        for line in process.stdout:
            if _is_package(line):
                compiled += 1
            else:
                said.append(line)
            if time.monotonic() - told > _PROGRESS_SECONDS:
                told = time.monotonic()
                tell(f"  {output.name}: {compiled} packages compiled of about {_PACKAGES} in all")
        code = process.wait()
    if code:
        raise BuildFailed(f"`{' '.join(command)}` ended with exit code {code}:\n{''.join(said)[-8000:].rstrip()}")


def _is_package(line: str) -> bool:
    """Whether `go build -v` names with this line a package that it has begun to compile."""
    return " " not in line.strip() and not line.startswith("#")


def _environment() -> dict[str, str]:
    """The caller's, without what would change what is built."""
    changed = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    return {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")} | changed


def _remove_leftovers(cache: Path) -> None:
    """Removes what killed builds left and what nobody has used for long; only under the lock."""
    for folder in _builds(cache):
        with contextlib.suppress(OSError):
            unused = time.time() - (folder / _COMPLETE).stat().st_mtime > _KEPT_SECONDS
            if not unused:
                continue
        shutil.rmtree(folder, ignore_errors=True)


def _builds(cache: Path) -> Iterator[Path]:
    return (each for each in cache.glob("controlplane-*") if each.is_dir())


if __name__ == "__main__":
    if reason := unavailable():
        sys.exit(reason)
    try:
        print(find_or_build().folder)
    except BuildFailed as problem:
        sys.exit(str(problem))
