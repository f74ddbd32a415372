"""The launcher on one machine: nobody else can reach the run."""

from collections.abc import Callable

import psutil

from tests.workloads.training.conftest import LAUNCH, RunningJob, TrainingJob


def test_launcher_and_workers_listen_on_loopback_only(
    new_job: Callable[..., TrainingJob], start: Callable[[TrainingJob, list[str]], RunningJob]
) -> None:
    running = start(new_job(epochs=400), LAUNCH)
    running.wait_for("checkpoint of step 50")
    launcher = psutil.Process(running.process.pid)
    listening = {
        connection.laddr.ip
        for process in (launcher, *launcher.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    running.process.terminate()
    running.end()
    assert listening == {"127.0.0.1"}
