"""Rules for log groups of CloudWatch and for trails of CloudTrail."""

from collections.abc import Iterator

from policies.aws.own_keys import names_own_key
from policies.resources import Resource, Stack
from policies.rules import Parameter, Rule, related_rule, resource_rule
from policies.values import is_true, known

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TRAIL = "aws:cloudtrail/trail:Trail"

_IN_PASSING = "DELIVERY"


@related_rule(
    LOG_GROUP,
    id="aws-log-group-customer-managed-key",
    title="Log groups are encrypted under a KMS key of the customer's own.",
    severity="medium",
    frameworks=("CKV_AWS_158", "NIST AU-9", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of the logs, in which workloads may write what they should not.",
    mend="set kmsKeyId to the ARN of a key whose policy lets CloudWatch Logs use it.",
)
def log_group_customer_managed_key(group: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, CloudWatch encrypts with a key of its own."""
    if not names_own_key(group, "kmsKeyId"):
        yield "The log group has no key in KMS."


@resource_rule(
    LOG_GROUP,
    id="aws-log-group-retention",
    title="Log groups keep what they have long enough to look into an intrusion.",
    severity="medium",
    frameworks=("CKV_AWS_338", "NIST AU-11"),
    wrong="The traces are gone when somebody notices.",
    mend="set retentionInDays (settings …retention_days) higher.",
    parameters={"minimum_days": Parameter(30, "The shortest time in days that logs are kept.", minimum=1)},
)
def log_group_retention(group: Resource, minimum_days: float) -> Iterator[str]:
    """Left out or 0, it is for ever. One of class DELIVERY passes logs on, and keeps them for two days in any case."""
    days = known(group.get("retentionInDays")) or 0
    if 0 < days < minimum_days and group.get("logGroupClass") != _IN_PASSING:
        yield f"Logs are kept for {days} days; {minimum_days:g} at least are required."


@resource_rule(
    TRAIL,
    id="aws-trail-complete",
    title="A trail records what is done in every region, and is switched on.",
    severity="high",
    frameworks=("CKV_AWS_67", "CKV_AWS_251", "CIS AWS 3.0.0 3.1", "NIST AU-2", "NIST AU-12"),
    wrong="Whoever breaks in works where nobody looks.",
    mend="set isMultiRegionTrail to true, and take includeGlobalServiceEvents false and enableLogging false out.",
)
def trail_complete(trail: Resource) -> Iterator[str]:
    """It is of one region unless it says otherwise, and of the services without a region, such as IAM."""
    with trail.apart():
        if not is_true(trail.get("isMultiRegionTrail")):
            yield "The trail records what is done in one region only."
    for name, wrong in (
        ("includeGlobalServiceEvents", "The trail leaves out the services without a region, such as IAM."),
        ("enableLogging", "The trail is switched off."),
    ):
        with trail.apart():
            if not is_true(trail.get(name, default=True)):
                yield wrong


@resource_rule(
    TRAIL,
    id="aws-trail-validated",
    title="A trail's records show whether they were changed.",
    severity="medium",
    frameworks=("CKV_AWS_36", "CIS AWS 3.0.0 3.2", "NIST AU-9", "NIST SI-7"),
    wrong="Whoever breaks in takes out the records of it, and nobody can tell.",
    mend="set enableLogFileValidation to true.",
)
def trail_validated(trail: Resource) -> Iterator[str]:
    """It is off unless it is switched on."""
    if not is_true(trail.get("enableLogFileValidation")):
        yield "The trail's records are not signed."


@related_rule(
    TRAIL,
    id="aws-trail-customer-managed-key",
    title="A trail's records are encrypted under a KMS key of the customer's own.",
    severity="medium",
    frameworks=("CKV_AWS_35", "CIS AWS 3.0.0 3.5", "NIST AU-9", "NIST SC-12", "NIST SC-28"),
    wrong="Whoever may read the bucket may then read who did what.",
    mend="set kmsKeyId to the ARN of a key whose policy lets CloudTrail use it.",
)
def trail_customer_managed_key(trail: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, S3 encrypts with a key of its own."""
    if not names_own_key(trail, "kmsKeyId"):
        yield "The trail has no key in KMS."


RULES: tuple[Rule, ...] = (
    log_group_customer_managed_key,
    log_group_retention,
    trail_complete,
    trail_validated,
    trail_customer_managed_key,
)
