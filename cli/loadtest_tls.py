"""Certificates of `yard loadtest`: whom it takes a service to be, and who it says that it is itself (mTLS)."""

import os
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from planning.errors import PlanningError

if TYPE_CHECKING:
    import grpc
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tls:
    """What connections over TLS are made with. As it is by default, the machine's authorities are trusted."""

    ca: Path | None = None
    """Certificates of the only authorities that are trusted; None: the machine's."""
    certificate: Path | None = None
    """The client's own certificate and, after it, those up to its authority; None: the client stays unnamed."""
    key: Path | None = field(default=None, repr=False)
    """The private key of that certificate, without a passphrase."""

    @property
    def is_asked_for(self) -> bool:
        """Whether anything is said, which would be in vain without TLS."""
        return bool(self.ca or self.certificate)

    def context(self) -> ssl.SSLContext:
        """For HTTP. The service's certificate is verified, for its host's name too."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def channel_credentials(self) -> "grpc.ChannelCredentials":
        """For gRPC, which verifies in the same way."""
        import grpc

        return grpc.ssl_channel_credentials(
            root_certificates=self.ca.read_bytes() if self.ca else None,
            private_key=self.key.read_bytes() if self.key else None,
            certificate_chain=self.certificate.read_bytes() if self.certificate else None,
        )


def tls_of_files(*, ca: Path | None, certificate: Path | None, key: Path | None) -> Tls:
    """What the options name, if connections can be made with it. Raises PlanningError for all that is wrong at once."""
    problems: list[str] = []
    if ca:
        _public_key(ca, "--ca", problems)
    if certificate and not key:
        problems.append(f"--certificate = {str(certificate)!r}: must come with --key, its private key")
    if key and not certificate:
        problems.append(f"--key = {str(key)!r}: must come with --certificate, which it is the key of")
    shown = _public_key(certificate, "--certificate", problems) if certificate else None
    owned = _public_key_of_private(key, problems) if key else None
    if shown and owned and shown != owned:
        problems.append(f"--key = {str(key)!r}: must be the private key of {certificate}, and is of another one")
    if problems:
        raise PlanningError.of(problems)
    return Tls(ca=ca, certificate=certificate, key=key)


def _public_key(path: Path, option: str, problems: list[str]) -> "PublicKeyTypes | None":
    """Of the first certificate in the file."""
    from cryptography import x509

    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_certificates(file.read(_LARGEST_FILE))[0].public_key()
    except OSError as error:
        problems.append(f"{option} = {str(path)!r}: cannot be read: {error.strerror or error}")
    except ValueError:
        problems.append(f"{option} = {str(path)!r}: must be a file of certificates as PEM")
    return None


def _public_key_of_private(path: Path, problems: list[str]) -> "PublicKeyTypes | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    named = f"--key = {str(path)!r}"
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if _others_reach(status):
                mode = stat.S_IMODE(status.st_mode)
                problems.append(f"{named}: its mode is {mode:04o}, so that others may reach it: must be 0600")
                return None
            return load_pem_private_key(file.read(_LARGEST_FILE), password=None).public_key()
    except OSError as error:
        problems.append(f"{named}: cannot be read: {error.strerror or error}")
    except TypeError:
        problems.append(f"{named}: must be a private key without a passphrase")
    except (ValueError, UnsupportedAlgorithm):
        # What the parser says may quote the file.
        problems.append(f"{named}: must be a file with a private key as PEM")
    return None


def _others_reach(status: os.stat_result) -> bool:
    # A key of root's may be read by a group, as a mounted Secret is. The rule is that of PostgreSQL's clients:
    # https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-CLIENTCERT
    return bool(status.st_mode & (0o037 if status.st_uid == 0 else 0o077))
