"""The launcher on one machine: nobody else can reach the run, and what it says of a failure is said once."""

import socket
import subprocess
import sys
from collections.abc import Callable

import psutil

from infra.local.process import free_port
from tests.workloads.training.conftest import LAUNCH, RunningJob, TrainingJob, wait_until
from trainyard_training.exit_status import ExitStatus

NewJob = Callable[..., TrainingJob]
Start = Callable[[TrainingJob, list[str]], RunningJob]


def test_what_every_worker_finds_is_said_once_and_without_a_traceback(new_job: NewJob, start: Start) -> None:
    exit_code, output = start(new_job(epochs=1, target_accuracy=0.999), LAUNCH).end()
    assert exit_code == ExitStatus.MODEL_REFUSED, output
    assert output.count("is below target_accuracy 0.999; nothing was published") == 1
    assert "Traceback" not in output


def test_launcher_and_workers_listen_on_loopback_only_and_a_killed_worker_is_named(
    new_job: NewJob, start: Start
) -> None:
    running = start(new_job(epochs=400), LAUNCH)
    running.wait_for("checkpoint of step 50")
    launcher = psutil.Process(running.process.pid)
    children = launcher.children(recursive=True)
    listening = {
        connection.laddr.ip
        for process in (launcher, *children)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}

    # Workers are forked from a process of their own; where they are not, nothing else stands between.
    workers = [child for child in children if child.ppid() != running.process.pid] or children
    workers[-1].kill()
    exit_code, output = running.end()
    assert exit_code == ExitStatus.FAILED
    assert "was killed by SIGKILL" in output
    assert "Traceback" not in output


def test_two_nodes_train_one_model_and_the_loss_of_one_is_no_failure_of_the_other(
    new_job: NewJob, start: Start
) -> None:
    """As on a cluster: the same command on each node, and the first keeps the place where they meet."""
    job = new_job(epochs=400)
    meeting_place = f"127.0.0.1:{free_port()}"
    gather = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-id=job", "--rdzv-backend=c10d", "--max-restarts=100"]
    gather += [f"--rdzv-endpoint={meeting_place}", "--local-addr=127.0.0.1"]
    command = [sys.executable, "-m", "trainyard_training.launch", *gather, "-m", "trainyard_training"]
    first = start(job, command)
    assert wait_until(lambda: _is_listened_on(meeting_place))
    second = start(job, command)
    # Whichever is rank 0 says so.
    assert wait_until(lambda: job.checkpoints != [], seconds=120)
    # The second has nobody to meet any more.
    first.kill_group()
    exit_code, output = second.end()
    assert exit_code == ExitStatus.STOPPED_EARLY, output
    assert "the nodes of the job have lost each other" in output


def _is_listened_on(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_what_is_refused_before_the_start_waits_for_no_slow_import() -> None:
    program = (
        "import sys; import trainyard_training.launch; print(sorted({'torch', 'onnx', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
