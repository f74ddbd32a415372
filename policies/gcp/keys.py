"""Rules for Cloud KMS keys."""

import re
from collections.abc import Iterator
from typing import Any

from policies.resources import Resource
from policies.rules import Parameter, resource_rule
from policies.values import is_true, known

KEY = "gcp:kms/cryptoKey:CryptoKey"

_SECONDS = re.compile(r"\d+(\.\d+)?s")
_SECONDS_A_DAY = 86_400
_DEFAULT_DESTRUCTION = "2592000s"
"""30 days, if nothing was specified when the key was created."""


@resource_rule(
    KEY,
    id="gcp-key-rotation",
    title="Keys in Cloud KMS are replaced by new versions in time.",
    severity="medium",
    frameworks=("CKV_GCP_43", "CIS GCP 3.0.0 1.10", "NIST SC-12"),
    wrong="A key that was stolen once opens all that is written from then on.",
    mend='set rotationPeriod, such as "7776000s" for 90 days.',
    parameters={"maximum_days": Parameter(90, "The longest time in days until a key has a new version.", minimum=1)},
)
def key_rotation(key: Resource, maximum_days: float) -> Iterator[str]:
    """Only keys that encrypt symmetrically, and whose material is not imported, can rotate by themselves."""
    if key.get("purpose", default="ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or is_true(key.get("importOnly")):
        return
    period = known(key.get("rotationPeriod"))
    if not period:
        yield "The key is never rotated."
    elif _days(period) > maximum_days:
        yield f"The key is rotated every {_days(period):g} days only; {maximum_days:g} at most are allowed."


@resource_rule(
    KEY,
    id="gcp-key-destruction-delay",
    title="A destroyed version of a key can be restored for some weeks.",
    severity="medium",
    frameworks=("NIST SC-12", "NIST CP-9"),
    wrong="All that the key encrypts is lost before anyone notices.",
    mend="leave destroyScheduledDuration out (30 days), or set a longer one.",
    parameters={"minimum_days": Parameter(30, "The shortest time in days until a version is gone.", minimum=1)},
)
def key_destruction_delay(key: Resource, minimum_days: float) -> Iterator[str]:
    """It cannot be changed once the key exists."""
    delay = key.get("destroyScheduledDuration", default=_DEFAULT_DESTRUCTION)
    if _days(known(delay)) < minimum_days and not is_true(key.get("importOnly")):
        yield f"A destroyed version is gone for good after {_days(delay):g} days, not {minimum_days:g}."


@resource_rule(
    KEY,
    id="gcp-key-protected",
    title="Keys in Cloud KMS are not destroyed by mistake.",
    severity="high",
    frameworks=("CKV_GCP_82", "NIST SC-12", "NIST CP-9"),
    wrong="One `destroy`, or a change that replaces the key, takes with it all that the key encrypts.",
    mend='create the key with the resource option protect, or with deletionPolicy "PREVENT" or "ABANDON".',
)
def key_protected(key: Resource) -> Iterator[str]:
    """Google Cloud cannot delete a key: to destroy the resource destroys every version of it."""
    if not key.protected and key.get("deletionPolicy", default="DELETE") not in ("PREVENT", "ABANDON"):
        yield "The key is destroyed with its stack."


def _days(duration: Any) -> float:
    """Days of a duration such as 86400s. Raises ValueError."""
    if not isinstance(duration, str) or not _SECONDS.fullmatch(duration):
        raise ValueError(f"{duration!r} is no duration in seconds, such as 7776000s")
    return float(duration.removesuffix("s")) / _SECONDS_A_DAY


RULES = (key_rotation, key_destruction_delay, key_protected)
