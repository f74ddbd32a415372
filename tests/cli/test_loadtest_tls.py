"""The certificates of `yard loadtest`: which files it takes, and what it says of the others."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from cli.loadtest_tls import Tls, tls_of_files
from planning.errors import PlanningError
from tests.cli.yard import ROOT, yard
from tests.infra.kubernetes.service.authorities import Authority


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the certificate of a client, its private key, and the authority's certificate."""
    authority = Authority("callers")
    authority.write(tmp_path)
    authority.issue(tmp_path, x509.DNSName("caller.test"))
    (tmp_path / "tls.key").chmod(0o600)
    return tmp_path


def read(folder: Path) -> Tls:
    return tls_of_files(ca=folder / "ca.crt", certificate=folder / "tls.crt", key=folder / "tls.key")


def test_what_fits_is_taken_and_the_key_is_not_shown(files: Path) -> None:
    tls = read(files)
    assert tls.is_asked_for
    assert [certificate["subject"] for certificate in tls.context().get_ca_certs()] == [
        ((("commonName", "callers"),),),
    ]
    assert tls.channel_credentials()
    assert "tls.key" not in repr(tls)
    assert not tls_of_files(ca=None, certificate=None, key=None).is_asked_for


def _other_key(folder: Path) -> None:
    Authority("other").issue(folder, x509.DNSName("caller.test"))
    (folder / "tls.key").rename(folder / "other.key")
    Authority("callers").issue(folder, x509.DNSName("caller.test"))
    (folder / "other.key").rename(folder / "tls.key")
    (folder / "tls.key").chmod(0o600)


def _passphrase(folder: Path) -> None:
    key = load_pem_private_key((folder / "tls.key").read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"horse"))
    (folder / "tls.key").write_bytes(encrypted)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "tls.key").chmod(0o604), "--key = '{}/tls.key': its mode is 0604, so that others"),
        (lambda folder: (folder / "tls.key").chmod(0o620), "--key = '{}/tls.key': its mode is 0620, so that others"),
        (lambda folder: (folder / "tls.key").write_text("k"), "--key = '{}/tls.key': must be a file with a private"),
        (lambda folder: (folder / "tls.key").unlink(), "--key = '{}/tls.key': cannot be read: No such file"),
        (_passphrase, "--key = '{}/tls.key': must be a private key without a passphrase"),
        (_other_key, "--key = '{0}/tls.key': must be the private key of {0}/tls.crt, and is of another one"),
        (lambda folder: (folder / "tls.crt").write_text("c"), "--certificate = '{}/tls.crt': must be a file of cert"),
        (lambda folder: (folder / "ca.crt").unlink(), "--ca = '{}/ca.crt': cannot be read: No such file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    files: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(files)
    with pytest.raises(PlanningError) as refused:
        read(files)
    assert str(refused.value).startswith(message.format(files))
    assert "\n" not in str(refused.value)


def test_all_that_is_wrong_with_certificates_is_told_at_once(files: Path) -> None:
    (files / "ca.crt").write_text("no certificate")
    given = ("--url", "http://127.0.0.1:1", "--model", "m", "--ca", str(files / "ca.crt"))
    ended = yard("loadtest", *given, "--key", str(files / "tls.key"), "--seconds", "0", cwd=ROOT)
    assert (ended.code, ended.out) == (2, "")
    assert [line.removeprefix("yard: ").partition(" = ")[0] for line in ended.err.splitlines()] == [
        "--seconds",
        "--ca",
        "--key",
    ]


def test_certificates_go_over_tls_only(files: Path) -> None:
    given = ("--certificate", str(files / "tls.crt"), "--key", str(files / "tls.key"))
    urls = ("--url", "https://localhost:1", "--url", "grpc://localhost:2", "--model", "m")
    ended = yard("loadtest", *urls, *given, cwd=ROOT)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (f"yard: --certificate = '{files}/tls.crt': must go with grpcs://, not grpc://localhost:2\n")
