"""Opens the secrets of a stack for one deployment: those of its configuration and those of its state."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import checkpoint, values
from engine.errors import EngineError
from engine.passphrase import PassphraseCrypter
from engine.secrets_provider import crypter_for_preview, crypter_for_state, crypter_for_update
from engine.stack_settings import StackSettings, set_encryption_salt


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """What encrypts and decrypts, where the passphrase for it is here."""

    salt: str
    """The salt to record; empty where there is none."""
    encrypt: Callable[[str], str]
    decrypt_state: Callable[[str], str] | None
    decrypt_config: Callable[[str], str] | None
    settings: StackSettings
    """The stack's settings, with the salt that was made for them."""


def open_for_preview(settings: StackSettings, latest: dict[str, Any], generated: Path) -> StackSecrets:
    """Opens what can be opened with what is here, and changes nothing. `generated` is the stack's passphrase file."""
    state_salt = _state_salt(latest)
    if settings.has_secrets or values.SECRET_SIGNATURE in json.dumps(latest.get("resources") or []):
        crypter = crypter_for_preview(settings, state_salt, generated)
        if crypter is not None:
            return StackSecrets(
                crypter.salt_state, crypter.encrypt, opened(crypter, state_salt), crypter.decrypt, settings
            )
    return StackSecrets("", _no_encryption, None, None, settings)


def open_for_update(
    settings: StackSettings, latest: dict[str, Any], generated: Path, *, keep_salt: bool = True
) -> StackSecrets:
    """Opens everything, and makes a salt and a passphrase where there are none. Raises as `crypter_for_update`.

    `keep_salt`: a salt that the stack's file lacks is written into it.
    """
    state_salt = _state_salt(latest)
    found = crypter_for_update(settings, state_salt, generated)
    if found.salt_is_new and keep_salt:
        settings = set_encryption_salt(settings, found.crypter.salt_state)
    decrypt = crypter_for_state(found, settings, state_salt).decrypt
    return StackSecrets(found.crypter.salt_state, found.crypter.encrypt, decrypt, found.crypter.decrypt, settings)


def opened(crypter: PassphraseCrypter, state_salt: str) -> Callable[[str], str] | None:
    """What decrypts the state; a state with another salt than the configuration's stays closed in a preview."""
    return crypter.decrypt if state_salt in ("", crypter.salt_state) else None


def _state_salt(latest: dict[str, Any]) -> str:
    # A state without resources holds nothing that was encrypted with its salt: a new one may take its place.
    return checkpoint.state_salt(latest) if latest.get("resources") else ""


def _no_encryption(plaintext: str) -> str:
    raise EngineError("a preview writes no state, so it encrypts nothing")
