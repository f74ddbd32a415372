"""`yard loadtest` at a front that knows its clients by their certificates: the real Envoy before the real Triton."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from cli.errors import CommandError
from cli.loadtest_clients import asking
from cli.loadtest_target import Endpoint, Target
from cli.loadtest_tls import Tls
from infra.service_settings import AuthenticationSettings
from tests.cli.yard import ROOT, Result, yard
from tests.infra.kubernetes.service.authorities import Authority
from tests.infra.kubernetes.service.front_process import (
    FrontFiles,
    RunningFront,
    front_for,
    running_front,
    without_envoy,
)
from tests.workloads.serving.service_process import Service

pytestmark = pytest.mark.xdist_group("triton-service")

CALLER = "spiffe://example.com/ns/research/sa/loadtest"
OTHER = "spiffe://example.com/ns/research/sa/other"


@dataclass(frozen=True)
class Guarded:
    """A front, and whom it believes."""

    front: RunningFront
    ca: Path
    callers: Authority

    def client(self, folder: Path, name: str, authority: Authority | None = None) -> Tls:
        """What a client with a certificate of its own connects with."""
        (authority or self.callers).issue(folder, x509.UniformResourceIdentifier(name))
        (folder / "tls.key").chmod(0o600)
        return Tls(ca=self.ca, certificate=folder / "tls.crt", key=folder / "tls.key")

    def ask_once(self, protocol: str, tls: Tls) -> None:
        """Opens a connection and closes it."""
        endpoint = Endpoint(protocol, f"localhost:{self.front.ports.clients}", is_encrypted=True)
        target = Target("digits", (endpoint,), tls=tls)

        async def work() -> None:
            async with asking(endpoint, target, batch_size=1, examples=None, timeout_seconds=5):
                pass

        asyncio.run(work())

    def load(self, *options: str, protocols: tuple[str, ...] = ("http", "grpc")) -> Result:
        """A short load test."""
        urls = [f"{protocol}s://localhost:{self.front.ports.clients}" for protocol in protocols]
        named = [part for url in urls for part in ("--url", url)]
        quick = ("--seconds", "2", "--warmup", "0", "--max-concurrency", "1", "--timeout", "5")
        return yard("loadtest", *named, "--model", "digits", *quick, *options, cwd=ROOT)


@pytest.fixture(scope="module")
def guarded(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    if reason := without_envoy():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("mtls")
    pods, callers = Authority("pods"), Authority("callers")
    pods.issue(folder / "front", x509.DNSName("localhost"))
    callers.write(folder / "client-ca")
    settings = AuthenticationSettings(
        mechanism="mtls", client_ca_secret="callers", certificate_secret="front", subjects=(CALLER,)
    )
    files = FrontFiles(certificate=str(folder / "front"), client_ca=str(folder / "client-ca"))
    ports = {name: int(service.document[f"{name}_port"]) for name in ("http", "grpc")}
    with running_front(front_for(settings, files=files), folder / "envoy", **ports) as front:
        yield Guarded(front, pods.write(folder), callers)


def test_a_client_with_its_certificate_loads_both_protocols(guarded: Guarded, tmp_path: Path) -> None:
    tls = guarded.client(tmp_path, CALLER)
    shown = ("--certificate", str(tls.certificate), "--key", str(tls.key), "--ca", str(tls.ca))
    ended = guarded.load(*shown, "--json")
    assert ended.code == 0, ended.err
    curves = json.loads(ended.out)["curves"]
    assert [curve["protocol"] for curve in curves] == ["http", "grpc"]
    assert all(curve["steps"][0]["answered"] and not curve["steps"][0]["errors"] for curve in curves)


@pytest.mark.parametrize(("protocol", "said"), [("http", "HTTP 403: "), ("grpc", "gRPC PERMISSION_DENIED: ")])
def test_a_certificate_with_another_name_is_refused(guarded: Guarded, tmp_path: Path, protocol: str, said: str) -> None:
    with pytest.raises(CommandError) as refused:
        guarded.ask_once(protocol, guarded.client(tmp_path, OTHER))
    assert f"digits at {protocol}s://localhost:{guarded.front.ports.clients}: {said}" in str(refused.value)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_without_a_certificate_of_the_authority_nobody_is_heard(
    guarded: Guarded, tmp_path: Path, protocol: str
) -> None:
    forged = guarded.client(tmp_path, CALLER, Authority("callers"))
    for tls in (forged, Tls(ca=guarded.ca)):
        with pytest.raises(CommandError, match="--certificate and --key show who you are"):
            guarded.ask_once(protocol, tls)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_service_of_another_authority_is_not_believed(guarded: Guarded, tmp_path: Path, protocol: str) -> None:
    known = guarded.client(tmp_path, CALLER)
    other = Authority("pods").write(tmp_path / "other")
    with pytest.raises(CommandError, match="--ca names an authority of your own"):
        guarded.ask_once(protocol, replace(known, ca=other))


def test_a_refusal_is_one_line_without_what_the_library_says(guarded: Guarded) -> None:
    ended = guarded.load("--ca", str(guarded.ca), protocols=("grpc",))
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1), ended.err
