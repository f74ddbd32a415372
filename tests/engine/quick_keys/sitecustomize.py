"""What processes of trials begin with: keys are derived from passphrases in a thousandth of the rounds.

The rounds are there to take long, and would take more than half of a small deployment's time. Tests of passphrases and
secrets, and all of the commands, derive keys as users do.
"""

import hashlib

_derive = hashlib.pbkdf2_hmac


def _derive_quickly(name: str, passphrase: bytes, salt: bytes, rounds: int, length: int | None = None) -> bytes:
    return _derive(name, passphrase, salt, max(1, rounds // 1000), length)


hashlib.pbkdf2_hmac = _derive_quickly
