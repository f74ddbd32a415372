"""Whether a run would deploy to the account or project of whoever makes it."""

from collections.abc import Callable

from lifecycle.caller import caller_of, foreign, has_accounts
from lifecycle.runs.errors import RunRefused
from lifecycle.teardown.subject import Subject

_NEEDED = {
    "aws": "aws.account_id is not set: must be the 12 digits of the account that the stack is for",
    "gcp": "gcp.project_number is not set: must be the number of the project that the stack is for",
}


def check_account(subject: Subject, caller: Callable[[Subject], str] = caller_of) -> None:
    """Raises RunRefused where the stack's account or project is not the caller's; this machine has none.

    :param caller: Asks the cloud whose credentials these are; what it raises is let through.
    """
    if not has_accounts(subject):
        return
    if not subject.own_accounts:
        raise RunRefused(_NEEDED[subject.cloud])
    if why := foreign(subject, caller(subject)):
        raise RunRefused(why)
