"""`yard loadtest` and its clients against the running service: both protocols, refusals, interrupts, tokens."""

import asyncio
import http.server
import ipaddress
import json
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509

from cli.errors import CommandError
from cli.loadtest_clients import asking
from cli.loadtest_target import Endpoint, Target
from planning.capacity.closed_loop import RequestFailed
from tests.cli.yard import ROOT, start_yard, yard
from tests.infra.kubernetes.service.authorities import Authority
from tests.workloads.serving.service_process import Service

pytestmark = pytest.mark.xdist_group("triton-service")

QUICK = ("--seconds", "1.5", "--warmup", "0", "--max-concurrency", "2")


def urls(service: Service) -> tuple[str, ...]:
    return ("--url", f"http://{service.http}", "--url", f"grpc://{service.grpc}", "--model", "digits")


def ask_once(endpoint: Endpoint, model: str = "digits", **how: Any) -> None:
    """Opens a connection, asks a third time, and closes it."""

    async def work() -> None:
        options = {"batch_size": 1, "examples": None, "timeout_seconds": 10.0} | how
        token = str(options.pop("token", ""))
        async with asking(endpoint, Target(model, (endpoint,), token), **options) as ask:
            await asyncio.gather(ask(0), ask(1))

    asyncio.run(work())


def test_both_protocols_are_loaded_and_a_target_is_planned(service: Service, tmp_path: Path) -> None:
    picture = tmp_path / "load.png"
    planned = ("--target-rps", "1000", "--headroom", "0.5", "--instance-type", "g5.xlarge", "--region", "us-east-1")
    result = yard("loadtest", *urls(service), *QUICK, *planned, "--json", "--png", str(picture), cwd=ROOT)
    assert result.code == 0, result.err
    assert "yard: http: 1 client\nyard: http: 2 clients\nyard: grpc: 1 client\n" in result.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(result.out)
    assert [curve["protocol"] for curve in found["curves"]] == ["http", "grpc"]
    for curve in found["curves"]:
        assert [step["concurrency"] for step in curve["steps"]] == [1, 2]
        for step in curve["steps"]:
            assert (step["errors"], step["is_whole"]) == ({}, True)
            assert step["answered"] >= 1
            assert 0 < step["p50_ms"] <= step["p95_ms"] <= step["p99_ms"]
        knee, needed = curve["knee"], curve["needed"]
        assert knee["requests_per_second"] in [step["requests_per_second"] for step in curve["steps"]]
        each = knee["requests_per_second"] * 0.5
        assert needed["replicas"] * each >= 1000 * (1 - 1e-6)
        assert (needed["replicas"] - 1) * each < 1000
        assert needed["gpus"] == needed["replicas"] == needed["instances"]
        assert needed["usd_per_hour"] == pytest.approx(needed["instances"] * found["instance"]["usd_per_hour"])


def test_people_read_a_table_and_that_it_costs_nothing_here(service: Service) -> None:
    result = yard("loadtest", *urls(service), *QUICK, "--protocol", "grpc", "--target-rps", "50", cwd=ROOT)
    assert result.code == 0, result.err
    assert f"grpc at {service.grpc}" in result.out
    assert "http at" not in result.out
    head = "clients requests/s p50 ms p95 ms p99 ms answered failed"
    assert head in [" ".join(line.split()) for line in result.out.splitlines()]
    assert "Knee: " in result.out
    assert "0 GPUs, nothing an hour on this machine." in result.out
    assert "It costs nothing here: this machine has no price." in result.out


def test_a_limit_that_nothing_keeps_is_a_result_and_no_success(service: Service) -> None:
    limit = ("--p99-ms", "0.001", "--target-rps", "5", "--protocol", "http")
    result = yard("loadtest", *urls(service), *QUICK, *limit, cwd=ROOT)
    assert result.code == 1, result.err
    assert "Ended because the last step broke the limit of the 99th percentile" in result.out
    assert "Knee: none; " in result.out
    assert "replica," not in result.out


def test_an_interrupt_ends_it_with_what_was_measured(service: Service) -> None:
    process = start_yard(
        "loadtest", *urls(service), "--seconds", "0.3", "--warmup", "0", "--protocol", "http", cwd=ROOT
    )
    assert process.stderr
    for line in process.stderr:
        if "4 clients" in line:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 8, err
    assert "Ended because somebody stopped it" in out
    # The interrupt may come when the next step has begun.
    assert err.endswith("yard: stopped; this is what was measured until then\n")
    assert "Traceback" not in err


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_what_the_service_refuses_is_told_before_any_load(service: Service, protocol: str) -> None:
    endpoint = Endpoint(protocol, getattr(service, protocol), is_encrypted=False)
    with pytest.raises(CommandError, match=f"letters at {protocol}://.*unknown model"):
        ask_once(endpoint, "letters")
    with pytest.raises(CommandError, match="batch-size must be <= 64"):
        ask_once(endpoint, batch_size=65)
    with pytest.raises(CommandError, match=r"--inputs: must have the array 'image'; it has picture"):
        ask_once(endpoint, examples={"picture": np.zeros((1, 8, 8))})
    with pytest.raises(
        CommandError, match=r"--inputs: 'image' has the shape \(3, 8, 8\); must be \(examples, 1, 8, 8\)"
    ):
        ask_once(endpoint, examples={"image": np.zeros((3, 8, 8))})
    ask_once(endpoint, batch_size=5, examples={"image": np.zeros((3, 1, 8, 8), np.uint8)})


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_service_that_is_not_there_is_named(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(CommandError, match=f"digits at {protocol}://{address}: "):
        ask_once(Endpoint(protocol, address, is_encrypted=False), timeout_seconds=2.0)


METADATA = {"name": "digits", "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 4]}], "outputs": []}
ANSWER = {"model_name": "digits", "outputs": []}


@contextmanager
def answering(
    status: int, pause: threading.Event | None = None, certificate: Path | None = None
) -> Iterator[tuple[str, list[str | None]]]:
    """A service that answers the first inference, and the others with `status`, or not before `pause` is set."""
    tokens: list[str | None] = []
    inferences = iter([200])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(200, METADATA)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            code = next(inferences, status)
            if pause and code == status:
                pause.wait(30)
            self.reply(code, ANSWER if code == 200 else {"error": "the queue is full"})

        def reply(self, code: int, document: Any) -> None:
            tokens.append(self.headers["Authorization"])
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", tokens
        finally:
            if pause:
                pause.set()
            server.shutdown()
            thread.join()


def test_an_overloaded_service_is_counted_by_its_status() -> None:
    with answering(503) as (address, _), pytest.raises(RequestFailed, match="the queue is full") as failed:
        ask_once(Endpoint("http", address, is_encrypted=False))
    assert failed.value.kind == "HTTP 503"


def test_a_request_that_takes_too_long_is_a_timeout() -> None:
    with (
        answering(504, threading.Event()) as (address, _),
        pytest.raises(RequestFailed, match="no answer in time") as failed,
    ):
        ask_once(Endpoint("http", address, is_encrypted=False), timeout_seconds=2.0)
    assert failed.value.kind == "timeout"


def test_a_token_goes_with_every_request() -> None:
    with answering(200) as (address, tokens):
        ask_once(Endpoint("http", address, is_encrypted=False), token="correct-horse")
    assert tokens == ["Bearer correct-horse"] * 4


def test_over_tls_the_service_has_to_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority("test authority")
    authority.issue(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    with answering(200, certificate=tmp_path) as (address, tokens):
        endpoint = Endpoint("http", address, is_encrypted=True)
        with pytest.raises(CommandError, match="certificate verify failed"):
            ask_once(endpoint, token="correct-horse")
        assert tokens == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.write(tmp_path)))
        ask_once(endpoint, token="correct-horse")
        assert tokens == ["Bearer correct-horse"] * 4
