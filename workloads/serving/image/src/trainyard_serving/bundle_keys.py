"""The keys of bundles: one to sign with, of whoever writes them, and one to decrypt with, of the machine that serves.

Both are Tink keysets as JSON. A private one is a file that only its owner may read, and beside it, with ``.pub`` at the
end, is its public one, which is no secret but has to reach the other side unaltered. Signatures are Ed25519; encryption
is HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. https://developers.google.com/tink/hybrid

``python -m trainyard_serving.bundle_keys sign|decrypt FILE`` makes a pair on a machine that has only the serving image.
"""

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


def create_key(path: Path, purpose: Purpose) -> str:
    """Make a pair: the private key at ``path``, readable by its owner only, the public one beside it.

    Returns:
        What ``identity`` of either is.

    Raises:
        BundleKeyError: one of the files is there already, or cannot be written; then neither was made.
    """
    _register()
    handle = tink.new_keyset_handle(_TEMPLATES[purpose])
    public = public_path(path)
    files = (
        (path, json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN), 0o600),
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
    text = _read(path, secret=False)
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


def read_private_key(path: Path, purpose: Purpose) -> PrivateKey:
    """Read a private key. Raises BundleKeyError: unreadable, readable by others, a public one, for another purpose."""
    _register()
    text = _read(path, secret=True)
    try:
        handle = json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    except tink.TinkError:
        # What the parser says may quote the file.
        raise BundleKeyError(f"{path} is not a key that 'yard bundle key {purpose}' has made") from None
    _require_type(handle, path, purpose, f"{_KEY_TYPES[purpose]}PrivateKey")
    return PrivateKey(path, _identity(handle.public_keyset_handle()), handle)


def _register() -> None:
    hybrid.register()
    signature.register()


def _read(path: Path, *, secret: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if secret and mode & 0o077 and not _is_credential_of_service(path):
                raise BundleKeyError(
                    f"{path} holds a private key and its mode is {mode:04o}: others may reach it; make it 0600"
                )
            return file.read(_LARGEST_KEY_FILE).decode()
    except OSError as error:
        raise BundleKeyError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BundleKeyError(f"{path} is not a key: it is not text") from None


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
    purposes = [str(purpose) for purpose in Purpose]
    if len(arguments) != 2 or arguments[0] not in purposes:
        print(f"usage: python -m trainyard_serving.bundle_keys {'|'.join(purposes)} FILE", file=sys.stderr)
        return 2
    try:
        print(create_key(Path(arguments[1]), Purpose(arguments[0])))
    except BundleKeyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
