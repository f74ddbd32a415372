"""A fetched model between two processes: written by the one that may fetch, read by the one that serves.

In a cluster they are two containers of a pod, and what they share is a volume in memory. The model lies there in clear
text, so a folder on a disk is refused: it would outlive the pod, or be read from a stolen disk. Each release has a
folder of its own there, named by its version.
"""

import ctypes
import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from trainyard_artifacts.fetch import write_atomically
from trainyard_artifacts.manifest import MANIFEST_NAME, Manifest, decode_manifest, encode_manifest
from trainyard_serving.release import MODEL_FILE, Release

# Source: statfs(2), and linux/magic.h.
_IN_MEMORY = {0x01021994: "tmpfs", 0x858458F6: "ramfs"}
_LARGEST_STATFS = 512


class NotInMemoryError(Exception):
    """The folder for the clear text is on a disk; the message names it."""


class NotFetchedError(Exception):
    """There is no fetched model, or another one than specified; the message says what is there."""


def require_memory(directory: Path) -> None:
    """Refuse a folder that is not on a file system in memory, or would not be when it is made.

    Raises:
        NotInMemoryError: it is on another file system, or this is not Linux, which alone says.
        OSError: a folder on the way to it cannot be looked at.
    """
    if sys.platform != "linux":
        raise NotInMemoryError(f"whether {directory} is in memory is known on Linux only, and this is {sys.platform}")
    kind = _file_system(next(path for path in (directory, *directory.parents) if path.exists()))
    if kind not in _IN_MEMORY:
        raise NotInMemoryError(
            f"{directory} is not in memory (its file system is of type {kind:#x}): work_dir is to hold the decrypted "
            "model, and has to be on a tmpfs, such as an emptyDir of medium Memory"
        )


def version_folder(work_dir: Path, version: int) -> Path:
    """The folder of one release."""
    return work_dir / str(version)


def keep_versions(work_dir: Path, versions: Collection[int]) -> None:
    """Make the folders of these releases, and remove those of others, whose models would take memory for nothing.

    Raises:
        OSError: a folder cannot be made or removed.
    """
    for version in versions:
        version_folder(work_dir, version).mkdir(parents=True, exist_ok=True)
    for path in work_dir.iterdir():
        if path.name.isdecimal() and int(path.name) not in versions:
            shutil.rmtree(path)


def write_fetched(directory: Path, manifest: Manifest, model: bytes) -> None:
    """Write a release's model into its folder, then the manifest that tells of it: when that is there, all is.

    Readable by their owner only.

    Raises:
        OSError: the folder cannot be written, or has no room.
    """
    if shutil.disk_usage(directory).free < len(model):
        raise OSError(errno.ENOSPC, f"a model of {len(model)} bytes has no room in work_dir", str(directory))
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    write_atomically(directory / MODEL_FILE, model)
    write_atomically(directory / MANIFEST_NAME, encode_manifest(manifest))


def read_fetched(directory: Path, *, job: str, release: Release) -> tuple[Manifest, Path]:
    """The manifest of a release, and where its model is, whose bytes are compared with the manifest once more.

    Raises:
        NotFetchedError: nothing was fetched, or another run or variant.
        ArtifactError: the manifest is none.
        VariantNotPublishedError: the run has no such variant.
        OSError: a file cannot be read.
    """
    path = directory / MODEL_FILE
    try:
        manifest = decode_manifest((directory / MANIFEST_NAME).read_bytes(), str(directory / MANIFEST_NAME))
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise NotFetchedError(
            f"there is no {error.filename}: the model has to be fetched there first, with --fetch-only"
        ) from None
    if (manifest.job, manifest.run) != (job, release.run):
        raise NotFetchedError(f"{directory} has run {manifest.run} of {manifest.job}, not run {release.run} of {job}")
    if found != manifest.model_artifact(release.variant).sha256:
        raise NotFetchedError(f"{path} is not what was fetched: its sha256 is {found}")
    return manifest, path


def _file_system(directory: Path) -> int:
    # Python's statvfs leaves the type out. It is the first word of the structure on the platforms of tritonserver.
    library = ctypes.CDLL(None, use_errno=True)
    structure = ctypes.create_string_buffer(_LARGEST_STATFS)
    if library.statfs(os.fsencode(directory), structure) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(directory))
    return int.from_bytes(structure.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)
