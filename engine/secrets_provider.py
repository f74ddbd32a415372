"""Chooses what encrypts a stack's secrets: which passphrase and which salt, and when a new salt may be made.

The salt stands in the stack's file, for the configuration, and in the state. A stack's file can come from another
machine with a salt whose passphrase is not here. If nothing here was encrypted with it, a new one may take its place.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.passphrase import (
    PASSPHRASE_FILE_VARIABLE,
    PASSPHRASE_VARIABLE,
    IncorrectPassphrase,
    NoPassphrase,
    Passphrase,
    PassphraseCrypter,
    find_or_create_passphrase,
    find_passphrase,
)
from engine.stack_settings import StackSettings


@dataclass(frozen=True, slots=True)
class OpenedCrypter:
    """What encrypts a stack's secrets from now on."""

    crypter: PassphraseCrypter
    salt_is_new: bool
    """Whether the stack's file has to be given the salt, with `set_encryption_salt`, before anything is encrypted."""
    passphrase: Passphrase


def crypter_for_preview(
    settings: StackSettings, state_salt: str, generated: Path, environment: Mapping[str, str] = os.environ
) -> PassphraseCrypter | None:
    """What decrypts the stack's secrets, or None where nothing here can; creates nothing, and does not complain.

    `state_salt` is the salt that the state names, or empty; `generated` the stack's `passphrase_file`.
    """
    if settings.secrets_provider not in ("", "default", "passphrase"):
        return None
    salt = settings.encryption_salt or state_salt
    try:
        found = find_passphrase(generated, environment)
    except NoPassphrase:
        return None
    if found is None or not salt:
        return None
    crypter = PassphraseCrypter(found.value, salt)
    try:
        crypter.verify()
    except IncorrectPassphrase:
        return None
    return crypter


def crypter_for_update(
    settings: StackSettings, state_salt: str, generated: Path, environment: Mapping[str, str] = os.environ
) -> OpenedCrypter:
    """What encrypts and decrypts the stack's secrets; makes a passphrase and a salt where there are none.

    `state_salt` is the salt that the state names, empty where there is no state or nothing in it. Raises NoPassphrase,
    IncorrectPassphrase, or Unsupported for another provider than passphrases.
    """
    settings.require_passphrase_provider()
    salt = settings.encryption_salt or state_salt
    replaceable = not state_salt and not settings.has_secrets
    passphrase = find_passphrase(generated, environment)
    if salt and passphrase is not None:
        crypter = PassphraseCrypter(passphrase.value, salt)
        try:
            crypter.verify()
            return OpenedCrypter(crypter, not settings.encryption_salt, passphrase)
        except IncorrectPassphrase:
            if not replaceable:
                raise _misfit(settings, state_salt, passphrase) from None
    elif salt and not replaceable:
        raise NoPassphrase(
            f"stack {settings.stack} has secrets, and their passphrase is not on this machine: "
            f"set {PASSPHRASE_VARIABLE}, or {PASSPHRASE_FILE_VARIABLE} to a file that holds it"
        )
    passphrase = passphrase or find_or_create_passphrase(generated, environment)
    return OpenedCrypter(PassphraseCrypter.with_new_salt(passphrase.value), True, passphrase)


def crypter_for_state(opened: OpenedCrypter, settings: StackSettings, state_salt: str) -> PassphraseCrypter:
    """What decrypts the state, whose salt can differ from that of the stack's file. Raises IncorrectPassphrase."""
    if not state_salt or state_salt == opened.crypter.salt_state:
        return opened.crypter
    crypter = PassphraseCrypter(opened.passphrase.value, state_salt)
    try:
        crypter.verify()
    except IncorrectPassphrase:
        raise _incorrect(settings, opened.passphrase) from None
    return crypter


def _misfit(settings: StackSettings, state_salt: str, passphrase: Passphrase) -> IncorrectPassphrase:
    """Why the passphrase does not fit the salt of the stack's file."""
    if not state_salt or state_salt == settings.encryption_salt:
        return _incorrect(settings, passphrase)
    try:
        PassphraseCrypter(passphrase.value, state_salt).verify()
    except IncorrectPassphrase:
        return _incorrect(settings, passphrase)
    anew = ", and set its secrets anew" if settings.has_secrets else ""
    return IncorrectPassphrase(
        f"{settings.file}: its encryptionsalt is not the one of the state of stack {settings.stack}, which the "
        f"passphrase from {passphrase.source} fits; remove the line encryptionsalt from the file{anew}: "
        "the next update writes the state's there"
    )


def _incorrect(settings: StackSettings, passphrase: Passphrase) -> IncorrectPassphrase:
    return IncorrectPassphrase(
        f"incorrect passphrase for stack {settings.stack}: the one from {passphrase.source} does not fit the salt that "
        f"its secrets were encrypted with; set {PASSPHRASE_VARIABLE} or {PASSPHRASE_FILE_VARIABLE} to the right one"
    )
