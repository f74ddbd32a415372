"""Jobs and services as processes: followed, adopted, finished after an interruption, and gone in the end."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local import process, records, shared_memory
from infra.local.cluster import JobProvider
from infra.local.folder import LeftoversError, StackFolderProvider
from infra.local.provider import UNKNOWN
from infra.local.services import ServiceProvider
from tests.infra.local.service_stub import SERVER, ask, service
from tests.infra.local.support import deploy_and_kill, nothing_left
from trainyard_serving.triton import shared_memory_prefix

Module = Callable[[str], dict[str, str]]
ROOT = Path(__file__).parents[3]
COUNTING_JOB = """
    import json, pathlib, sys, time
    document = json.loads(pathlib.Path(sys.argv[-1]).read_text())
    with open(document["runs"], "a") as runs:
        runs.write("run\\n")
    print("begun", flush=True)
    while not pathlib.Path(document["go"]).exists():
        time.sleep(0.02)
    print("done", flush=True)
    sys.exit(document.get("exit_code", 0))
    """


def job(folder: Path, environment: dict[str, str], go: bool = True, **changes: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    outside = folder.parent
    if go:
        (outside / "go").touch()
    document = {"runs": str(outside / "runs"), "go": str(outside / "go")}
    document |= changes.pop("document", {})
    props = {
        "folder": str(folder),
        "name": "job",
        "command": ["python", "-m", "stub"],
        "document": document,
        "environment": environment,
        "version": "1",
        "revision": "1",
        "deadline_seconds": 60,
        "grace_seconds": 2,
    }
    return {**props, **changes}


SHARING_SERVER = (
    """
    import json, pathlib, sys
    from trainyard_serving.triton import SHARED_MEMORY, shared_memory_prefix
    document = json.loads(pathlib.Path(sys.argv[-1]).read_text())
    (SHARED_MEMORY / (shared_memory_prefix(document["work_dir"]) + "region")).touch()
    """
    + SERVER
)
"""Makes shared memory as Triton's Python backend does, which stays when all of its processes are killed."""


def runs(folder: Path) -> int:
    return len((folder.parent / "runs").read_text().splitlines())


def test_a_job_is_followed_to_its_end_and_not_run_again(
    stack_folder: Path, module: Module, capsys: pytest.CaptureFixture[str]
) -> None:
    props = job(stack_folder, module(COUNTING_JOB))
    made = JobProvider().create(props)
    assert capsys.readouterr().out == "job: begun\njob: done\n"
    assert not JobProvider().diff(made.id, made.outs or {}, props).changes
    assert JobProvider().create(props).outs == made.outs
    assert runs(stack_folder) == 1
    assert "environment" not in (made.outs or {})
    for change in ({"version": "2"}, {"revision": "2"}, {"environment": {**props["environment"], "A": "b"}}):
        assert JobProvider().diff(made.id, made.outs or {}, {**props, **change}).replaces
    unknown = {**props, "environment": {**props["environment"], "AWS_ACCESS_KEY_ID": UNKNOWN}}
    difference = JobProvider().diff(made.id, made.outs or {}, unknown)
    assert (difference.changes, difference.replaces) == (True, []), "it may turn out to be what it was"
    elsewhere = {**unknown, "instance": UNKNOWN}
    assert JobProvider().diff(made.id, made.outs or {}, elsewhere).replaces == ["instance"]
    JobProvider().delete(made.id, made.outs or {})
    assert nothing_left(stack_folder)


def test_numbers_arrive_as_pulumi_sends_them_and_integers_are_written(stack_folder: Path, module: Module) -> None:
    sent = {"epochs": 3.0, "rates": [0.5, 2.0], "deep": {"seed": 7.0}}
    props = job(stack_folder, module(COUNTING_JOB), document=sent)
    made = JobProvider().create(props)
    written = (stack_folder / "job" / records.DOCUMENT).read_text()
    assert "3.0" not in written
    document = json.loads(written)
    assert (document["epochs"], document["rates"], document["deep"]) == (3, [0.5, 2], {"seed": 7})
    JobProvider().delete(made.id, made.outs or {})


@pytest.mark.parametrize(
    ("code", "told"), [(3, "job job failed with exit code 3"), (75, "job job stopped before its end and keeps")]
)
def test_a_failed_job_fails_with_its_last_lines_and_runs_again_next_time(
    stack_folder: Path, module: Module, code: int, told: str
) -> None:
    props = job(stack_folder, module(COUNTING_JOB), document={"exit_code": code})
    for attempt in (1, 2):
        with pytest.raises(process.ProcessError) as raised:
            JobProvider().create(props)
        assert str(raised.value).startswith(told)
        assert str(raised.value).endswith("its last lines:\n  begun\n  done")
        assert runs(stack_folder) == attempt
    # It can be destroyed although it was never recorded as made.
    found = JobProvider().read("", props)
    JobProvider().delete(found.id or "", found.outs or {})
    assert nothing_left(stack_folder)


def test_a_job_is_stopped_at_its_deadline(stack_folder: Path, module: Module) -> None:
    props = job(stack_folder, module(COUNTING_JOB), go=False, deadline_seconds=1)
    with pytest.raises(process.ProcessError, match="stopped at its deadline of 1 seconds"):
        JobProvider().create(props)
    assert process.processes_of(stack_folder) == []


def test_a_job_whose_deployment_was_killed_is_adopted(stack_folder: Path, module: Module) -> None:
    props = job(stack_folder, module(COUNTING_JOB), go=False)
    deploy_and_kill("cluster.JobProvider", props, until=lambda: "begun" in process.log_tail(stack_folder / "job"))
    found = JobProvider().read("", props)
    assert found.id == f"{stack_folder}/job"
    difference = JobProvider().diff(found.id, found.outs or {}, props)
    assert (difference.changes, difference.replaces) == (True, [])
    (stack_folder.parent / "go").touch()
    made = JobProvider().update(found.id, found.outs or {}, props)
    assert (made.outs or {})["exit_code"] == 0
    assert runs(stack_folder) == 1
    JobProvider().delete(found.id, made.outs or {})
    assert nothing_left(stack_folder)


def test_a_leftover_of_another_specification_is_stopped(stack_folder: Path, module: Module) -> None:
    old = job(stack_folder, module(COUNTING_JOB), go=False)
    deploy_and_kill("cluster.JobProvider", old, until=lambda: "begun" in process.log_tail(stack_folder / "job"))
    before = {one.pid for one in process.processes_of(stack_folder)}
    made = JobProvider().create({**old, "version": "2", "document": {**old["document"], "go": "/"}})
    assert not before & {one.pid for one in process.processes_of(stack_folder)}
    JobProvider().delete(made.id, made.outs or {})
    assert nothing_left(stack_folder)


def test_a_job_whose_supervisor_was_killed_is_run_again(stack_folder: Path, module: Module) -> None:
    props = job(stack_folder, module(COUNTING_JOB), go=False)
    deploy_and_kill("cluster.JobProvider", props, until=lambda: "begun" in process.log_tail(stack_folder / "job"))
    os.kill((records.read_record(stack_folder / "job" / records.PROCESS) or {})["supervisor"]["pid"], signal.SIGKILL)
    (stack_folder.parent / "go").touch()
    made = JobProvider().create(props)
    assert (made.outs or {})["exit_code"] == 0
    assert process.processes_of(stack_folder) == []
    JobProvider().delete(made.id, made.outs or {})


def test_a_service_becomes_ready_is_adopted_and_its_end_is_noticed(
    stack_folder: Path, module: Module, capsys: pytest.CaptureFixture[str]
) -> None:
    props = service(stack_folder, module(SERVER))
    provider = ServiceProvider()
    made = provider.create(props)
    outs = made.outs or {}
    assert ask(outs)[0] == 200
    assert provider.create(props).outs == outs
    assert len(process.processes_of(stack_folder)) == 4
    assert not provider.diff(made.id, outs, props).changes
    for role in ("supervisor", "child"):
        os.kill((records.read_record(stack_folder / "service" / records.PROCESS) or {})[role]["pid"], signal.SIGKILL)
    while process.state_of(stack_folder / "service").running:
        time.sleep(0.02)
    assert provider.diff(made.id, outs, props).replaces
    assert "its process has ended; it is made again" in capsys.readouterr().out
    assert provider.read(made.id, outs).id == ""
    provider.delete(made.id, outs)
    assert process.processes_of(stack_folder) == []
    assert not [path for path in stack_folder.iterdir() if path.name.startswith("service")]


def test_a_service_whose_deployment_was_killed_is_found_and_finished(stack_folder: Path, module: Module) -> None:
    props = service(stack_folder, module(SERVER))
    deploy_and_kill("services.ServiceProvider", props, until=lambda: process.state_of(stack_folder / "service").running)
    found = ServiceProvider().read("", props)
    assert found.id
    difference = ServiceProvider().diff(found.id, found.outs or {}, props)
    assert (difference.changes, difference.replaces) == (True, [])
    outs = ServiceProvider().update(found.id, found.outs or {}, props).outs or {}
    assert not ServiceProvider().diff(found.id, outs, props).changes
    assert len(process.processes_of(stack_folder)) == 4
    ServiceProvider().delete(found.id, outs)


def test_a_service_that_ends_or_never_becomes_ready_is_told_and_cleaned_up(stack_folder: Path, module: Module) -> None:
    environment = module("print('no model'); raise SystemExit(4)")
    with pytest.raises(process.ProcessError) as raised:
        ServiceProvider().create(service(stack_folder, environment))
    assert str(raised.value) == "service service ended with exit code 4; its last lines:\n  no model"
    environment = module("import time\nwhile True: time.sleep(60)")
    with pytest.raises(process.ProcessError, match="was not ready within 1 seconds"):
        ServiceProvider().create(service(stack_folder, environment, readiness_deadline_seconds=1))
    assert process.processes_of(stack_folder) == []


def test_a_service_s_port_in_use_is_refused_by_check(stack_folder: Path, module: Module) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        props = service(stack_folder, module(SERVER), ports={"http": port, "grpc": 0, "metrics": 0}) | {
            "folder": UNKNOWN
        }
        failures = ServiceProvider().check({}, props).failures
    assert len(failures) == 1
    assert failures[0].reason.startswith(f"service: http_port = {port}: port {port} is in use by")


def test_the_folder_is_the_last_to_go_and_names_what_is_left(stack_folder: Path, module: Module) -> None:
    folder = StackFolderProvider()
    made = folder.create({"path": str(stack_folder)})
    provider = ServiceProvider()
    running = provider.create(service(stack_folder, module(SERVER)))
    # What has lost its records is known by its marker and its port alone.
    for name in ("service", "service-front"):
        (stack_folder / name / records.SPECIFICATION).unlink()
    with pytest.raises(LeftoversError) as raised:
        folder.delete(made.id, made.outs or {})
    port = (running.outs or {})["endpoints"]["http"].split(":")[1]
    for expected in (f"port {port}, held by", "process ", "service/log.txt"):
        assert expected in str(raised.value)
    provider.delete(running.id, running.outs or {})
    (stack_folder / "forgotten.txt").touch()
    with pytest.raises(LeftoversError, match=r"forgotten\.txt"):
        folder.delete(made.id, made.outs or {})
    (stack_folder / "forgotten.txt").unlink()
    folder.delete(made.id, made.outs or {})
    assert not stack_folder.exists()
    folder.delete(made.id, made.outs or {})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows shared memory as files, in /dev/shm")
def test_shared_memory_of_a_service_that_was_killed_goes_with_it_or_is_named(
    stack_folder: Path, module: Module
) -> None:
    folder = StackFolderProvider()
    made = folder.create({"path": str(stack_folder)})
    function = "trainyard_serving.triton:shared_memory_prefix"
    running = ServiceProvider().create(service(stack_folder, module(SHARING_SERVER), shared_memory=function))
    work_dir = (records.read_record(stack_folder / "service" / records.DOCUMENT) or {})["work_dir"]
    (shared,) = shared_memory.objects(shared_memory_prefix(work_dir))
    try:
        for one in process.processes_of(stack_folder):
            one.kill()
        assert shared.exists()
        ServiceProvider().delete(running.id, running.outs or {})
        assert not shared.exists()
        shared.touch()
        with pytest.raises(LeftoversError, match=f"shared memory {shared}"):
            folder.delete(made.id, made.outs or {})
    finally:
        shared.unlink(missing_ok=True)
    folder.delete(made.id, made.outs or {})
    assert not stack_folder.exists()


def test_a_stack_whose_job_failed_and_whose_service_was_never_recorded_is_destroyed(
    stack_folder: Path, module: Module, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StackFolderProvider()
    made = folder.create({"path": str(stack_folder)})
    with pytest.raises(process.ProcessError):
        JobProvider().create(job(stack_folder, module(COUNTING_JOB), document={"exit_code": 1}))
    props = service(stack_folder, module(SERVER))
    deploy_and_kill("services.ServiceProvider", props, until=lambda: process.state_of(stack_folder / "service").running)
    folder.delete(made.id, made.outs or {})
    assert "service: left by a deployment that failed or was killed" in capsys.readouterr().out
    assert process.processes_of(stack_folder) == []
    assert not stack_folder.exists()


def test_processes_of_a_folder_that_was_removed_are_still_found_and_ended(stack_folder: Path, module: Module) -> None:
    import shutil

    made = ServiceProvider().create(service(stack_folder, module(SERVER)))
    shutil.rmtree(stack_folder)
    assert ServiceProvider().diff(made.id, made.outs or {}, service(stack_folder, module(SERVER))).replaces
    ServiceProvider().delete(made.id, made.outs or {})
    assert process.processes_of(stack_folder) == []


def test_looking_whether_the_folder_can_be_written_leaves_nothing_and_hinders_nobody(tmp_path: Path) -> None:
    props = {"path": str(tmp_path / "a" / "stack")}
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        checks = list(threads.map(lambda _: StackFolderProvider().check({}, props).failures, range(400)))
    assert [failures for failures in checks if failures] == []
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_refused_by_check(tmp_path: Path) -> None:
    blocking = tmp_path / "file"
    blocking.touch()
    failures = StackFolderProvider().check({}, {"path": str(blocking / "stack")}).failures
    assert len(failures) == 1
    assert f"{blocking} cannot be written" in failures[0].reason


def test_pickled_providers_are_short_and_the_same_every_time() -> None:
    program = """
        import json
        from pulumi.dynamic.dynamic import serialize_provider
        from infra.local import access_token, cloud, cluster, folder, identity, keys, services, storage
        providers = [access_token.AccessTokenProvider, cloud.CloudProvider, cluster.JobProvider,
                     services.ServiceProvider, folder.StackFolderProvider, identity.IdentityProvider,
                     keys.KeyProvider, storage.BucketProvider]
        print(json.dumps([serialize_provider(one()) for one in providers]))
        """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    said = [
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    ]
    assert said[0] == said[1]
    assert max(map(len, json.loads(said[0]))) < 100
