"""Rules for schedules of EventBridge Scheduler, which call AWS with nobody there."""

from collections.abc import Iterator

from policies.aws.trust import ROLE
from policies.policy_documents import statements
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule
from policies.values import as_list, get, known

SCHEDULE = "aws:scheduler/schedule:Schedule"

_SCHEDULER = "scheduler.amazonaws.com"


@related_rule(
    SCHEDULE,
    id="aws-schedule-customer-managed-key",
    title="What a schedule sends is encrypted with a key of the customer's own.",
    severity="low",
    frameworks=("CKV_AWS_297", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can see who reads it, or withdraw the key: AWS owns it.",
    mend="name a key of aws.kms.Key in kmsKeyArn, and let the schedule's role decrypt with it.",
)
def customer_managed_key(schedule: Resource, _stack: Stack) -> Iterator[str]:
    """Without one it is a key that AWS owns. Source: EventBridge Scheduler user guide, "Encryption at rest"."""
    if not is_given(schedule, "kmsKeyArn"):
        yield "It is encrypted with a key that AWS owns."


@related_rule(
    SCHEDULE,
    id="aws-schedule-role-of-its-own",
    title="The role that a schedule acts by is taken by EventBridge Scheduler and nobody else.",
    severity="medium",
    frameworks=("NIST AC-5", "NIST AC-6"),
    wrong="Whoever else can take it calls what the schedule calls, at whatever moment.",
    mend=f"give the schedule a role of its own, which trusts {_SCHEDULER} alone.",
)
def role_of_its_own(schedule: Resource, stack: Stack) -> Iterator[str]:
    """Of roles that the stack makes; another's trust is not known here."""
    for role in stack.of(ROLE):
        with schedule.apart():
            if schedule.refers_to(role, "target", "roleArn"):
                for other in _others(schedule, role):
                    yield f"{other} may take its role {role.name}, too."


def _others(schedule: Resource, role: Resource) -> Iterator[str]:
    for statement in statements(schedule, role.get("assumeRolePolicy")):
        with schedule.apart():
            principal = known(get(statement, "Principal"))
            if isinstance(principal, str):
                yield repr(principal)
                continue
            named = [(kind, known(each)) for kind, given in principal.items() for each in as_list(given)]
            yield from (str(each) for kind, each in named if (kind, each) != ("Service", _SCHEDULER))


RULES: tuple[Rule, ...] = (customer_managed_key, role_of_its_own)
