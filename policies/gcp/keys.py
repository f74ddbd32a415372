"""Rules for Cloud KMS keys."""

import re
from collections.abc import Iterator
from typing import Any

from policies.gcp.grants import EVERY_GRANT, grants
from policies.gcp.identity import CUSTOM_ROLES, is_made_of
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, resource_rule, stack_rule
from policies.values import Undecided, Unknown, is_true, known

KEY = "gcp:kms/cryptoKey:CryptoKey"

_KEEPING = "roles/cloudkms.admin"
_USING = "roles/cloudkms.crypto"
"""What the roles begin with that encrypt, decrypt or sign."""
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


@stack_rule(
    *EVERY_GRANT,
    id="gcp-key-duties-separated",
    title="Nobody both looks after keys in Cloud KMS and uses them.",
    severity="medium",
    frameworks=("CIS GCP 3.0.0 1.11", "NIST AC-5", "NIST SC-12"),
    wrong="One stolen credential then reads the data, and takes the key away from everybody else.",
    mend="grant roles/cloudkms.admin and roles/cloudkms.cryptoKey… to different members.",
)
def key_duties_separated(stack: Stack) -> Iterator[Objection]:
    """By all grants of the stack together, on whatever project, ring or key: a role on one is soon one on another."""
    keepers: dict[str, Resource] = {}
    users: set[str] = set()
    for subject in stack.of(*EVERY_GRANT):
        subject.undecided.clear()
        for grant in grants(subject):
            with stack.apart():
                # What may be in a role of one's own is another rule's business.
                if is_made_of(subject, "role", grant.role, CUSTOM_ROLES):
                    continue
                if known(grant.role) == _KEEPING:
                    keepers.setdefault(_who(subject, grant.member), subject)
                elif str(grant.role).startswith(_USING):
                    users.add(_who(subject, grant.member))
        stack.undecided.extend(subject.undecided)
    for member, subject in keepers.items():
        if member in users:
            yield Objection(f"{member.rpartition('::')[2]} looks after keys, and encrypts or decrypts by one.", subject)


def _who(subject: Resource, member: Any) -> str:
    """A member, or the resource that it is made of where it is not known yet. Raises Undecided."""
    if isinstance(member, Unknown):
        found = subject.property_dependencies.get("member", ())
        if len(found) != 1:
            raise Undecided(member.path)
        return found[0]
    return str(member)


def _days(duration: Any) -> float:
    """Days of a duration such as 86400s. Raises ValueError."""
    if not isinstance(duration, str) or not _SECONDS.fullmatch(duration):
        raise ValueError(f"{duration!r} is no duration in seconds, such as 7776000s")
    return float(duration.removesuffix("s")) / _SECONDS_A_DAY


RULES = (key_rotation, key_destruction_delay, key_protected, key_duties_separated)
