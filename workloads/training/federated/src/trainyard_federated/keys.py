"""Certificates and keys: who the SuperLink is, who a SuperNode is, and what local processes know each other by.

What a run on one machine needs is made for it and lives as long as it. On machines of their own, the sites make their
keys themselves (``ssh-keygen -t ecdsa -b 384``), and the coordinator's certificate is one that they can check.
"""

import datetime
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAYS = 30
_SECRET_BYTES = 32


@dataclass(frozen=True)
class ServerCertificate:
    """Files of a server's certificate, its key, and the authority that others check it by."""

    certificate: Path
    key: Path
    authority: Path


def make_server_certificate(folder: Path, address: str) -> ServerCertificate:
    """Make an authority and, by it, a certificate for the IP address ``address``; the authority's key is not kept."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trainyard federation")])

    def builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    authority = (
        builder(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_may(sign_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA384())
    )
    certificate = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_may(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .sign(authority_key, hashes.SHA384())
    )
    files = ServerCertificate(folder / "server.pem", folder / "server.key", folder / "authority.pem")
    write_private(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    write_private(files.authority, authority.public_bytes(serialization.Encoding.PEM))
    write_private(files.key, _private_bytes(key, serialization.PrivateFormat.PKCS8))
    return files


def make_node_key(folder: Path, site: str) -> Path:
    """Make a SuperNode's key pair, ``SITE.key`` and ``SITE.pub`` in OpenSSH's format; returns the private key's file.

    The curve is P-384, as Flower's documentation has it.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    private = folder / f"{site}.key"
    write_private(private, _private_bytes(key, serialization.PrivateFormat.OpenSSH))
    write_private(folder / f"{site}.pub", public + b"\n")
    return private


def make_secret(path: Path) -> Path:
    """Write a new random secret; returns its file."""
    write_private(path, secrets.token_bytes(_SECRET_BYTES))
    return path


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        FileExistsError, OSError: it is there already, or cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _private_bytes(key: ec.EllipticCurvePrivateKey, form: serialization.PrivateFormat) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _may(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
