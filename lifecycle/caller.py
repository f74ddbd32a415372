"""Whose credentials these are, asked of the cloud, and whether they are of the account or project that a stack names.

On AWS that is an account. On Google Cloud, whose credentials may reach many projects, it is the project that the stack
names, where they reach it, and its number, which nobody can choose; unless the environment names another project.
"""

from engine.errors import EngineError
from lifecycle.teardown.subject import Subject

_WORDS = {"aws": "account", "gcp": "project"}
_SETTINGS = {
    "aws": "{0}:aws.account_id, aws:allowedAccountIds",
    "gcp": "gcp:project, {0}:gcp.project_number",
}
_IDENTITY = {"aws": "{0}:aws.account_id", "gcp": "{0}:gcp.project_number"}


class CallerUnknown(EngineError):
    """The cloud does not say whose credentials these are, or there are none."""


def has_accounts(subject: Subject) -> bool:
    """Whether the stack is in a cloud where it could be somebody else's. Pure."""
    return subject.cloud in _WORDS


def caller_of(subject: Subject) -> str:
    """The account, or the project with its number in brackets, as `Subject.own_accounts` has them; asked of the cloud.

    Raises CallerUnknown.
    """
    if subject.cloud == "gcp":
        from lifecycle.teardown.gcp.calls import caller_project

        return caller_project(subject)
    from lifecycle.teardown.aws.calls import caller_account

    return caller_account(subject.region)


def foreign(subject: Subject, actual: str) -> str:
    """Why credentials of an account are not the stack's, in words; empty: they are. Pure.

    :param actual: What `caller_of` has said.
    """
    word = _WORDS[subject.cloud]
    expected = subject.own_accounts
    if not expected:
        setting = _IDENTITY[subject.cloud].format(subject.project)
        return (
            f"the credentials are of {word} {actual}, and the stack's file does not say whose stack {subject.stack} "
            f"is: set {setting}"
        )
    disallowed = subject.allowed_account_ids and actual not in subject.allowed_account_ids
    if actual in expected and not disallowed:
        return ""
    wanted = " or ".join(dict.fromkeys([*expected, *subject.allowed_account_ids]))
    settings = _SETTINGS[subject.cloud].format(subject.project)
    return (
        f"the credentials are of {word} {actual}, and stack {subject.stack} is of {word} {wanted} ({settings}): use "
        f"that {word}'s credentials"
    )
