"""Secrets as Pulumi's passphrase provider writes them, and where the passphrase comes from.

A secret is `v1:NONCE:CIPHERTEXT`, base64, AES-256-GCM with a nonce of 12 bytes and no associated data. The key is
derived from the passphrase and a salt of 8 bytes by PBKDF2-HMAC-SHA256 with 1,000,000 iterations. The salt is kept, in
the stack's file and in the state, as `v1:SALT:SECRET`, whose secret is the word "pulumi": it tells whether a passphrase
is the right one (pkg/secrets/passphrase and sdk/go/common/resource/config in Pulumi's source).
"""

import base64
import binascii
import hashlib
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.durable_files import create_file
from engine.errors import EngineError

PASSPHRASE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105
PASSPHRASE_FILE_VARIABLE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105

_ITERATIONS = 1_000_000
_PROOF = "pulumi"


class IncorrectPassphrase(EngineError):
    """The passphrase is not the one that the secrets were encrypted with."""


class NoPassphrase(EngineError):
    """There are secrets, and no passphrase to decrypt them with."""


class DamagedSecret(EngineError):
    """A salt or a ciphertext is not what the passphrase provider writes; the text holds neither."""


class PassphraseCrypter:
    """Encrypts and decrypts with one passphrase and salt; safe to use from several threads.

    The key takes some 0.4 s of one core to derive. That happens once, when it is first needed; `prepare` lets it begin
    beside other work.
    """

    def __init__(self, passphrase: str, salt_state: str) -> None:
        """Raises DamagedSecret where `salt_state` is not a salt as the stack's file keeps it."""
        version, _, rest = salt_state.partition(":")
        salt, _, self._proof = rest.partition(":")
        if version != "v1" or not salt or not self._proof:
            raise DamagedSecret("the encryption salt is damaged: it has the form v1:SALT:v1:NONCE:CIPHERTEXT")
        self._salt = _decode(salt, "the encryption salt")
        self._passphrase = passphrase
        self._lock = threading.Lock()
        self._cipher: Any = None
        self._failure: EngineError | None = None

    @classmethod
    def with_new_salt(cls, passphrase: str) -> "PassphraseCrypter":
        """A crypter with a random salt."""
        crypter = cls.__new__(cls)
        crypter._salt = os.urandom(8)
        crypter._proof = ""
        crypter._passphrase = passphrase
        crypter._lock = threading.Lock()
        crypter._cipher = None
        crypter._failure = None
        return crypter

    def __repr__(self) -> str:
        return "PassphraseCrypter(…)"

    @property
    def salt_state(self) -> str:
        """The salt as `encryptionsalt` in the stack's file and `secrets_providers.state.salt` in the state keep it."""
        self.verify()
        return f"v1:{base64.b64encode(self._salt).decode()}:{self._proof}"

    def prepare(self) -> None:
        """Begins to derive the key in the background."""
        threading.Thread(target=self._derive_quietly, name="passphrase key", daemon=True).start()

    def verify(self) -> None:
        """Raises IncorrectPassphrase unless the passphrase fits the salt."""
        with self._lock:
            if self._cipher is None and self._failure is None:
                self._derive()
            if self._failure is not None:
                raise self._failure

    def encrypt(self, plaintext: str) -> str:
        """The secret for a text; another one each time. Raises IncorrectPassphrase."""
        self.verify()
        return _seal(self._cipher, plaintext)

    def decrypt(self, ciphertext: str) -> str:
        """The text of a secret. Raises IncorrectPassphrase, or DamagedSecret where it belongs to another salt."""
        self.verify()
        return _open(self._cipher, ciphertext)

    def _derive(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        # surrogateescape: an environment variable that is not UTF-8 has the bytes that the pulumi command sees.
        passphrase = self._passphrase.encode("utf-8", "surrogateescape")
        cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase, self._salt, _ITERATIONS, 32))
        if not self._proof:
            self._proof = _seal(cipher, _PROOF)
        else:
            try:
                fits = _open(cipher, self._proof) == _PROOF
            except DamagedSecret:
                fits = False
            if not fits:
                self._failure = IncorrectPassphrase("incorrect passphrase")
                return
        self._cipher = cipher

    def _derive_quietly(self) -> None:
        try:
            self.verify()
        except EngineError:
            return


def _seal(cipher: Any, plaintext: str) -> str:
    nonce = os.urandom(12)
    sealed = cipher.encrypt(nonce, plaintext.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _open(cipher: Any, ciphertext: str) -> str:
    from cryptography.exceptions import InvalidTag

    parts = ciphertext.split(":")
    if len(parts) != 3 or parts[0] != "v1":
        raise DamagedSecret("the secret is damaged: it has the form v1:NONCE:CIPHERTEXT")
    nonce, sealed = _decode(parts[1], "the secret"), _decode(parts[2], "the secret")
    if len(nonce) != 12:
        raise DamagedSecret("the secret is damaged: its nonce has not 12 bytes")
    try:
        return cipher.decrypt(nonce, sealed, None).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise DamagedSecret(
            "the secret cannot be decrypted: it was changed, or encrypted with another passphrase or salt"
        ) from None


def _decode(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DamagedSecret(f"{what} is damaged: it is not base64") from None


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase and where it was found."""

    value: str = field(repr=False)
    source: str
    """The environment variable or file, in words for the user."""


def passphrase_file(state_folder: Path, project: str, stack: str) -> Path:
    """Where a generated passphrase is kept: beside the state, in `.pulumi/passphrases/PROJECT/STACK`.

    It is a text file, readable by its owner only, that the pulumi command takes as PULUMI_CONFIG_PASSPHRASE_FILE.
    `state_folder` is the folder that holds `.pulumi`.
    """
    return state_folder / ".pulumi" / "passphrases" / project / stack


def find_passphrase(generated: Path, environment: Mapping[str, str] = os.environ) -> Passphrase | None:
    """The passphrase for a stack: from the environment, as the pulumi command reads it, else the generated one.

    `generated` is the stack's `passphrase_file`. Creates nothing. Raises NoPassphrase where a file is named that cannot
    be read.
    """
    value = environment.get(PASSPHRASE_VARIABLE)
    if value is not None:
        return Passphrase(value, PASSPHRASE_VARIABLE)
    named = environment.get(PASSPHRASE_FILE_VARIABLE)
    if named:
        return Passphrase(
            _read(Path(named).absolute(), PASSPHRASE_FILE_VARIABLE), f"{PASSPHRASE_FILE_VARIABLE}={named}"
        )
    if generated.exists():
        return Passphrase(_read(generated, "the generated passphrase"), str(generated))
    return None


def find_or_create_passphrase(generated: Path, environment: Mapping[str, str] = os.environ) -> Passphrase:
    """The passphrase for a stack; where there is none, a random one that is kept in the file `generated`.

    Raises NoPassphrase where a file is named that cannot be read, or the file cannot be written.
    """
    found = find_passphrase(generated, environment)
    if found is not None:
        return found
    try:
        passphrases = generated.parent.parent
        passphrases.parent.mkdir(parents=True, exist_ok=True)
        passphrases.mkdir(mode=0o700, exist_ok=True)
        generated.parent.mkdir(mode=0o700, exist_ok=True)
        # Another process may create it at the same time; the file that came first counts.
        create_file(generated, (secrets.token_urlsafe(32) + "\n").encode(), mode=0o600)
    except OSError as error:
        raise NoPassphrase(
            f"{generated}: the generated passphrase cannot be kept here: {error.strerror}; "
            f"set {PASSPHRASE_VARIABLE} or {PASSPHRASE_FILE_VARIABLE} instead"
        ) from None
    return Passphrase(_read(generated, "the generated passphrase"), str(generated))


def _read(path: Path, what: str) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").strip()
    except OSError as error:
        raise NoPassphrase(f"{what}: the file {path} cannot be read: {error.strerror}") from None
