"""State on disk: what is written is read, a damaged file is refused with its remedy, and kill -9 loses nothing."""

import gzip
import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint import empty_deployment, encode_checkpoint, new_manifest
from engine.errors import Unsupported
from engine.file_backend import DamagedState, FileBackend, HistoryEntry, StackNotEmpty, StateNotWritable
from engine.project import Project
from engine.state_location import find_state_folder

ROOT = Path(__file__).resolve().parent.parent.parent
MANIFEST: dict[str, Any] = {"version": "", "magic": ""}


def checkpoint(number: int, padding: int = 0) -> bytes:
    stack = f'{{"urn":"urn:{number}","custom":false,"type":"pulumi:pulumi:Stack","outputs":{{"n":{number}}}}}'
    more = f'{{"urn":"urn:x","custom":false,"type":"t:m:T","outputs":{{"p":"{"x" * padding}"}}}}'
    return encode_checkpoint("p", "s", empty_deployment(MANIFEST, None), [stack, more])


def number_of(deployment: dict[str, Any] | None) -> int:
    assert deployment is not None
    return int(deployment["resources"][0]["outputs"]["n"])


@pytest.fixture
def backend(tmp_path: Path) -> FileBackend:
    backend = FileBackend(tmp_path, "p", {})
    backend.check_writable()
    return backend


def test_what_is_written_is_read_and_the_one_before_is_kept(backend: FileBackend) -> None:
    assert backend.read_checkpoint("s") is None
    assert backend.list_stacks() == []
    for number in (1, 2, 3):
        backend.write_checkpoint("s", checkpoint(number))
    assert number_of(backend.read_checkpoint("s")) == 3
    file = backend.state_file("s")
    assert (
        json.loads(file.with_name("s.json.bak").read_bytes())["checkpoint"]["latest"]["resources"][0]["urn"] == "urn:2"
    )
    assert sorted(path.name for path in file.parent.iterdir()) == ["s.json", "s.json.bak"]
    assert (backend.folder / ".pulumi" / "meta.yaml").read_text() == "version: 1\n"
    assert backend.list_stacks() == ["s"]


def test_a_stack_without_a_deployment_is_empty(backend: FileBackend) -> None:
    backend.write_checkpoint("s", b'{"version":3,"checkpoint":{"stack":"organization/p/s"}}')
    assert backend.read_checkpoint("s") == {}


def test_a_compressed_state_is_read_and_replaced(backend: FileBackend) -> None:
    plain = backend.state_file("s")
    packed = plain.with_name("s.json.gz")
    packed.write_bytes(gzip.compress(checkpoint(1)))
    assert backend.list_stacks() == ["s"]
    assert number_of(backend.read_checkpoint("s")) == 1
    backend.write_checkpoint("s", checkpoint(2))
    assert not packed.exists()
    assert packed.with_name("s.json.gz.bak").exists()
    assert number_of(backend.read_checkpoint("s")) == 2


@pytest.mark.parametrize(
    ("content", "damage"),
    [
        (checkpoint(1)[:-30], "it is cut off after"),
        (b"", "it is empty"),
        (b"\0" * 100, "it holds nothing but zeros and spaces"),
        (b"<html>", "it is not valid JSON at line 1, column 1"),
        (b"[]", "it is not an object"),
        (b'{"version":"3"}', "it says no version"),
        (b'{"version":3}', "it holds no checkpoint"),
        (b'{"version":3,"checkpoint":{"latest":{"resources":[{"urn":5}]}}}', "resource 0: 'urn' is not text"),
        # Each of pytest's processes has to give the test the same name, and so no time may be in it.
        (gzip.compress(checkpoint(1), mtime=0)[:-20], "it cannot be read"),
        (checkpoint(1).replace(b'"magic":""', b'"magic":"x"'), "the manifest's magic does not belong to its version"),
        (checkpoint(1).replace(b"urn:x", b"urn:1"), "urn:1 stands there 2 times"),
    ],
)
def test_a_damaged_state_is_refused_with_the_newest_good_backup(
    backend: FileBackend, content: bytes, damage: str
) -> None:
    file = backend.state_file("s")
    backend.write_checkpoint("s", checkpoint(1))
    backend.add_history("s", HistoryEntry("update", "succeeded", 1.0, 2.0))
    backend.write_checkpoint("s", checkpoint(2))
    file.with_name("s.json.bak").write_bytes(content)
    file.write_bytes(content)
    [backup] = (backend.folder / ".pulumi" / "backups" / "p" / "s").iterdir()
    [kept] = (backend.folder / ".pulumi" / "history" / "p" / "s").glob("*.checkpoint.json")
    os.utime(kept, ns=(0, 0))
    with pytest.raises(DamagedState) as caught:
        backend.read_checkpoint("s")
    first, second, third = str(caught.value).splitlines()
    assert first.startswith(f"{file} is damaged: {damage}")
    assert second.startswith("the newest good backup is from ")
    assert second.endswith(str(backup))
    assert third == f"to restore it: yard restore -s s   or: cp {backup} {file}"
    subprocess.run(third.rpartition(" or: ")[2], shell=True, check=True)  # noqa: S602
    assert number_of(backend.read_checkpoint("s")) == 1


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_a_backup_takes_the_place_of_a_damaged_state(backend: FileBackend, suffix: str) -> None:
    backend.write_checkpoint("s", checkpoint(1))
    backend.add_history("s", HistoryEntry("update", "succeeded", 1.0, 2.0))
    plain = backend.state_file("s")
    damaged = plain.with_name(f"s{suffix}")
    plain.unlink()
    damaged.write_bytes(b"{")
    backup = backend.newest_good_backup("s")
    assert backup is not None
    kept = backend.restore("s", backup)
    assert kept == damaged.with_name(f"s{suffix}.damaged")
    assert kept.read_bytes() == b"{"
    assert backend.state_file("s") == plain
    assert number_of(backend.read_checkpoint("s")) == 1
    with pytest.raises(DamagedState, match="cannot be restored: it is cut off"):
        backend.restore("s", kept)


def test_without_a_good_backup_it_says_so(backend: FileBackend) -> None:
    backend.write_checkpoint("s", b"{")
    with pytest.raises(DamagedState) as caught:
        backend.read_checkpoint("s")
    file = backend.state_file("s")
    assert str(caught.value) == f"{file} is damaged: it is cut off after 1 bytes; there is no good backup of it"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"version":4,"features":["taint"],"checkpoint":{}}', r"version 4 with taint; the embedded engine knows"),
        (b'{"version":2,"checkpoint":{}}', "version 2; .* use the pulumi command for this stack, which brings older"),
        (b'{"stack":"s","latest":{}}', "version 0; "),
        (b"\x28\xb5\x2f\xfd1234", "Zstandard"),
    ],
)
def test_other_versions_are_refused_by_name(backend: FileBackend, content: bytes, text: str) -> None:
    backend.write_checkpoint("s", content)
    with pytest.raises(Unsupported, match=text):
        backend.read_checkpoint("s")


@pytest.mark.parametrize(
    ("meta", "error"), [("version: 0\n", Unsupported), ("version: 2\n", Unsupported), ("vers", DamagedState)]
)
def test_other_layouts_are_refused(tmp_path: Path, meta: str, error: type[Exception]) -> None:
    (tmp_path / ".pulumi" / "stacks").mkdir(parents=True)
    (tmp_path / ".pulumi" / "meta.yaml").write_text(meta)
    with pytest.raises(error):
        FileBackend(tmp_path, "p").check_writable()


def test_the_layout_without_projects_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".pulumi" / "stacks").mkdir(parents=True)
    (tmp_path / ".pulumi" / "stacks" / "old.json").write_text("{}")
    with pytest.raises(Unsupported, match="pulumi state upgrade"):
        FileBackend(tmp_path, "p").read_checkpoint("s")


def test_a_folder_that_cannot_be_written_is_one_error_before_anything(tmp_path: Path) -> None:
    (tmp_path / ".pulumi").write_text("a file in the way")
    with pytest.raises(StateNotWritable) as caught:
        FileBackend(tmp_path, "p").check_writable()
    assert str(caught.value) == f"the state cannot be kept in {tmp_path}/.pulumi: that is not a folder"
    assert [path.name for path in tmp_path.iterdir()] == [".pulumi"]


def test_reading_creates_nothing(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path, "p")
    assert backend.read_checkpoint("s") is None
    assert backend.list_stacks() == backend.read_history("s") == []
    assert list(tmp_path.iterdir()) == []


def test_the_history_has_the_newest_first(backend: FileBackend) -> None:
    backend.write_checkpoint("s", checkpoint(1))
    for number in range(3):
        backend.add_history("s", HistoryEntry("update", "succeeded", number, number + 1, message=f"m{number}"))
    assert [entry["message"] for entry in backend.read_history("s")] == ["m2", "m1", "m0"]
    backups = backend.folder / ".pulumi" / "backups" / "p" / "s"
    assert len(list(backups.iterdir())) == 3
    without = FileBackend(backend.folder, "p", {"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true"})
    without.add_history("s", HistoryEntry("destroy", "failed", 5, 6))
    assert len(list(backups.iterdir())) == 3


def test_a_stack_with_resources_is_not_removed(backend: FileBackend) -> None:
    backend.write_checkpoint("s", checkpoint(1))
    backend.add_history("s", HistoryEntry("update", "succeeded", 1, 2))
    with pytest.raises(StackNotEmpty, match=r"^stack s still has 1 resources, such as urn:x: destroy it first$"):
        backend.remove_stack("s")
    backend.write_checkpoint("s", encode_checkpoint("p", "s", empty_deployment(MANIFEST, None)))
    backend.remove_stack("s")
    assert backend.list_stacks() == backend.read_history("s") == []
    assert backend.read_checkpoint("s") is None
    assert backend.state_file("s").with_name("s.json.bak").exists()
    backend.remove_stack("s")


def test_the_state_folder_comes_from_the_environment_or_the_project(tmp_path: Path) -> None:
    project = Project(tmp_path / "Pulumi.yaml", "p", "python", backend_url="file:///from/project")
    assert find_state_folder(Project(tmp_path / "Pulumi.yaml", "p", "python"), environment={}) == tmp_path
    assert find_state_folder(project, environment={}) == Path("/from/project")
    assert find_state_folder(project, environment={"PULUMI_BACKEND_URL": "file:///e%20nv?x=y"}) == Path("/e nv")
    assert find_state_folder(project, "file://~/x", {"PULUMI_BACKEND_URL": "file:///e"}) == Path.home() / "x"
    assert find_state_folder(project, "file://rel") == Path.cwd() / "rel"
    with pytest.raises(Unsupported) as caught:
        find_state_folder(project, environment={"PULUMI_BACKEND_URL": "s3://key:secret@bucket"})
    assert str(caught.value) == (
        "PULUMI_BACKEND_URL is s3://…; the embedded engine keeps state in folders only, as file:///FOLDER: "
        "use the pulumi command for other backends"
    )


WRITER = """
import sys
from pathlib import Path
from engine.file_backend import FileBackend, HistoryEntry

backend = FileBackend(Path(sys.argv[1]), "p", {})
number, template = int(sys.argv[2]), sys.stdin.buffer.read()
while True:
    backend.write_checkpoint("s", template.replace(b"4711", str(number).encode()))
    if number % 5 == 0:
        backend.add_history("s", HistoryEntry("update", "succeeded", 1, 2))
    print(number, flush=True)
    number += 1
"""


def test_a_killed_writer_loses_nothing(backend: FileBackend) -> None:
    confirmed = 0
    backend.write_checkpoint("s", checkpoint(0))
    chance = random.Random(7)
    template = checkpoint(4711, padding=200_000).decode()
    for _ in range(30):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(backend.folder), str(confirmed + 1)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdin.write(template)
        writer.stdin.close()
        lines = [writer.stdout.readline()]
        time.sleep(chance.uniform(0, 0.03))
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        confirmed = int([line for line in lines if line.endswith("\n")][-1])
        found = number_of(backend.read_checkpoint("s"))
        assert found in (confirmed, confirmed + 1)
        assert backend.newest_good_backup("s") is not None
        confirmed = found
    backend.write_checkpoint("s", checkpoint(confirmed + 1))
    names = {path.name for path in backend.state_file("s").parent.iterdir()}
    assert names <= {"s.json", "s.json.bak", "s.json.bak.tmp"}


def test_five_thousand_resources_are_read(backend: FileBackend) -> None:
    resources = [
        json.dumps({"urn": f"urn:{n}", "custom": False, "type": "t:m:T", "inputs": {"a": ["x" * 50] * 10},
                    "parent": "urn:0" if n else ""})
        for n in range(5000)
    ]  # fmt: skip
    manifest = new_manifest("3.260.0", datetime.now(UTC))
    backend.write_checkpoint("s", encode_checkpoint("p", "s", empty_deployment(manifest, None), resources))
    deployment = backend.read_checkpoint("s")
    assert deployment is not None
    assert len(deployment["resources"]) == 5000
