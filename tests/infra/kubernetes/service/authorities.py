"""Certificates and tokens for tests: an authority of their own, and an issuer whose keys are fetched over TLS."""

import datetime
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

AUDIENCE = "trainyard-serving"
SUBJECT = "system:serviceaccount:research:caller"


class Authority:
    """A certificate authority."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        builder = _builder(self._name, self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    def write(self, folder: Path) -> Path:
        """Write `ca.crt`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "ca.crt"
        path.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return path

    def issue(self, folder: Path, *names: x509.GeneralName) -> x509.Certificate:
        """Write `tls.crt` and `tls.key` of a certificate for the names."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named("test"), self._name, key)
        certificate = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(
            self._key, hashes.SHA256()
        )
        (folder / "tls.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


@dataclass(frozen=True)
class Issuer:
    """Gives out tokens."""

    url: str
    ca_folder: Path
    """Where the `ca.crt` is that its server is known by."""
    key: ECKey

    def token(self, *, key: ECKey | None = None, **changes: Any) -> str:
        """A token as Kubernetes gives one to a pod, but for the changes; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": [AUDIENCE], "sub": SUBJECT, "iat": now, "exp": now + 600} | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "first"}, kept, key or self.key)


def signing_key() -> ECKey:
    """A key to sign tokens with."""
    return ECKey.generate_key("P-256", {"kid": "first"})


@contextmanager
def running_issuer(folder: Path) -> Iterator[Issuer]:
    """An issuer whose public keys are at its `/keys`."""
    authority = Authority("issuer")
    authority.write(folder)
    authority.issue(folder, x509.DNSName("localhost"))
    key = signing_key()
    answer = json.dumps(KeySet([key]).as_dict(private=False)).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/keys"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(answer if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Issuer(f"https://localhost:{server.server_address[1]}", folder, key)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
