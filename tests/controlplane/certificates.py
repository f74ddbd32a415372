"""The certificates of a control plane of the tests: one authority, which signs the server's and those of the users.

A user of Kubernetes is whom the certificate names: its common name is the user, its organisations are the groups.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=365)
_EARLIER = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes

    def write(self, stem: Path) -> tuple[Path, Path]:
        """Writes STEM.crt and STEM.key, the key for its owner only; returns both paths."""
        certificate, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
        certificate.write_bytes(self.certificate)
        key.touch(mode=0o600)
        key.write_bytes(self.key)
        return certificate, key


class Authority:
    """A certificate authority that lives as long as this object."""

    def __init__(self, *names: str) -> None:
        """`names`: what the authority's own certificate is called besides."""
        # RSA, because Kueue's certificate rotation reads the key of an authority as nothing else.
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = _name("trainyard-test-control-plane", ())
        public = self._key.public_key()
        built = (
            _dated(x509.CertificateBuilder())
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.own = Certificate(built.public_bytes(serialization.Encoding.PEM), private_key(self._key))

    def server(self, name: str, *names: str) -> Certificate:
        """A certificate for what answers on 127.0.0.1, localhost and these names."""
        addresses: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        addresses += [x509.DNSName(each) for each in ("localhost", *names)]
        return self._issue(_name(name, ()), ExtendedKeyUsageOID.SERVER_AUTH, addresses)

    def user(self, name: str, groups: Sequence[str]) -> Certificate:
        """A certificate that makes its holder this user, in these groups."""
        return self._issue(_name(name, groups), ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def _issue(
        self, subject: x509.Name, usage: x509.ObjectIdentifier, names: Sequence[x509.GeneralName]
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _dated(x509.CertificateBuilder())
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        built = builder.sign(self._key, hashes.SHA256())
        return Certificate(built.public_bytes(serialization.Encoding.PEM), private_key(key))


def private_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as unencrypted PEM, in the older format, which all of these programs read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def service_account_key() -> bytes:
    """A new key to sign the tokens of service accounts with, as PEM."""
    return private_key(ec.generate_private_key(ec.SECP256R1()))


def kubeconfig(server: str, authority: bytes, user: dict[str, Any], name: str) -> str:
    """The text of a kubeconfig; `user` is what it says of the user, such as `{"token": …}`."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": server, "certificate-authority-data": encoded(authority)},
            }
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        "current-context": "test",
    }
    return yaml.safe_dump(document)


def certificate_user(certificate: Certificate) -> dict[str, Any]:
    """What a kubeconfig says of a user with a certificate."""
    return {
        "client-certificate-data": encoded(certificate.certificate),
        "client-key-data": encoded(certificate.key),
    }


def encoded(content: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(content).decode()


def _name(common_name: str, organisations: Sequence[str]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organisations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _dated(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return builder.not_valid_before(now - _EARLIER).not_valid_after(now + _VALID)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
