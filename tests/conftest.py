"""What holds for every test: repeatable examples, and a session that leaves no process and no file behind.

The check runs once, in the process that controls the session (with pytest-xdist: not in its workers). All that the
session starts inherits an environment variable of its own and is found by it, however far it has detached itself.
"""

import gc
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest

from infra.local import process as local_process

ROOT = Path(__file__).resolve().parent.parent
SESSION_VARIABLE = "TRAINYARD_TEST_SESSION"
SECONDS_TO_END = 10.0
MOST_WORKERS = 8
IGNORED_FOLDERS = {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv"}
IGNORED_FOLDERS |= {".venv-federated", ".venv-triton"}
IN_CI = bool(os.environ.get("CI"))

hypothesis.settings.register_profile("developer", deadline=None)
# The same examples on every run, and nothing kept between runs.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "developer")

# The tests' processes share few cores: none may start a thread for each, or compile all modules anew.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes `-n auto` starts: one more than cores, since many tests wait for others' processes."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Mark the environment that all processes of this session inherit, and remember the files there are."""
    # A shell without job control starts what runs in the background deaf to SIGINT, and all that this starts with it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not _is_worker(config):
        os.environ[SESSION_VARIABLE] = uuid.uuid4().hex
        config.stash[FILES_BEFORE] = project_files()


@pytest.fixture(scope="session", autouse=True)
def _ports_of_its_own(worker_id: str) -> None:
    """Let each worker of pytest-xdist choose from ports of its own: a chosen port is free until it is listened on."""
    if worker_id != "master":
        share, number = len(local_process._PORTS) // MOST_WORKERS, int(worker_id.removeprefix("gw")) % MOST_WORKERS
        local_process._PORTS = local_process._PORTS[number * share : (number + 1) * share]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while modules are imported and tests made, which all stay: it takes half of that time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session if it has left something behind, and end the processes that it left."""
    if _is_worker(session.config) or session.config.option.collectonly:
        return
    problems = [f"process {left}" for left in end_processes_left(os.environ[SESSION_VARIABLE])]
    files = [f"file {path}" for path in sorted(project_files() - session.config.stash[FILES_BEFORE])]
    if IN_CI:
        problems += files
    elif files:
        # On a developer's machine somebody may be writing code while the tests run.
        session.config.issue_config_time_warning(
            pytest.PytestWarning("New in the project while the tests ran: " + ", ".join(files)), stacklevel=1
        )
    if problems:
        report = pytest.TestReport(
            nodeid="the session leaves nothing behind",
            location=("tests/conftest.py", None, "the session leaves nothing behind"),
            keywords={},
            outcome="failed",
            longrepr="Left behind:\n" + "\n".join(f"  {problem}" for problem in problems),
            when="teardown",
        )
        session.config.hook.pytest_runtest_logreport(report=report)
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def end_processes_left(session: str) -> list[str]:
    """Return a line for each process that outlives the session by more than `SECONDS_TO_END`, and kill it."""
    deadline = time.monotonic() + SECONDS_TO_END
    left = list(processes_of(session))
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = list(processes_of(session))
    lines = []
    for process in left:
        try:
            lines.append(f"{process.pid}: {' '.join(process.cmdline())[:200]}")
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return lines


def processes_of(session: str) -> Iterator[psutil.Process]:
    """Yield the running processes that carry the session's variable; pytest's own does not, since it set it itself."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(SESSION_VARIABLE) == session and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):
            continue


def project_files() -> set[Path]:
    """Return the files of the project, without the tools' caches and environments, relative to its folder."""
    found = set()
    for folder, subfolders, files in os.walk(ROOT):
        subfolders[:] = [name for name in subfolders if name not in IGNORED_FOLDERS and name != "__pycache__"]
        found.update(Path(folder, name).relative_to(ROOT) for name in files)
    return found


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


FILES_BEFORE = pytest.StashKey[set[Path]]()
