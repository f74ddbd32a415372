"""What `yard` says with its exit code: the codes of the Pulumi CLI, so that scripts can treat the two alike."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit codes. Source: Pulumi's documentation, "exit codes"; README.md prints this table."""

    SUCCESS = 0
    """Done. A preview that shows a difference is a success too."""
    ERROR = 1
    """Anything that has no code of its own, such as a program that raises or a stack that another run holds."""
    CONFIGURATION = 2
    """A wrong option, setting, stack file, passphrase or state folder; nothing was touched."""
    RESOURCE = 4
    """A step on a resource failed, or a preview shows that it would; what was done is on record."""
    POLICY = 5
    """A mandatory policy is violated, or a policy pack cannot judge.

    The resource that a policy objects to was not touched; a policy on the whole stack judges what has been deployed.
    """
    STACK_NOT_FOUND = 6
    """There is no stack of that name, or nothing is deployed that the command could use."""
    CHANGES = 7
    """`--expect-no-changes`, and there are some; or a release answers otherwise than its manifest says."""
    CANCELLED = 8
    """Stopped by the user; what was done is on record, and the command can be run again."""
    LEFTOVERS = 9
    """The stack is destroyed, and an audit has found something of it that is still there."""


OF_CAUSE = {
    "configuration": ExitStatus.CONFIGURATION,
    "state": ExitStatus.CONFIGURATION,
    "resource": ExitStatus.RESOURCE,
    "policy": ExitStatus.POLICY,
    "stack-not-found": ExitStatus.STACK_NOT_FOUND,
}
"""The code for the cause that a failed deployment names; ERROR for any other."""
