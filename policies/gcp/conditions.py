"""What conditions of grants on Google Cloud limit them to.

A condition is read as text. It counts where it has a comparison of the right kind that is not negated itself: what
joins it with the rest, such as another comparison that is true in any case, is not decided.

Sources: IAM, "Attribute reference for IAM Conditions", "Resource attributes for IAM Conditions", "Set limits on
granting roles".
"""

import re

_SPACE = re.compile(r"\s+")
_NOT_NEGATED = r"(?<!!)(?<!!\()"
_TEXT = r"(?:'[^']+'|\"[^\"]+\")"
_BEGINNING = r"['\"](?:[^/'\"]+/){3}[^/'\"]"
"""Up to a resource's own name, such as projects/_/buckets/b: whatever is shorter begins the names of many."""
_BY_NAME = re.compile(
    rf"{_NOT_NEGATED}resource\.name"
    rf"(?:(?:\.extract\({_TEXT}\))?=={_TEXT}|\.startsWith\({_BEGINNING}|\.endsWith\({_TEXT}\))"
)
_BY_TYPE = re.compile(rf"{_NOT_NEGATED}resource\.type==['\"](?!(?:iam|cloudresourcemanager)\.googleapis\.com/)[^'\"]")
_BY_ROLE = re.compile(
    rf"{_NOT_NEGATED}api\.getAttribute\(['\"]iam\.googleapis\.com/modifiedGrantsByRole['\"],\[\]\)\.hasOnly\(\["
)


def names_resources(condition: str) -> bool:
    """Whether it compares the resource's name, or how that begins or ends, with a text."""
    return bool(_BY_NAME.search(_plain(condition)))


def names_type(condition: str) -> bool:
    """Whether it compares the resource's type with one that is no service account, project, folder or organization."""
    return bool(_BY_TYPE.search(_plain(condition)))


def names_granted_roles(condition: str) -> bool:
    """Whether it says which roles may be granted. It limits nothing else: without a grant, every request fulfils it."""
    return bool(_BY_ROLE.search(_plain(condition)))


def _plain(condition: str) -> str:
    return _SPACE.sub("", condition)
