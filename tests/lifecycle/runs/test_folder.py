"""Records and their folders: durable, checked when they are read, and held by one process at a time."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.runs.errors import RunError, RunLocked, RunNotFound
from lifecycle.runs.folder import RECORD, RunFolder, held, list_runs, run_folder
from lifecycle.runs.record import RunRecord, decode_record, moment_of, new_id, utc_text
from tests.lifecycle.runs.fake_worlds import new_run

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 26, 12, 34, 56, tzinfo=UTC)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = new_run(tmp_path, metrics={"test_accuracy": 0.9}, settings={"shop:owner": "Zoë"})
    written = run.write(run.read().changed(phase="fetch"))
    assert run.read() == written
    assert moment_of(written.updated) > moment_of("2026-11-26T12:00:00Z") - timedelta(days=3650)
    assert (run.path / RECORD).stat().st_mode & 0o077 == 0


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_survive_being_written(moment: datetime) -> None:
    assert moment_of(utc_text(moment)) == moment.replace(microsecond=0)


def test_names_sort_by_time_and_differ(tmp_path: Path) -> None:
    earlier, later = new_id(NOW), new_id(NOW + timedelta(seconds=1))
    assert earlier < later
    assert earlier.startswith("20261126-123456-")
    assert len({new_id(NOW) for _ in range(9)}) > 1
    assert run_folder(tmp_path, earlier).id == earlier


@pytest.mark.parametrize("name", ["../secrets", "20261126", "", "20261126-123456-zzzz"])
def test_what_no_run_is_called_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunNotFound, match="must be YYYYMMDD-HHMMSS-xxxx"):
        run_folder(tmp_path, name)


def test_runs_are_listed_oldest_first_and_without_others(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    run = new_run(tmp_path)
    earlier = RunFolder(run.path.with_name("20250101-000000-abcd"))
    earlier.write(run.read().changed(id=earlier.id))
    (run.path.parent / "20250101-000000-0000").mkdir()
    (run.path.parent / "notes").mkdir()
    assert list_runs(tmp_path) == [earlier, run]
    assert run.directory == tmp_path


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "is not a run's record: it is not JSON"),
        (b"{}", "is not a run's record: id: Field required"),
        (b'{"version": 2}', "has version 2, and this yard reads 1: use the one that wrote it"),
    ],
)
def test_what_is_no_record_is_named(content: bytes, problem: str) -> None:
    with pytest.raises(RunError, match=problem):
        decode_record(content, "run.json")


def test_a_record_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    document = json.loads(new_run(tmp_path).read().encode())
    with pytest.raises(RunError, match="colour"):
        decode_record(json.dumps({**document, "colour": "red"}).encode(), "run.json")
    with pytest.raises(RunError, match="phase"):
        decode_record(json.dumps({**document, "phase": "lunch"}).encode(), "run.json")


def test_a_run_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="there is no run '20261126-120000-0000'"):
        RunFolder(tmp_path / "20261126-120000-0000").read()


HOLD_FOR_EVER = """
import signal, sys
from pathlib import Path
from lifecycle.runs.folder import held
with held(Path(sys.argv[1]), "taken"):
    print("held", flush=True)
    signal.pause()
"""


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD_FOR_EVER, str(lock)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunLocked, match=f"process {holder.pid} has it"), held(lock, "process {pid} has it"):
            pass
        holder.kill()
    with held(lock, "taken"):
        assert lock.read_text() == f"{os.getpid()}\n"


def test_a_lock_in_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"), held(tmp_path / "missing" / "lock", "taken"):
        pass


def test_a_record_cannot_be_changed_into_nonsense(tmp_path: Path) -> None:
    record: RunRecord = new_run(tmp_path).read()
    with pytest.raises(ValueError, match="max_hours"):
        record.changed(max_hours=-1)
