"""A real federation: a SuperLink, two SuperNodes over TLS with keys, two sites with data that is not alike."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.processes import is_alive
from tests.workloads.training.conftest import RunningJob, wait_until
from tests.workloads.training.federated.conftest import NEEDS_FLOWER, PYTHON, ROOT, Cloud, FederatedJob, become
from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
from trainyard_artifacts.storage import ObjectStore
from trainyard_federated.checkpoints import RoundCheckpoints
from trainyard_federated.coordination import SiteReport, State
from trainyard_training.data.examples import Examples, decode_examples
from trainyard_training.exit_status import ExitStatus

pytestmark = [pytest.mark.xdist_group("federated"), NEEDS_FLOWER]


@pytest.mark.slow
def test_two_sites_train_together_from_the_last_round_on_and_nobody_sees_the_others(
    new_job: Callable[..., FederatedJob], site_objects: dict[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes on after a first round; after the second, south is gone."""
    job = new_job(rounds=3, target_accuracy=0.7)
    become("coordinator", job.cloud, monkeypatch)
    leave_a_first_round(job)
    with started(job) as process:
        seen = watch(process)
        running = RunningJob(process)
        running.wait_for("round 2/3  2 of 2 sites")
        kill_trainer(process, "south")
        code, output = running.end()
    assert code == ExitStatus.DONE, output
    lines = output.splitlines()
    assert lines[:2] == ["run digits/together: 3 rounds over 2 sites", "resumed after round 1"]
    assert any(line.startswith("warning: site south is out: south-trainer ended with -9") for line in lines)
    assert any(line.startswith("round 3/3  1 of 2 sites") for line in lines)
    assert lines[-1].startswith("published ")

    require_isolation(job.cloud, seen)
    require_a_published_model(job, decode_examples(site_objects["north"]["test-00000-of-00001.npz"], "north"))
    # Nothing is left of the run in its folder.
    assert not list(job.path.parent.glob("trainyard-*"))
    for secret in (each["AWS_SECRET_ACCESS_KEY"] for each in job.cloud.environments.values()):
        assert secret not in output


def kill_trainer(process: "subprocess.Popen[str]", site: str) -> None:
    """Kill the process that trains for a site, outright."""
    mine = psutil.Process(process.pid).children()
    (trainer,) = [each for each in mine if "trainer" in each.cmdline() and site in each.cmdline()]
    trainer.kill()


def leave_a_first_round(job: FederatedJob) -> None:
    """Store what a server that was killed in the second round has left: a first round that learned nothing."""
    from trainyard_federated.local_training import new_model, weights_of

    specification = job.specification
    entry = {"round": 1, "training_loss": 2.3, "accuracy": 0.1, "training_examples": {}, "test_examples": {}}
    reports = {"north": SiteReport("ab" * 32, 1, 1, 1)}
    state = State(weights_of(new_model(specification)), (entry,), reports)
    RoundCheckpoints(specification, Envelope(specification.coordinator.encryption_key_uri)).save(state)


@contextmanager
def started(job: FederatedJob) -> Iterator["subprocess.Popen[str]"]:
    """The run's process; all that it has started is ended with it."""
    process = job.start()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def watch(process: "subprocess.Popen[str]") -> dict[str, dict[str, Any]]:
    """What each kind of process was seen with, by role and site, until all six were: environment, listeners."""
    seen: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for child in descendants(process.pid):
            with suppress(psutil.Error, ValueError):
                command = child.cmdline()
                role = command[command.index("trainyard_federated.role") + 1]
                environment = child.environ()
                site = Path(environment["HOME"]).name
                listeners = [
                    each.laddr.ip for each in child.net_connections("inet") if each.status == psutil.CONN_LISTEN
                ]
                found = seen.setdefault(f"{role} {site}", {"listeners": set()})
                found["environment"], found["command"] = environment, command
                found["listeners"] |= set(listeners)
        listening = [name for name, found in seen.items() if found["listeners"]]
        if len(seen) == 6 and len(listening) == 3:
            break
        time.sleep(0.5)
    return seen


def descendants(process: int) -> list[psutil.Process]:
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def require_isolation(cloud: Cloud, seen: dict[str, dict[str, Any]]) -> None:
    """Each process has its own identity's key or none, and listens on the loopback interface or not at all."""
    owners = {
        "superlink coordinator": None,
        "coordinator coordinator": "coordinator",
        "supernode site-0": None,
        "trainer site-0": "north",
        "supernode site-1": None,
        "trainer site-1": "south",
    }
    assert set(seen) == set(owners)
    for name, owner in owners.items():
        everything = " ".join([*seen[name]["environment"].values(), *seen[name]["command"]])
        for identity, variables in cloud.environments.items():
            assert (variables["AWS_SECRET_ACCESS_KEY"] in everything) is (identity == owner), (name, identity)
        assert not any("secret-key" in word for word in seen[name]["command"])
        assert seen[name]["listeners"] <= {"127.0.0.1"}, name
        assert seen[name]["environment"]["FLWR_TELEMETRY_ENABLED"] == "0"


def require_a_published_model(job: FederatedJob, evaluated_on: Examples) -> None:
    """The manifest and the model are those of a run as any other, and the model is as good as the site has said."""
    specification = job.specification
    places = specification.coordinator
    uri = f"{places.models_uri}/manifest.json"
    manifest = fetch_manifest(uri, Origin(job="digits", run="together", key_uri=places.encryption_key_uri))
    assert manifest.metrics["test_accuracy"] >= 0.7
    assert manifest.data.train_examples + manifest.data.test_examples == 1797
    report = json.loads(read_artifact(uri, manifest, "report.json"))
    assert [entry["round"] for entry in report["rounds"]] == [1, 2, 3]
    assert sorted(report["sites"]) == ["north", "south"]
    log = ObjectStore(places.checkpoints_uri).get("rounds.jsonl").splitlines()
    assert [json.loads(line)["round"] for line in log] == [1, 2, 3]

    from trainyard_training.finishing.export import run_onnx

    logits = run_onnx(read_artifact(uri, manifest, "model.onnx"), evaluated_on.inputs.astype(np.float32))
    accuracy = float((logits.argmax(1) == evaluated_on.labels).mean())
    assert accuracy == pytest.approx(manifest.metrics["test_accuracy"], abs=1e-6)


@pytest.mark.slow
def test_nothing_is_left_running_when_the_launcher_is_killed_outright(new_job: Callable[..., FederatedJob]) -> None:
    with started(new_job()) as process:
        assert wait_until(lambda: len(descendants(process.pid)) >= 2, 60)
        left = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert wait_until(lambda: not any(is_alive(each) for each in left))


def test_a_bad_identity_is_told_before_anything_is_started(new_job: Callable[..., FederatedJob]) -> None:
    job = new_job()
    for site in job.specification.sites:
        Path(site.environment_file).chmod(0o644)
    code, output = job.run()
    assert code == ExitStatus.BAD_SPECIFICATION
    assert [line.split(": ")[0 if number else 1] for number, line in enumerate(output.splitlines())] == [
        "sites.north.environment_file",
        "sites.south.environment_file",
    ]
    assert not list(job.path.parent.glob("trainyard-*"))


def test_both_ends_in_flower() -> None:
    """In Flower's own environment, where ``flower_ends`` is run by pytest again."""
    command = [PYTHON, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FLWR_TELEMETRY_ENABLED": "0"}
    file = Path(__file__).with_name("flower_ends.py")
    ended = subprocess.run([*command, file], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
