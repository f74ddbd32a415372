"""The lock of a stack: one holder at a time, dead owners are replaced, living ones are named."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import lock
from engine.file_backend import StateNotWritable
from engine.lock import LockOwner, StackLock, StackLocked, is_dead, read_lock

ROOT = Path(__file__).resolve().parent.parent.parent

HOLDER = """
import sys
from pathlib import Path
from engine.lock import StackLock
with StackLock(Path(sys.argv[1]), "p", "s"):
    print("held", flush=True)
    sys.stdin.read()
"""

RACER = """
import sys, time
from pathlib import Path
from engine.lock import StackLock, StackLocked
folder = Path(sys.argv[1])
taken = 0
while taken < 15:
    try:
        with StackLock(folder, "p", "s"):
            (folder / "held").touch(exist_ok=False)
            time.sleep(0.002)
            (folder / "held").unlink()
            taken += 1
    except StackLocked:
        time.sleep(0.003)
print("done")
"""


def lock_folder(folder: Path) -> Path:
    return folder / ".pulumi" / "locks" / "organization" / "p" / "s"


def put_lock(folder: Path, *, pid: int, hostname: str | None = None, since: datetime | None = None) -> Path:
    """A lock as the pulumi command writes it, with nanoseconds."""
    file = lock_folder(folder) / "5b6c0f38-7f2b-4c5f-a7a0-7c1c8c2d9f10.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    moment = since or datetime.now(UTC)
    owner = {
        "pid": pid,
        "username": "somebody",
        "hostname": hostname or socket.gethostname(),
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}789+00:00",
    }
    file.write_text(json.dumps(owner))
    file.with_name(file.name + ".attrs").write_text("{}")
    return file


def test_a_lock_names_its_owner_and_is_given_back(tmp_path: Path) -> None:
    with StackLock(tmp_path, "p", "s") as held:
        [file] = lock_folder(tmp_path).iterdir()
        owner = read_lock(file)
        assert (owner.pid, owner.hostname) == (os.getpid(), socket.gethostname())
        assert abs(owner.since - datetime.now(UTC)) < timedelta(minutes=1)
        assert held.taken_over == []
    assert list(lock_folder(tmp_path).iterdir()) == []


def test_a_lock_is_given_back_whatever_happens(tmp_path: Path) -> None:
    def fail() -> None:
        with StackLock(tmp_path, "p", "s"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(lock_folder(tmp_path).iterdir()) == []


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    with StackLock(tmp_path, "p", "s"), StackLock(tmp_path, "p", "other"):
        [file] = lock_folder(tmp_path).iterdir()
        owner = read_lock(file)
        with pytest.raises(StackLocked) as caught, StackLock(tmp_path, "p", "s"):
            pass
        assert str(caught.value) == (
            f"stack s is locked by {owner.username}@{owner.hostname} (pid {os.getpid()}) "
            f"since {owner.since:%Y-%m-%d %H:%M:%S} UTC\n"
            "wait until that deployment ends, or stop it; if it is no longer running on its machine, remove the lock "
            f"with 'yard cancel -s s', 'pulumi cancel' or: rm {file}"
        )
        assert list(lock_folder(tmp_path).iterdir()) == [file]
    with StackLock(tmp_path, "p", "s"):
        pass


def test_a_killed_owner_is_replaced(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StackLocked, match=rf"\(pid {holder.pid}\)"), StackLock(tmp_path, "p", "s"):
        pass
    holder.kill()
    holder.communicate()
    with StackLock(tmp_path, "p", "s") as held:
        assert [owner.pid for owner in held.taken_over] == [holder.pid]


def test_a_recycled_pid_is_not_the_owner(tmp_path: Path) -> None:
    file = put_lock(tmp_path, pid=os.getpid(), since=datetime.now(UTC) - timedelta(days=30))
    assert is_dead(read_lock(file))
    with StackLock(tmp_path, "p", "s") as held:
        assert held.taken_over[0].username == "somebody"
        assert len(list(lock_folder(tmp_path).iterdir())) == 1


@pytest.mark.parametrize("hostname", [None, "another-machine"])
def test_an_owner_that_may_be_alive_is_left_alone(tmp_path: Path, hostname: str | None) -> None:
    since = datetime.now(UTC) if hostname is None else datetime(2020, 1, 1, tzinfo=UTC)
    file = put_lock(tmp_path, pid=os.getpid(), hostname=hostname, since=since)
    with pytest.raises(StackLocked, match="somebody@"), StackLock(tmp_path, "p", "s"):
        pass
    assert file.exists()


def test_our_own_living_lock_counts_whatever_the_clock_says(tmp_path: Path) -> None:
    with StackLock(tmp_path, "p", "s"):
        [file] = lock_folder(tmp_path).iterdir()
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, "timestamp": "2020-01-01T00:00:00Z"}))
        assert not is_dead(read_lock(file))


def test_a_lock_that_names_nobody_is_not_touched(tmp_path: Path) -> None:
    file = put_lock(tmp_path, pid=1)
    file.write_text("{")
    with pytest.raises(StackLocked) as caught, StackLock(tmp_path, "p", "s"):
        pass
    assert str(caught.value) == (
        f"stack s is locked, and the lock does not say by whom: {file}\n"
        "if no deployment of the stack is running anywhere, remove that file"
    )


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / ".pulumi").write_text("in the way")
    with pytest.raises(StateNotWritable, match="cannot be locked"), StackLock(tmp_path, "p", "s"):
        pass


def test_of_two_that_race_one_wins_each_time(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    outputs = [racer.communicate() for racer in racers]
    assert outputs == [("done\n", "")] * 3
    assert list(lock_folder(tmp_path).iterdir()) == []


def test_an_owner_whose_parent_is_gone_is_waited_for_and_not_called_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_LEFTOVER_SECONDS", 0.0)
    told: list[LockOwner] = []
    with StackLock(tmp_path, "p", "s"):
        [file] = lock_folder(tmp_path).iterdir()
        content = json.loads(file.read_text())
        assert content["parent"] == os.getppid()
        file.write_text(json.dumps({**content, "parent": os.getpid()}))
        with pytest.raises(StackLocked) as caught, StackLock(tmp_path, "p", "s", told.append):
            pass
        assert [owner.pid for owner in told] == [os.getpid()]
        assert str(caught.value) == (
            f"stack s is locked by {told[0]}: its command was killed, but it still runs\n"
            f"wait until it ends, or end it with: kill {os.getpid()}"
        )
        assert file.exists()
