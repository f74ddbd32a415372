"""Rules for KMS keys."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.aws.resource_policies import names_everybody, open_statements, titled
from policies.policy_documents import Statement, is_service_wide, statements, values
from policies.resources import Resource
from policies.rules import Parameter, Rule, resource_rule
from policies.values import any_holds, as_list, get, is_true, known

KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
OTHER_KEYS = (
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
)

_ROOT = re.compile(r"(?:arn:aws[\w-]*:iam::)?(?P<account>\w+)(?::root)?")
_DEFAULT_WINDOW_DAYS = 30
_DEFAULT_ROTATION_DAYS = 365


@resource_rule(
    KEY,
    id="aws-key-rotated",
    title="KMS keys that encrypt are replaced regularly.",
    severity="medium",
    frameworks=("CKV_AWS_7", "CIS AWS 3.0.0 3.6", "NIST SC-12"),
    wrong="All data ever written then depends on one secret that never changes.",
    mend="set enableKeyRotation to true, and leave rotationPeriodInDays out.",
    parameters={"maximum_days": Parameter(365, "The longest time in days that a key is used.", minimum=90)},
)
def key_rotated(key: Resource, maximum_days: float) -> Iterator[str]:
    """KMS rotates symmetric keys that encrypt, unless they are in a key store of the customer's own.

    Source: KMS developer guide, "Rotate AWS KMS keys".
    """
    if not _can_be_rotated(key):
        return
    if not is_true(key.get("enableKeyRotation")):
        yield "The key is never replaced."
    elif (days := known(key.get("rotationPeriodInDays")) or _DEFAULT_ROTATION_DAYS) > maximum_days:
        yield f"The key is replaced every {days} days; {maximum_days:g} at most are allowed."


def _can_be_rotated(key: Resource) -> bool:
    return (
        key.get("customerMasterKeySpec", default="SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
        and key.get("keyUsage", default="ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"
        and key.get("customKeyStoreId") is None
    )


@resource_rule(
    KEY,
    *OTHER_KEYS,
    KEY_POLICY,
    id="aws-key-policy-not-public",
    title="No policy of a KMS key lets everybody in.",
    severity="critical",
    frameworks=("CKV_AWS_33", "NIST AC-3", "NIST AC-6", "NIST SC-12"),
    wrong="Every account of AWS's can then use the key, and what it encrypts protects nothing.",
    mend="name the principals, or add a condition on kms:CallerAccount or aws:PrincipalOrgID.",
)
def key_policy_not_public(key: Resource) -> Iterator[str]:
    """A condition on kms:ViaService says which way a request comes, not from whom.

    Source: KMS developer guide, "Key policies in AWS KMS" and "kms:ViaService".
    """
    for statement in open_statements(key, key.get("policy")):
        yield f"{titled(statement)} lets everybody in, under no condition that says who comes."


@resource_rule(
    KEY,
    *OTHER_KEYS,
    KEY_POLICY,
    id="aws-key-policy-least",
    title="Nobody but the account itself may do everything with a KMS key.",
    severity="high",
    frameworks=("NIST AC-5", "NIST AC-6", "NIST SC-12"),
    wrong="Whoever looks after the key can then read all data as well, and destroy it or give it away.",
    mend="name the operations in Action: those of administration for some, those of use for others.",
)
def key_policy_least(key: Resource) -> Iterator[str]:
    """Allowed for the account, IAM policies decide. A second account is another's.

    Source: KMS developer guide, "Default key policy" and "Allows key administrators to administer the KMS key".
    """
    accounts: set[str] = set()
    for statement in statements(key, key.get("policy")):
        with key.apart():
            if names_everybody(statement) or not any_holds(_is_everything, values(statement, "Action")):
                continue
            for kind, principal in _principals(statement):
                with key.apart():
                    account = _ROOT.fullmatch(known(principal)) if kind == "AWS" else None
                    if account is None:
                        yield f"{titled(statement)} lets {principal} do everything with the key."
                    else:
                        accounts.add(account["account"])
    if len(accounts) > 1:
        yield f"The accounts {' and '.join(sorted(accounts))} may both do everything with the key."


def _is_everything(action: Any) -> bool:
    return is_service_wide(known(action))


def _principals(statement: Statement) -> Iterator[tuple[str, Any]]:
    principal = known(get(statement, "Principal"))
    if isinstance(principal, Mapping):
        for kind, named in principal.items():
            if kind in ("AWS", "Service", "Federated"):
                yield from ((kind, each) for each in as_list(named))


@resource_rule(
    KEY,
    *OTHER_KEYS,
    id="aws-key-deletion-window",
    title="A KMS key that was deleted can be rescued for some time.",
    severity="high",
    frameworks=("NIST CP-9", "NIST SC-12"),
    wrong="When the key is gone, all that it encrypts is lost, and a mistake may show only when the data is needed.",
    mend="set deletionWindowInDays (setting keys.deletion_window_days) higher, or leave it out.",
    parameters={"minimum_days": Parameter(14, "The shortest time in days until a key is gone.", minimum=7)},
)
def key_deletion_window(key: Resource, minimum_days: float) -> Iterator[str]:
    """KMS waits for 7 to 30 days, and for 30 where nothing is said. Source: KMS API, ScheduleKeyDeletion."""
    days = known(key.get("deletionWindowInDays", default=_DEFAULT_WINDOW_DAYS))
    if days < minimum_days:
        yield f"The key is gone {days} days after it was deleted; {minimum_days:g} at least are required."


RULES: tuple[Rule, ...] = (key_rotated, key_policy_not_public, key_policy_least, key_deletion_window)
