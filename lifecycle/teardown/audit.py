"""What a destroyed stack has left behind: looked for, named, and told how to remove. Nothing is ever deleted here."""

from collections.abc import Iterable
from dataclasses import dataclass

from lifecycle.teardown.costs import costs_money
from lifecycle.teardown.subject import Subject


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that is still there."""

    kind: str
    """What it is, in the cloud's own words, such as `EBS volume`."""
    id: str
    """What the cloud calls it: an id, a name or an ARN."""
    why: str
    """By what it is known to be the stack's, or why it stays."""
    removal: tuple[str, ...] = ()
    """Command lines that remove it, to be run in this order; empty where there is none."""

    @property
    def costs(self) -> bool:
        """Whether it is known to cost money for as long as it is there."""
        return costs_money(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit has found."""

    looked_at: tuple[str, ...]
    """What was looked for, each in words."""
    leftovers: tuple[Leftover, ...] = ()
    """What should be gone, in the order in which it can be removed."""
    retained: tuple[Leftover, ...] = ()
    """What stays because a setting says so."""
    going: tuple[Leftover, ...] = ()
    """What is on its way out already, such as a key in its waiting period."""
    problems: tuple[str, ...] = ()
    """What could not be looked at, and why. With any of them nobody knows that nothing is left."""

    @property
    def is_clean(self) -> bool:
        """Whether everything could be looked at and nothing is left."""
        return not self.leftovers and not self.problems


def audit(subject: Subject) -> AuditReport:
    """Looks for everything that a destroyed stack may have left behind; changes nothing.

    What cannot be looked at is listed as a problem, never raised. Call it after the stack's destroy: before, it names
    the whole stack.
    """
    match subject.cloud:
        case "local":
            from lifecycle.teardown.audit_local import audit_local

            return audit_local(subject)
        case "aws":
            from lifecycle.teardown.audit_aws import audit_aws

            return audit_aws(subject)
        case "gcp":
            from lifecycle.teardown.audit_gcp import audit_gcp

            return audit_gcp(subject)
        case cloud:
            return AuditReport(looked_at=(), problems=(f"nothing looks for leftovers on {cloud} yet",))


def removal_lines(leftovers: Iterable[Leftover]) -> list[str]:
    """The command lines that remove them all, each once, in their order."""
    return list(dict.fromkeys(line for each in leftovers for line in each.removal))
