"""What the process that fetches leaves for the one that serves: in memory only, whole, and known again."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.serving.service_process import publish, tiny_model
from trainyard_artifacts.fetch import Origin, fetch_manifest
from trainyard_artifacts.manifest import Manifest
from trainyard_serving.memory_files import (
    NotFetchedError,
    NotInMemoryError,
    keep_versions,
    read_fetched,
    require_memory,
    version_folder,
    write_fetched,
)
from trainyard_serving.release import Release
from trainyard_serving.triton import SHARED_MEMORY

JOB, RUN = "digits", "0123456789ab"
RELEASE = Release(version=1, manifest_uri="s3://models/m/manifest.json", run=RUN, percent=100)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether a folder is in memory")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory."""
    made = Path(tempfile.mkdtemp(dir=SHARED_MEMORY, prefix="trainyard-test-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def manifest(object_cloud: Any, request: pytest.FixtureRequest) -> Manifest:
    uri = publish(f"s3://{object_cloud.models_bucket}/{request.node.name}/{os.getpid()}", object_cloud.key_uri)
    return fetch_manifest(uri, Origin(job=JOB, run=RUN, key_uri=object_cloud.key_uri))


def test_what_was_left_is_found_again_and_readable_by_its_owner_only(folder: Path, manifest: Manifest) -> None:
    write_fetched(folder, manifest, tiny_model())
    found, path = read_fetched(folder, job=JOB, release=RELEASE)
    assert (found, path.read_bytes()) == (manifest, tiny_model())
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    # A container that is started anew finds it, too, and may fetch it again.
    write_fetched(folder, manifest, tiny_model())
    assert read_fetched(folder, job=JOB, release=RELEASE)[0] == manifest


def test_what_is_not_there_whole_is_not_served(folder: Path, manifest: Manifest) -> None:
    with pytest.raises(NotFetchedError, match=r"there is no .*: the model has to be fetched there first"):
        read_fetched(folder, job=JOB, release=RELEASE)
    write_fetched(folder, manifest, tiny_model())
    with pytest.raises(NotFetchedError, match=f"has run {RUN} of digits, not run ba9876543210 of digits"):
        read_fetched(folder, job=JOB, release=RELEASE.model_copy(update={"run": "ba9876543210"}))
    (folder / "model.onnx").write_bytes(tiny_model()[:-1])
    with pytest.raises(NotFetchedError, match="is not what was fetched"):
        read_fetched(folder, job=JOB, release=RELEASE)
    (folder / "model.onnx").unlink()
    with pytest.raises(NotFetchedError, match=r"there is no .*model\.onnx"):
        read_fetched(folder, job=JOB, release=RELEASE)


def test_releases_that_are_served_no_more_take_no_memory(folder: Path, manifest: Manifest) -> None:
    keep_versions(folder, {1, 2})
    write_fetched(version_folder(folder, 2), manifest, tiny_model())
    (folder / "releases.json").touch()
    keep_versions(folder, {1, 3})
    assert {path.name for path in folder.iterdir()} == {"1", "3", "releases.json"}


def test_a_folder_that_is_not_in_memory_is_told_by_its_file_system(folder: Path) -> None:
    require_memory(folder)
    require_memory(folder / "to" / "come")
    # Every Linux has this one, and it is of a kind of its own.
    with pytest.raises(NotInMemoryError, match=r"/proc/service is not in memory \(its file system is of type 0x9fa0\)"):
        require_memory(Path("/proc/service"))


def test_a_model_that_has_no_room_is_told_before_it_is_written(
    folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 20, 1 << 20, 0))
    with pytest.raises(OSError, match=f"a model of {len(tiny_model())} bytes has no room in work_dir"):
        write_fetched(folder, manifest, tiny_model())
    assert list(folder.iterdir()) == []
