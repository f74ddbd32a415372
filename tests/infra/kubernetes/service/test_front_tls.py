"""The front with a certificate of its own, and clients who are known by theirs. With the real Envoy."""

import contextlib
import http.client
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from infra.service_settings import AuthenticationSettings, LimitSettings
from tests.infra.kubernetes.service.authorities import Authority, Issuer
from tests.infra.kubernetes.service.front_process import (
    GRPC_INFER,
    FrontFiles,
    RunningFront,
    Upstream,
    front_for,
    running_front,
    wait_for,
)

pytestmark = pytest.mark.xdist_group("service-front-tls")

ALLOWED = "spiffe://example.com/ns/research/sa/caller"
OTHER = "spiffe://example.com/ns/research/sa/other"


class MountedSecret:
    """A Secret as the kubelet mounts it: files that point into a folder, which is exchanged as a whole."""

    def __init__(self, folder: Path, authority: Authority, *names: x509.GeneralName) -> None:
        self.folder, self._authority, self._names, self._versions = folder, authority, names, 0
        folder.mkdir()
        self.certificate = self.renew()
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(f"..data/{name}")

    def renew(self) -> x509.Certificate:
        """Exchange the certificate."""
        self._versions += 1
        version = self.folder / f"..{self._versions}"
        certificate = self._authority.issue(version, *self._names)
        (self.folder / "..next").symlink_to(version.name)
        (self.folder / "..next").rename(self.folder / "..data")
        return certificate


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("pods")


@pytest.fixture(scope="module")
def callers() -> Authority:
    return Authority("callers")


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> MountedSecret:
    return MountedSecret(tmp_path_factory.mktemp("secret") / "front", authority, x509.DNSName("localhost"))


@pytest.fixture(scope="module")
def front(
    tmp_path_factory: pytest.TempPathFactory, callers: Authority, secret: MountedSecret, upstream: Upstream
) -> Iterator[RunningFront]:
    folder = tmp_path_factory.mktemp("front")
    callers.write(folder / "client-ca")
    settings = AuthenticationSettings(
        mechanism="mtls", client_ca_secret="callers", certificate_secret="front", subjects=(ALLOWED, "caller.test")
    )
    files = FrontFiles(certificate=str(secret.folder), client_ca=str(folder / "client-ca"))
    asked = front_for(settings, files=files)
    with running_front(asked, folder, http=upstream.http, grpc=upstream.grpc) as running:
        yield running


@pytest.fixture
def context(tmp_path: Path, authority: Authority) -> ssl.SSLContext:
    """What a client needs to know the front."""
    return ssl.create_default_context(cafile=str(authority.write(tmp_path)))


def present(context: ssl.SSLContext, folder: Path, authority: Authority, name: x509.GeneralName) -> ssl.SSLContext:
    """Show a certificate of an authority to whoever is asked."""
    authority.issue(folder, name)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (200, x509.UniformResourceIdentifier(ALLOWED)),
        (200, x509.DNSName("caller.test")),
        (403, x509.UniformResourceIdentifier(OTHER)),
        (403, x509.DNSName("other.test")),
    ],
)
def test_a_certificate_of_the_authority_is_asked_for_its_name(
    front: RunningFront,
    context: ssl.SSLContext,
    callers: Authority,
    tmp_path: Path,
    status: int,
    name: x509.GeneralName,
) -> None:
    assert front.ask(tls=present(context, tmp_path, callers, name)).status == status


def test_without_a_certificate_of_the_authority_nobody_is_heard(
    front: RunningFront, context: ssl.SSLContext, tmp_path: Path
) -> None:
    for shown in (None, x509.UniformResourceIdentifier(ALLOWED)):
        if shown:
            present(context, tmp_path, Authority("callers"), shown)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            front.ask(tls=context)
    with pytest.raises((ConnectionResetError, OSError)):
        urllib.request.urlopen(f"http://localhost:{front.ports.clients}/v2", timeout=10)


def test_older_tls_than_1_3_is_not_spoken(
    front: RunningFront, context: ssl.SSLContext, callers: Authority, tmp_path: Path
) -> None:
    present(context, tmp_path, callers, x509.UniformResourceIdentifier(ALLOWED))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        front.ask(tls=context)


def test_grpc_goes_over_the_same_port(
    front: RunningFront, authority: Authority, callers: Authority, tmp_path: Path
) -> None:
    callers.issue(tmp_path, x509.UniformResourceIdentifier(ALLOWED))
    credentials = grpc.ssl_channel_credentials(
        authority.write(tmp_path).read_bytes(), (tmp_path / "tls.key").read_bytes(), (tmp_path / "tls.crt").read_bytes()
    )
    with grpc.secure_channel(f"localhost:{front.ports.clients}", credentials) as channel:
        assert channel.unary_unary(GRPC_INFER)(b"an image", timeout=20) == b"an image"


def test_a_renewed_certificate_is_shown_without_a_new_start(
    front: RunningFront, secret: MountedSecret, callers: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    present(context, tmp_path, callers, x509.UniformResourceIdentifier(ALLOWED))
    assert shown_by(front, context) == secret.certificate
    renewed = secret.renew()
    wait_for(lambda: shown_by(front, context) == renewed, "the renewed certificate to be shown")


def shown_by(front: RunningFront, context: ssl.SSLContext) -> x509.Certificate:

    with (
        socket.create_connection(("localhost", front.ports.clients), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def test_tokens_are_asked_for_over_tls_too(
    issuer: Issuer, secret: MountedSecret, upstream: Upstream, context: ssl.SSLContext, tmp_path: Path
) -> None:
    settings = AuthenticationSettings(
        issuer=issuer.url,
        jwks_uri=f"{issuer.url}/keys",
        jwks_ca_config_map="issuer-ca",
        audiences=("one", "other"),
        subjects=("somebody",),
        certificate_secret="front",
    )
    files = FrontFiles(certificate=str(secret.folder), jwks_ca=str(issuer.ca_folder))
    asked = front_for(settings, files=files)
    with running_front(asked, tmp_path / "front", http=upstream.http, grpc=upstream.grpc) as front:
        assert front.ask(token=issuer.token(aud="other", sub="somebody"), tls=context).status == 200
        assert front.ask(token=issuer.token(aud="other"), tls=context).status == 403
        assert front.ask(token=issuer.token(sub="somebody"), tls=context).status == 403
        assert front.ask(tls=context).status == 401


def test_where_the_issuers_keys_cannot_be_had_nobody_gets_in(
    issuer: Issuer, upstream: Upstream, tmp_path: Path
) -> None:
    # The server of the keys is known by the public authorities only: here it is not.
    settings = AuthenticationSettings(issuer=issuer.url)
    asked = front_for(settings, files=FrontFiles(public_authorities=str(Authority("public").write(tmp_path))))
    with running_front(asked, tmp_path / "front", http=upstream.http, grpc=upstream.grpc) as front:
        assert front.ask(token=issuer.token()).status == 401


def test_nobody_is_asked_who_he_is_only_where_that_is_set(upstream: Upstream, tmp_path: Path) -> None:
    asked = front_for(AuthenticationSettings(mechanism="none"), limits=LimitSettings(connections=2))
    with running_front(asked, tmp_path, http=upstream.http, grpc=upstream.grpc) as front:
        assert front.ask().status == 200
        assert front.ask("/v2/repository/index", body=b"{}").status == 404
        # A connection that Envoy has not seen the end of yet would take the place of one of the two.
        wait_for(lambda: front.open_connections() == 0, "earlier connections to be gone")
        # More connections than are allowed get none, but for the kubelet's.
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(socket.create_connection(("localhost", front.ports.clients)))
            wait_for(lambda: front.open_connections() == 2, "both connections to be seen")
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                front.ask()
            assert front.ask("/v2/health/ready", port=front.ports.health).status == 200
