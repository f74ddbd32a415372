"""The keys of bundles: one to sign with, of whoever writes them, and one to decrypt with, of the machine that serves.

Both are Tink keysets as JSON. A private one is a file that only its owner may read, and beside it, with ``.pub`` at the
end, is its public one, which is no secret but has to reach the other side unaltered. Signatures are Ed25519; encryption
is HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. https://developers.google.com/tink/hybrid A private one may
be under a passphrase (see ``bundle_passphrase``).

``python -m trainyard_serving.bundle_keys sign|decrypt FILE`` makes a pair on a machine that has only the serving image.
"""

import argparse
import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import tink
from tink import hybrid, json_proto_keyset_format, proto_keyset_format, secret_key_access, signature

from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.specification import SpecificationError
from trainyard_serving.bundle_passphrase import (
    PassphraseError,
    ask_new_passphrase,
    ask_passphrase,
    is_protected,
    passphrase_of,
    protect,
    unprotect,
)

PUBLIC_SUFFIX = ".pub"
_LARGEST_KEY_FILE = 64 * 1024
_TYPE_PREFIX = "type.googleapis.com/google.crypto.tink."


class Purpose(StrEnum):
    """What a key is for."""

    SIGN = "sign"
    DECRYPT = "decrypt"


_TEMPLATES = {
    Purpose.SIGN: signature.signature_key_templates.ED25519,
    Purpose.DECRYPT: hybrid.hybrid_key_templates.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM,
}
_KEY_TYPES = {Purpose.SIGN: "Ed25519", Purpose.DECRYPT: "Hpke"}


class BundleKeyError(SpecificationError):
    """A key's file cannot be used or made; the message names it and says what would be valid."""


class WrongKeyError(ArtifactError):
    """A key does not verify, or does not decrypt, what it was to."""


@dataclass(frozen=True)
class PublicKey:
    """A public key and where it was read."""

    path: Path
    identity: str
    """Of the pair, as people compare it: part of the SHA-256 of the public keyset."""
    _handle: tink.KeysetHandle

    def verify(self, signed: bytes, data: bytes) -> None:
        """Raise WrongKeyError where ``signed`` is not this key's signature of ``data``."""
        try:
            self._handle.primitive(signature.PublicKeyVerify).verify(signed, data)
        except tink.TinkError:
            raise WrongKeyError(f"it is not a signature by {self.path} ({self.identity})") from None

    def encrypt(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt for the machine that has the private key; ``context`` says what the plaintext is."""
        ciphertext: bytes = self._handle.primitive(hybrid.HybridEncrypt).encrypt(plaintext, context)
        return ciphertext


@dataclass(frozen=True)
class PrivateKey:
    """A private key and where it was read; shows neither key nor keyset."""

    path: Path
    identity: str
    """As that of its public key."""
    _handle: tink.KeysetHandle

    def __repr__(self) -> str:
        return f"PrivateKey({self.path}, {self.identity})"

    def sign(self, data: bytes) -> bytes:
        """The signature of ``data``."""
        signed: bytes = self._handle.primitive(signature.PublicKeySign).sign(data)
        return signed

    def decrypt(self, ciphertext: bytes, context: bytes) -> bytes:
        """What was encrypted for this key and the same context; WrongKeyError where it was not."""
        try:
            plaintext: bytes = self._handle.primitive(hybrid.HybridDecrypt).decrypt(ciphertext, context)
        except tink.TinkError:
            raise WrongKeyError(
                f"it is not encrypted for {self.path} ({self.identity}), or is something else"
            ) from None
        return plaintext


def create_key(path: Path, purpose: Purpose, *, passphrase: str | None = None) -> str:
    """Make a pair: the private key at ``path``, readable by its owner only, the public one beside it.

    Args:
        path: of the private key.
        purpose: of the pair.
        passphrase: that the private key is protected by; None for none.

    Returns:
        What ``identity`` of either is.

    Raises:
        BundleKeyError: one of the files is there already, or cannot be written, or the passphrase is too short; then
            neither was made.
    """
    _register()
    handle = tink.new_keyset_handle(_TEMPLATES[purpose])
    public = public_path(path)
    files = (
        (path, _private_text(handle, passphrase, path), 0o600),
        (public, json_proto_keyset_format.serialize_without_secret(handle.public_keyset_handle()), 0o644),
    )
    made: list[Path] = []
    try:
        for file, text, mode in files:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(file)
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(text)
    except BaseException as error:
        for file in made:
            file.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise BundleKeyError(f"{error.filename} is there already: a key is never overwritten") from None
        if isinstance(error, OSError):
            raise BundleKeyError(f"{path} cannot be written: {error.strerror or error}") from None
        raise
    return _identity(handle.public_keyset_handle())


def public_path(path: Path) -> Path:
    """Where the public key of the private one at ``path`` is written."""
    return path.with_name(path.name + PUBLIC_SUFFIX)


def read_public_key(path: Path, purpose: Purpose) -> PublicKey:
    """Read a public key. Raises BundleKeyError: unreadable, a private one, or for another purpose."""
    _register()
    text = _read(path)
    try:
        handle = json_proto_keyset_format.parse_without_secret(text)
    except tink.TinkError as error:
        if "secret" in str(error):
            raise BundleKeyError(
                f"{path} holds a private key, and a public one is wanted here: give the file that ends in"
                f" {PUBLIC_SUFFIX}, and keep this one to the machine that it is of"
            ) from None
        raise BundleKeyError(f"{path} is not a key that 'yard bundle key {purpose}' has made") from None
    _require_type(handle, path, purpose, f"{_KEY_TYPES[purpose]}PublicKey")
    return PublicKey(path, _identity(handle), handle)


def read_private_key(path: Path, purpose: Purpose, *, passphrase_file: Path | None = None) -> PrivateKey:
    """Read a private key.

    Args:
        path: of the key.
        purpose: of the key.
        passphrase_file: has the passphrase of a protected key as its first line; None to ask at the terminal.

    Raises:
        BundleKeyError: it cannot be read, can be read by others, is a public one or for another purpose; or its
            passphrase is not to be had, or is another one.
    """
    handle = _private_handle(path, passphrase_file, f"yard bundle key {purpose}")
    _require_type(handle, path, purpose, f"{_KEY_TYPES[purpose]}PrivateKey")
    return PrivateKey(path, _identity(handle.public_keyset_handle()), handle)


def change_passphrase(path: Path, *, passphrase_file: Path | None, new_passphrase_file: Path | None) -> str:
    """Put a private key under another passphrase. The pair stays the same; its file is replaced as a whole.

    Args:
        path: of the private key.
        passphrase_file: as ``read_private_key`` has it, for the passphrase until now.
        new_passphrase_file: as ``new_passphrase`` has it, for the passphrase from now on.

    Returns:
        What ``identity`` of the pair is.

    Raises:
        BundleKeyError: as ``read_private_key`` and ``new_passphrase``; or the new passphrase is too short, or the file
            cannot be written. Then the key is as it was.
    """
    # It brings the clients of object stores along, which a machine that only decrypts has no use for.
    from trainyard_artifacts.fetch import write_atomically

    handle = _private_handle(path, passphrase_file, "yard bundle key")
    try:
        identity = _identity(handle.public_keyset_handle())
    except tink.TinkError:
        raise BundleKeyError(f"{path} holds a public key, and those have no passphrase") from None
    text = _private_text(handle, new_passphrase(path, new_passphrase_file), path)
    try:
        write_atomically(path.resolve(), text.encode())
    except OSError as error:
        raise BundleKeyError(f"{path} cannot be written: {error.strerror or error}") from None
    return identity


def new_passphrase(path: Path, passphrase_file: Path | None) -> str | None:
    """The passphrase for a key that is to be made at ``path``; None for none.

    Args:
        path: of the private key, for whoever is asked.
        passphrase_file: has it as its first line; None to ask at the terminal, if there is one.

    Raises:
        BundleKeyError: the file cannot be used, or the answers differ.
    """
    try:
        if passphrase_file is None:
            return ask_new_passphrase(path)
        return passphrase_of(_read(passphrase_file, "a passphrase"), passphrase_file)
    except PassphraseError as error:
        raise BundleKeyError(f"{path} is not written: {error}") from None


def _private_handle(path: Path, passphrase_file: Path | None, maker: str) -> tink.KeysetHandle:
    _register()
    text = _read(path, "a private key")
    try:
        if is_protected(text):
            return unprotect(text, _passphrase(path, passphrase_file))
        return json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    except PassphraseError as error:
        raise BundleKeyError(f"{path} cannot be used: {error}") from None
    except tink.TinkError:
        # What the parser says may quote the file.
        raise BundleKeyError(f"{path} is not a key that {maker!r} has made") from None


def _private_text(handle: tink.KeysetHandle, passphrase: str | None, path: Path) -> str:
    if passphrase is None:
        text: str = json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
        return text
    try:
        return protect(handle, passphrase)
    except PassphraseError as error:
        raise BundleKeyError(f"{path} is not written: {error}") from None


def _passphrase(key: Path, file: Path | None) -> str:
    return ask_passphrase(key) if file is None else passphrase_of(_read(file, "a passphrase"), file)


def _register() -> None:
    hybrid.register()
    signature.register()


def _read(path: Path, secret: str = "") -> str:
    """The text of a file; where it holds a secret, which is named, nobody but its owner may reach it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if secret and mode & 0o077 and not _is_credential_of_service(path):
                raise BundleKeyError(
                    f"{path} holds {secret} and its mode is {mode:04o}: others may reach it; make it 0600"
                )
            return file.read(_LARGEST_KEY_FILE).decode()
    except OSError as error:
        raise BundleKeyError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BundleKeyError(f"{path} is not {secret or 'a key'}: it is not text") from None


def _is_credential_of_service(path: Path) -> bool:
    # systemd gives the service's user access by an access control list, whose mask shows as the group's permissions.
    # Its documentation holds that nobody else has access: systemd.exec(5), "Credentials".
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.absolute().parent == Path(str(folder)).absolute()


def _require_type(handle: tink.KeysetHandle, path: Path, purpose: Purpose, expected: str) -> None:
    found = {key.type_url.removeprefix(_TYPE_PREFIX) for key in handle.keyset_info().key_info}
    if found != {expected}:
        raise BundleKeyError(
            f"{path} has a key of type {', '.join(sorted(found)) or 'none'}, expected {expected}, as"
            f" 'yard bundle key {purpose}' makes it"
        )


def _identity(public: tink.KeysetHandle) -> str:
    return hashlib.sha256(proto_keyset_format.serialize_without_secret(public)).hexdigest()[:32]


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m trainyard_serving.bundle_keys", allow_abbrev=False)
    parser.add_argument("purpose", choices=[str(purpose) for purpose in Purpose])
    parser.add_argument("file", type=Path, metavar="FILE", help="the private key; the public one is FILE.pub")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line protects the private key")
    chosen = parser.parse_args(arguments)
    try:
        passphrase = new_passphrase(chosen.file, chosen.passphrase_file)
        print(create_key(chosen.file, Purpose(chosen.purpose), passphrase=passphrase))
    except BundleKeyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
