"""A service on one machine: reached through its front only, with the token, and told of other releases as it runs."""

import errno
import json
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import access_token, process, records
from infra.local.access_token import AccessTokenProvider
from infra.local.front import front_folder_of, is_ready, server_sockets_of
from infra.local.process_provider import folder_of
from infra.local.services import ServiceProvider
from tests.infra.kubernetes.service.front_process import wait_for
from tests.infra.local.service_stub import INFER, READY, SERVER, ask, front, running_service, service, told
from tests.infra.local.support import deploy_and_kill
from tests.infra.test_program import run_program

Module = Callable[[str], dict[str, str]]
AUDIENCE = {"audience": "trainyard-serving"}


def new_token(days_ago: float = 0) -> dict[str, Any]:
    """The outputs of a token that was made some days ago."""
    moment = time.time() - days_ago * 86_400
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(access_token.time, "time", lambda: moment)
        return AccessTokenProvider().create(AUDIENCE).outs or {}


def keys_of(*tokens: dict[str, Any]) -> str:
    return json.dumps({"keys": [key for token in tokens for key in json.loads(token["public_keys"])["keys"]]})


@pytest.fixture
def running(stack_folder: Path, module: Module) -> Iterator[dict[str, Any]]:
    """The inputs of a service that runs, and asks nobody who he is."""
    props = service(stack_folder, module(SERVER), document={"service": "digits", "releases": ["one"]})
    with running_service(props):
        yield props


def test_what_is_asked_through_the_front_and_what_its_log_has(stack_folder: Path, module: Module) -> None:
    right, expired, foreign = new_token(), new_token(days_ago=31), new_token()
    token = right["token"]
    props = service(stack_folder, module(SERVER), front=front(keys_of(right, expired)))
    with running_service(props) as outs:
        shown = ("", expired["token"], foreign["token"], token)
        assert [ask(outs, token=each)[0] for each in shown] == [401, 401, 401, 200]
        assert ask(outs, INFER, token, b"{}")[0] == 200
        assert ask(outs, INFER, token, bytes(20_000))[0] == 413
        assert ask(outs, f"{READY}?secret=a-query", token)[0] == 200
        for closed in ("repository/models/digits/unload", "systemsharedmemory/region/r/register", "logging"):
            assert ask(outs, f"/v2/{closed}", token, b"a-payload")[0] == 404
        assert ask(outs, "/metrics", port="metrics")[0] == 200, "as Prometheus asks in a cluster, without a token"
        assert b"envoy_http_downstream_rq_total" in ask(outs, "/stats/prometheus", port="metrics")[1]

        end_for_good(front_folder_of(props))
        log = Path(outs["access_log"]).read_text()
        # What Envoy itself has to say begins with a bracket.
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert [line["status"] for line in lines] == [401, 401, 401, 200, 200, 413, 200, 404, 404, 404]
        assert lines[6]["path"] == READY
        assert lines[6]["subject"] == access_token.SUBJECT
        for told_nobody in (token, token.split(".")[2], "a-payload", "a-query"):
            assert told_nobody not in log
        files = [path for path in stack_folder.rglob("*") if path.is_file()]
        assert not [path for path in files if token.encode() in path.read_bytes()]


def test_only_this_user_reaches_the_server_itself(running: dict[str, Any]) -> None:
    sockets = server_sockets_of(running)
    front_sockets = process.temporary_folder(front_folder_of(running))
    for folder in (sockets, front_sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((front_sockets / name).stat().st_mode) for name in ("health", "admin")} == {0o600}
    assert [one for one in process.processes_of(folder_of(running)) if one.net_connections("inet")] == []
    if os.geteuid() == 0:
        for path in (sockets / "http", front_sockets / "admin"):
            assert error_of_another_user(path) == errno.EACCES
            assert error_of_another_user(Path("/no/such/socket")) == errno.ENOENT


def test_another_front_leaves_the_server_alone(running: dict[str, Any]) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    before = told(outs)
    token = new_token()
    changed = {**running, "front": front(token["public_keys"], inference="grpc")}
    difference = provider.diff("service", outs, changed)
    assert (difference.changes, difference.replaces) == (True, [])
    after = provider.update("service", outs, changed).outs or {}
    assert after["endpoints"] == outs["endpoints"]
    assert ask(after)[0] == 401
    assert json.loads(ask(after, token=token["token"])[1]) == before
    assert ask(after, INFER, token["token"], b"{}")[0] == 404, "over HTTP nobody infers"

    end_for_good(front_folder_of(running))
    difference = provider.diff("service", after, changed)
    assert (difference.changes, difference.replaces) == (True, [])
    after = provider.update("service", after, changed).outs or {}
    assert json.loads(ask(after, token=token["token"])[1]) == before
    assert not provider.diff("service", after, changed).changes


def test_another_front_that_a_killed_deployment_has_left_is_mended_by_the_next(running: dict[str, Any]) -> None:
    provider, folder = ServiceProvider(), front_folder_of(running)
    outs = provider.create(running).outs or {}
    before = process.state_of(folder)
    changed = {**running, "front": front(inference="grpc")}
    deploy_and_kill("services.ServiceProvider", changed, until=lambda: process.state_of(folder).digest != before.digest)
    difference = provider.diff("service", outs, running)
    assert (difference.changes, difference.replaces) == (True, [])
    outs = provider.update("service", outs, running).outs or {}
    assert process.state_of(folder) == before
    assert ask(outs, INFER, body=b"{}")[0] == 200
    assert not provider.diff("service", outs, running).changes


@pytest.mark.parametrize("folder_of_victim", [folder_of, front_folder_of])
def test_what_is_killed_comes_back_by_itself_and_a_preview_tells_so_meanwhile(
    running: dict[str, Any], folder_of_victim: Callable[[dict[str, Any]], Path]
) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    folder = folder_of_victim(running)
    killed, supervisor = process_of(folder), process_of(folder, "supervisor")
    # Stopped, it does nothing until the preview has been looked at.
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not is_ready(running), "the service to be away")
    difference = provider.diff("service", outs, running)
    assert (difference.changes, difference.replaces) == (True, [])
    os.kill(supervisor, signal.SIGCONT)
    # A deployment waits for it and starts nothing.
    assert provider.update("service", outs, running).outs == outs
    assert told(outs)["pid"] == process_of(folder_of(running))
    assert process_of(folder) != killed
    assert process_of(folder, "supervisor") == supervisor
    assert "ended with exit code -9; it is started again in 1 s" in (folder / records.LOG).read_text()
    assert not provider.diff("service", outs, running).changes


@pytest.mark.parametrize("folder_of_victim", [folder_of, front_folder_of])
def test_without_its_supervisor_it_goes_on_until_the_next_deployment_starts_it_anew(
    running: dict[str, Any], folder_of_victim: Callable[[dict[str, Any]], Path]
) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    server, front_process = process_of(folder_of(running)), process_of(front_folder_of(running))
    folder = folder_of_victim(running)
    os.kill(process_of(folder, "supervisor"), signal.SIGKILL)
    wait_for(lambda: not process.supervised(folder), "the supervisor to end")
    assert told(outs)["pid"] == server
    difference = provider.diff("service", outs, running)
    assert (difference.changes, difference.replaces) == (True, [])
    assert provider.update("service", outs, running).outs == outs
    started_anew = {folder_of: server, front_folder_of: front_process}[folder_of_victim]
    assert process_of(folder) != started_anew
    assert told(outs)["pid"] == process_of(folder_of(running))
    assert len(process.processes_of(Path(running["folder"]))) == 4
    assert not provider.diff("service", outs, running).changes


def test_a_front_that_cannot_start_is_told(stack_folder: Path, module: Module) -> None:
    props = service(stack_folder, module(SERVER), front=front("no key set"))
    with pytest.raises(process.ProcessError, match="the front of service service ended with exit code 1") as raised:
        ServiceProvider().create(props)
    assert "jwks" in str(raised.value).lower()
    assert process.processes_of(stack_folder) == []


def test_a_running_server_takes_over_other_releases_and_is_replaced_for_anything_else(
    running: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    before = told(outs)
    changed = with_releases(running, "one", "two")
    difference = provider.diff("service", outs, changed)
    assert (difference.changes, difference.replaces) == (True, [])
    capsys.readouterr()
    outs = provider.update("service", outs, changed).outs or {}
    assert told(outs) == {"pid": before["pid"], "releases": ["one", "two"]}
    assert capsys.readouterr().out.splitlines() == [
        "service: goes on running, and takes over what has changed",
        "service: has taken it over",
    ]
    assert not provider.diff("service", outs, changed).changes

    other = {**changed, "document": {**changed["document"], "service": "letters"}}
    assert provider.diff("service", outs, other).replaces == ["document"]


def test_releases_that_are_refused_leave_everything_as_it_was(running: dict[str, Any]) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    before = told(outs)
    with pytest.raises(process.ProcessError, match=r"^service goes on as before: there is no such run$"):
        provider.update("service", outs, with_releases(running, "missing"))
    assert told(outs) == before
    assert not provider.diff("service", outs, running).changes
    with pytest.raises(process.ProcessError, match="has not taken over within 1 seconds"):
        provider.update("service", outs, {**with_releases(running, "silent"), "readiness_deadline_seconds": 1})
    outs = provider.update("service", outs, with_releases(running, "two")).outs or {}
    assert told(outs) == {**before, "releases": ["two"]}


def test_what_a_killed_deployment_has_told_the_server_is_mended_by_the_next(running: dict[str, Any]) -> None:
    provider = ServiceProvider()
    outs = provider.create(running).outs or {}
    before = told(outs)
    wanted = with_releases(running, "silent", "two")
    deploy_and_kill("services.ServiceProvider", wanted, until=lambda: told(outs)["releases"] == ["silent", "two"])
    # Back to what the state says, which the program has not changed.
    difference = provider.diff("service", outs, running)
    assert (difference.changes, difference.replaces) == (True, [])
    assert told(provider.update("service", outs, running).outs or {}) == before

    # Killed before the server was told of what is written.
    document = folder_of(running) / records.DOCUMENT
    written = records.read_record(document) or {}
    records.write_record(document, {**written, "releases": ["two"]})
    assert provider.diff("service", outs, running).changes
    assert told(outs) == before
    outs = provider.update("service", outs, with_releases(running, "two")).outs or {}
    assert told(outs) == {**before, "releases": ["two"]}


def test_a_token_is_made_again_before_it_expires_and_is_good_for_its_front_only() -> None:
    provider = AccessTokenProvider()
    fresh, late, expired = new_token(), new_token(days_ago=28), new_token(days_ago=31)
    assert not provider.diff("", fresh, AUDIENCE).changes
    for old in (late, expired):
        assert provider.diff("", old, AUDIENCE).replaces
        assert provider.read("token", old).id == ""
    assert provider.diff("", fresh, {"audience": "others"}).replaces
    assert fresh["public_keys"] != late["public_keys"]
    (key,) = json.loads(fresh["public_keys"])["keys"]
    assert "d" not in key, "the private key is nowhere"


def test_certificates_of_clients_are_for_clusters() -> None:
    secrets = {"mechanism": "mtls", "client_ca_secret": "clients", "certificate_secret": "serving"}
    refused = run_program({"trainyard:serving": json.dumps({"authentication": secrets})})
    assert refused["resources"] == []
    assert refused["error"].startswith(
        'trainyard:serving.authentication.mechanism = "mtls": must be jwt or none where trainyard:cloud is local'
    )


def with_releases(props: dict[str, Any], *releases: str) -> dict[str, Any]:
    return {**props, "document": {**props["document"], "releases": list(releases)}}


def process_of(folder: Path, role: str = "child") -> int:
    """The process of a folder, or its `supervisor`."""
    return int((records.read_record(folder / records.PROCESS) or {})[role]["pid"])


def end_for_good(folder: Path) -> None:
    """Asks the supervisor of a folder to end its process, and waits until that is recorded."""
    os.kill(process_of(folder, "supervisor"), signal.SIGTERM)
    while process.state_of(folder).exit_code is None:
        time.sleep(0.02)


def error_of_another_user(path: Path) -> int:
    """The system's error where a user without any rights connects to a socket; 0 for none."""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
            socket.socket(socket.AF_UNIX).connect(str(path))
        except OSError as error:
            os._exit(error.errno or 255)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
