"""Cases of the rules for Cloud KMS keys."""

from typing import Any

from policies.cases import Cases, made
from policies.gcp import keys
from policies.resources import Resource


def key(**properties: Any) -> Resource:
    """A key that is not protected."""
    return made(keys.KEY, "data", {"name": "data", **properties})


KEEPING, USING = "roles/cloudkms.admin", "roles/cloudkms.cryptoKeyEncrypterDecrypter"
TRAIN = "serviceAccount:train@p.iam.gserviceaccount.com"
ACCOUNTS = [made("gcp:serviceaccount/account:Account", name) for name in ("train", "serve")]


def granted(type_: str, name: str, role: str, member: str | None, account: Resource | None) -> Resource:
    """A role for a member, or for an account whose address is not known yet."""
    known = {"member": member} if member else {}
    return made(type_, name, {"role": role, **known}, refers={"member": account} if account else None)


def of_project(name: str, role: str, member: str | None, account: Resource | None = None) -> Resource:
    """A role on a project."""
    return granted("gcp:projects/iAMMember:IAMMember", name, role, member, account)


def of_key(name: str, role: str, member: str | None, account: Resource | None = None) -> Resource:
    """A role on a key."""
    return granted("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", name, role, member, account)


CASES = (
    Cases(
        keys.key_rotation,
        passing=[
            key(rotationPeriod="7776000s"),
            key(rotationPeriod="2592000.5s", purpose="ENCRYPT_DECRYPT"),
            key(purpose="ASYMMETRIC_SIGN"),
            key(importOnly=True),
        ],
        failing=[
            (key(), "never rotated"),
            (key(purpose="ENCRYPT_DECRYPT"), "never rotated"),
            (key(rotationPeriod="7776001s"), "rotated every 90 days only"),
            (key(rotationPeriod="31536000s"), "rotated every 365 days only; 90 at most"),
        ],
    ),
    Cases(
        keys.key_destruction_delay,
        passing=[
            key(),
            key(destroyScheduledDuration="2592000s"),
            key(destroyScheduledDuration="86400s", importOnly=True),
        ],
        failing=[(key(destroyScheduledDuration="86400s"), "gone for good after 1 days, not 30.")],
    ),
    Cases(
        keys.key_protected,
        passing=[
            made(keys.KEY, "data", {"name": "data"}, protected=True),
            key(deletionPolicy="PREVENT"),
            key(deletionPolicy="ABANDON"),
        ],
        failing=[(key(), "destroyed with its stack"), (key(deletionPolicy="DELETE"), "destroyed with its stack")],
    ),
    Cases(
        keys.key_duties_separated,
        passing=[
            [of_project("keeper", KEEPING, "group:security@example.org"), of_key("data", USING, TRAIN)],
            # Made of two accounts.
            [of_project("keeper", KEEPING, None, ACCOUNTS[0]), of_key("data", USING, None, ACCOUNTS[1])],
            of_project("keeper", KEEPING, TRAIN),
            [of_project("keeper", "roles/cloudkms.viewer", TRAIN), of_key("data", USING, TRAIN)],
        ],
        failing=[
            (
                [of_project("keeper", KEEPING, TRAIN), of_key("data", USING, TRAIN)],
                "serviceAccount:train@p.iam.gserviceaccount.com looks after keys, and encrypts or decrypts by one.",
            ),
            (
                [of_key("data", "roles/cloudkms.cryptoKeyDecrypter", TRAIN), of_key("keeper", KEEPING, TRAIN)],
                "looks after keys, and",
            ),
            (
                [of_project("keeper", KEEPING, None, ACCOUNTS[0]), of_key("data", USING, None, ACCOUNTS[0])],
                "train looks after keys, and",
            ),
        ],
    ),
)
