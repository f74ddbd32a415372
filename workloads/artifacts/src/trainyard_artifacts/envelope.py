"""Envelope encryption with Tink: every message under a data key of its own, that key under one in a cloud's KMS.

The scheme is Tink's ``KmsEnvelopeAead`` with AES-256-GCM data keys: the ciphertext holds the wrapped data key, so only
who may call the key-encryption key's Decrypt can read it, and every byte is authenticated together with the associated
data, which says what the message is. https://developers.google.com/tink/client-side-encryption

A message is in memory whole, and Tink copies it two or three times on the way. With messages of some MiB most of the
time then goes to the kernel, which clears fresh pages for every copy; glibc keeps and reuses them where
``MALLOC_MMAP_THRESHOLD_`` and ``MALLOC_TRIM_THRESHOLD_`` are set high, mallopt(3). ``yard bench encryption`` measures.
"""

from typing import Any

from tink import aead

from trainyard_artifacts.errors import ArtifactError, one_line_reason
from trainyard_artifacts.key_uri import AWS_PREFIX, is_key_uri

SCHEME = "tink-kms-envelope-aes256-gcm"
"""How a manifest names what this module does."""

_CONNECT_TIMEOUT_SECONDS = 3
_READ_TIMEOUT_SECONDS = 20
_ATTEMPTS = 4

# What the clouds answer, by Tink's integrations quoted in the message.
_REFUSALS = (
    "AccessDenied",
    "PermissionDenied",
    "Permission",
    "NotFound",
    "Disabled",
    "Unrecognized",
    "redentials",
)
_ANOTHER_KEY = "IncorrectKey"
_NOT_ENCRYPTED_BY_IT = ("InvalidCiphertext", "Decryption failed", "'ciphertextBlob' failed to satisfy constraint")


class EnvelopeError(ArtifactError):
    """A message could not be encrypted or decrypted. By itself: the key service cannot be reached or does not work."""


class KeyRefusedError(EnvelopeError):
    """The key service knows no such key, or this identity may not use it, or the message is under another key."""


class AnotherKeyError(KeyRefusedError):
    """The message is under another key, where the key service tells so."""


class AlteredError(EnvelopeError):
    """The ciphertext, or the associated data that says what it is, is not what was encrypted."""


class Envelope:
    """Encrypts and decrypts under one key-encryption key, with the environment's credentials."""

    key: "KeyEncryptionKey"
    """The key-encryption key itself, for what has to be encrypted by it directly."""

    def __init__(self, key_uri: str, key: "KeyEncryptionKey | None" = None) -> None:
        """Check ``key_uri`` and prepare access; no request is made yet.

        Args:
            key_uri: ``aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID`` or
                ``gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K``.
            key: what to use in the place of the key of that name, such as a key in memory to measure with.

        Raises:
            EnvelopeError: the URI is neither, or the environment's configuration for that cloud cannot be used.
        """
        aead.register()
        self.key_uri = key_uri
        self.key = _remote_key(key_uri) if key is None else key
        self._aead = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, self.key)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt under a new data key.

        Raises:
            KeyRefusedError: KMS refuses this identity or does not know the key.
            EnvelopeError: KMS cannot be reached.
        """
        ciphertext: bytes = self._aead.encrypt(plaintext, associated_data)
        return ciphertext

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Decrypt what ``encrypt`` returned for the same associated data.

        Raises:
            AlteredError: the ciphertext or its associated data were altered.
            KeyRefusedError: KMS refuses this identity, or another key wrapped the data key.
            EnvelopeError: KMS cannot be reached.
        """
        try:
            plaintext: bytes = self._aead.decrypt(ciphertext, associated_data)
        except EnvelopeError:
            raise
        except Exception:
            what = associated_data.decode(errors="replace")
            raise AlteredError(f"cannot decrypt {what}: its bytes were altered, or it is something else") from None
        return plaintext


class KeyEncryptionKey(aead.Aead):
    """A key that encrypts keys, whose failures are told apart from ciphertext that does not authenticate.

    What it encrypts is limited to some 4 KiB: every message goes to the key service and back.
    """

    def __init__(self, key_uri: str, remote: aead.Aead) -> None:
        """``remote`` does the work; ``key_uri`` names the key in errors."""
        self.key_uri = key_uri
        self._remote = remote

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt by the key itself.

        Raises:
            KeyRefusedError: this identity may not, or there is no such key.
            EnvelopeError: the key service does not answer.
        """
        try:
            wrapped: bytes = self._remote.encrypt(plaintext, associated_data)
        except Exception as error:
            raise self._translated("encrypt", error) from None
        return wrapped

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Decrypt what ``encrypt`` returned for the same associated data.

        Raises:
            AlteredError: it is not what this key has encrypted for this associated data.
            KeyRefusedError: this identity may not, or another key has encrypted it (``AnotherKeyError`` where known).
            EnvelopeError: the key service does not answer.
        """
        try:
            unwrapped: bytes = self._remote.decrypt(ciphertext, associated_data)
        except Exception as error:
            raise self._translated("decrypt", error) from None
        return unwrapped

    def _translated(self, operation: str, error: Exception) -> EnvelopeError:
        reason = one_line_reason(error)
        what = f"cannot {operation} with {self.key_uri}"
        if operation == "decrypt" and any(code in reason for code in _NOT_ENCRYPTED_BY_IT):
            return AlteredError(f"{what}: the data key was altered, or another key wrapped it ({reason})")
        if _ANOTHER_KEY in reason:
            return AnotherKeyError(f"{what}: another key was used ({reason})")
        if any(code in reason for code in _REFUSALS):
            return KeyRefusedError(f"{what}: no such key, another key was used, or this identity may not ({reason})")
        return EnvelopeError(f"{what}: {reason}")


def _remote_key(key_uri: str) -> KeyEncryptionKey:
    if not is_key_uri(key_uri):
        raise EnvelopeError(
            f"{key_uri!r} is not the URI of a key: expected aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID"
            " or gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K"
        )
    try:
        remote = _aws_key(key_uri) if key_uri.startswith(AWS_PREFIX) else _gcp_key(key_uri)
    except Exception as error:
        raise EnvelopeError(f"cannot use {key_uri}: {one_line_reason(error)}") from None
    return KeyEncryptionKey(key_uri, remote)


# The clouds' SDKs take most of a second to import, so each is imported only where its key is used.


def _aws_key(key_uri: str) -> aead.Aead:
    import boto3
    from botocore.config import Config
    from tink.integration import awskms

    # A client of our own, where Tink's would be without time limits. boto3 reads AWS_ENDPOINT_URL itself.
    client: Any = boto3.client(
        "kms",
        region_name=key_uri.split(":")[4],
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            read_timeout=_READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        ),
    )
    return awskms.new_client(boto3_client=client, key_uri=key_uri).get_aead(key_uri)


def _gcp_key(key_uri: str) -> aead.Aead:
    from tink.integration import gcpkms

    return gcpkms.GcpKmsClient(key_uri).get_aead(key_uri)
