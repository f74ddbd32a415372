"""Private keys of bundles under a passphrase, and where the passphrase comes from.

The key that encrypts the keyset is derived with Argon2id and the second of the recommended sets of parameters, which
needs 64 MiB (RFC 9106, section 4); the keyset is encrypted with AES-256-GCM. A passphrase comes from a file, which may
be a descriptor such as ``/dev/fd/3``, or from whoever sits at the terminal: never from the command line or the
environment, which other processes can read.
"""

import base64
import getpass
import json
import os
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

import tink
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tink import aead, json_proto_keyset_format

from trainyard_artifacts.specification import SpecificationError

SHORTEST = 8
"""Characters. As many as NIST SP 800-63B-4, section 3.1.1.2, asks for beside another factor, which is the file here."""
_KIND = "trainyard-protected-key"
_SALT_BYTES = 16
_KEY_BYTES = 32
_NONCE_BYTES = 12


class PassphraseError(SpecificationError):
    """A passphrase is missing, too short or wrong; the message does not name the key's file and never has a secret."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Derivation(_Strict):
    """Parameters of Argon2id. The bounds keep an altered file from taking all of a machine's memory or time."""

    salt: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$")]
    iterations: int = Field(default=3, ge=1, le=64)
    lanes: int = Field(default=4, ge=1, le=64)
    memory_kib: int = Field(default=64 * 1024, ge=1024, le=1024 * 1024)

    def key(self, passphrase: str) -> bytes:
        # The same characters typed on another machine are the same bytes: RFC 8265, section 4.
        normal = unicodedata.normalize("NFC", passphrase).encode()
        try:
            derivation = Argon2id(
                salt=base64.b64decode(self.salt),
                length=_KEY_BYTES,
                iterations=self.iterations,
                lanes=self.lanes,
                memory_cost=self.memory_kib,
            )
        except UnsupportedAlgorithm:
            raise PassphraseError("Argon2id is not in this machine's OpenSSL: 3.2 or newer is needed") from None
        return derivation.derive(normal)

    def context(self) -> bytes:
        return json.dumps({"kind": _KIND, **self.model_dump()}, sort_keys=True).encode()


class _ProtectedKey(_Strict):
    kind: Literal["trainyard-protected-key"]
    schema_version: Literal[1]
    argon2id: _Derivation
    keyset: dict[str, Any]
    """Tink's encrypted keyset."""


class _Encryption(aead.Aead):
    """AES-256-GCM with a nonce in front of the ciphertext, as Tink calls it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        try:
            return self._cipher.decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], associated_data)
        except (InvalidTag, ValueError):
            raise tink.TinkError("it does not decrypt") from None


def protect(handle: tink.KeysetHandle, passphrase: str) -> str:
    """The keyset as text that needs the passphrase to be read. Raises PassphraseError where it is too short."""
    if len(passphrase) < SHORTEST:
        raise PassphraseError(f"the passphrase has {len(passphrase)} characters: it must have {SHORTEST} or more")
    derivation = _Derivation(salt=base64.b64encode(os.urandom(_SALT_BYTES)).decode())
    encrypted = json_proto_keyset_format.serialize_encrypted(
        handle, _Encryption(derivation.key(passphrase)), derivation.context()
    )
    document = _ProtectedKey(
        kind="trainyard-protected-key", schema_version=1, argon2id=derivation, keyset=json.loads(encrypted)
    )
    return json.dumps(document.model_dump(mode="json"), indent=2) + "\n"


def is_protected(text: str) -> bool:
    """Whether a key's file has to be read with a passphrase."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == _KIND


def unprotect(text: str, passphrase: str) -> tink.KeysetHandle:
    """The keyset. Raises PassphraseError where the passphrase is another one, or the text was altered."""
    try:
        document = _ProtectedKey.model_validate_json(text)
    except ValidationError:
        # What the parser says may quote the file.
        raise PassphraseError("it is not a protected key that this version reads, or was altered") from None
    derivation = document.argon2id
    cipher = _Encryption(derivation.key(passphrase))
    try:
        return json_proto_keyset_format.parse_encrypted(json.dumps(document.keyset), cipher, derivation.context())
    except tink.TinkError:
        raise PassphraseError("the passphrase is wrong, or the file was altered") from None


def passphrase_of(text: str, file: Path) -> str:
    """The first line of what ``file`` holds. Raises PassphraseError where it is empty."""
    found = text.partition("\n")[0].removesuffix("\r")
    if not found:
        raise PassphraseError(f"the first line of {file} is empty: it must be the passphrase")
    return found


def ask_passphrase(key: Path) -> str:
    """Of whoever sits at the terminal. Raises PassphraseError where nobody does."""
    if not _has_terminal():
        raise PassphraseError(
            "it is protected by a passphrase, and there is no terminal to ask for it: give it by --passphrase-file,"
            " which may be a descriptor such as /dev/fd/3"
        )
    return getpass.getpass(f"Passphrase of {key}: ")


def ask_new_passphrase(key: Path) -> str | None:
    """What whoever sits at the terminal wants; None for no passphrase, or where nobody sits there.

    Raises PassphraseError where the two answers differ.
    """
    if not _has_terminal():
        return None
    first = getpass.getpass(f"New passphrase of {key}, {SHORTEST} characters or more (empty for none): ")
    if first and getpass.getpass("The same once more: ") != first:
        raise PassphraseError("the two passphrases differ")
    return first or None


def _has_terminal() -> bool:
    # What asks by itself opens the terminal of the session, which a command in the background may have, too.
    return sys.stdin is not None and sys.stdin.isatty()
