"""The end of one process ends the others, with a reason."""

import signal
from pathlib import Path

import pytest

from tests.workloads.training.parameter_servers.processes import Setting, run_group
from tests.workloads.training.parameter_servers.scenarios import COUNTING, lose_a_process

pytestmark = pytest.mark.xdist_group("parameter-servers")


@pytest.mark.parametrize("how", ["killed", "waited for", "error"])
def test_a_lost_worker_ends_the_others(tmp_path: Path, how: str) -> None:
    setting = Setting(COUNTING, learning_rate=1.0, total_steps=50, staleness=2)

    lost, *others = run_group(tmp_path / "group", 2, 2, setting, lose_a_process, how)

    assert lost.exit_code == (0 if how == "error" else 9)
    for other in others:
        assert other.exit_code == 0
        assert other.error.startswith("WorkerLostError: ")
    assert "worker 0 is gone" in others[0].error


def test_a_lost_server_ends_the_others(tmp_path: Path) -> None:
    setting = Setting(COUNTING, learning_rate=1.0, total_steps=1000, staleness=2)

    *others, lost = run_group(tmp_path / "group", 2, 2, setting, lose_a_process, "server")

    assert lost.exit_code == -signal.SIGKILL
    for other in others:
        assert other.exit_code == 0
        assert other.error.startswith("WorkerLostError: ")


def test_a_worker_that_is_silent_for_the_whole_timeout_counts_as_lost(tmp_path: Path) -> None:
    setting = Setting(COUNTING, learning_rate=1.0, total_steps=50, staleness=2, timeout_seconds=1)

    outcomes = run_group(tmp_path / "group", 2, 1, setting, lose_a_process, "silent")

    for outcome in outcomes:
        assert outcome.exit_code == 0
        assert outcome.error.startswith("WorkerLostError: ")
