"""Reads IAM policies: whom a statement is for, which operations it allows on what, and on which conditions.

A document is JSON text, which a preview knows as a whole or not at all, or the object that such a text says. Operations
and wildcards are compared as IAM does: without regard to case, ``*`` for any characters and ``?`` for one. Source: IAM
user guide, "IAM JSON policy element reference".
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.resources import Resource
from policies.values import Unknown, all_hold, any_holds, as_list, get, known

Statement = Mapping[str, Any]

_WEAK_CONDITIONS = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:securetransport",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
        "s3:resourceaccount",
    }
)
"""They say how, where, when or by whom a request is made, or for which account, and leave open what it is for."""
_TAG_OF_CALLER = "aws:principaltag/"
_TAG_OF_RESOURCE = "resourcetag/"
_ANY_SERVICE = "*.amazonaws.com"
_REGION = "aws:requestedregion"
_OPERATOR = re.compile(
    r"(?:ForAnyValue:|(?P<vacuous>ForAllValues:))?"
    r"(?P<negated>Null|\w*Not(?:Equals|Like|Ip)\w*)?"
    r"(?:(?:String|Numeric|Date|Bool|Binary|IpAddress|Arn)\w*)?",
    re.IGNORECASE,
)
"""A negated test leaves out single values only, and one of all values holds where there is none."""
_ARN_FIELDS = 6
_KINDS: Mapping[str, Sequence[str]] = {
    "dynamodb": ("table/",),
    "ecr": ("repository/",),
    "iam": ("group/", "policy/", "role/", "user/"),
    "kms": ("key/",),
    "lambda": ("function:",),
    "secretsmanager": ("secret:",),
    "ssm": ("parameter/",),
}
"""What the last field of an ARN begins with, by service, so that ``role*`` is known for all roles."""


def read(document: Any) -> Any:
    """A policy document as an object; None where there is none. Raises Undecided, or ValueError if it is no JSON."""
    content = known(document)
    if isinstance(content, str):
        return _parsed("".join(content)) if content.strip() else None
    return content


@lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"the policy is no JSON document: {error}") from None


def statements(resource: Resource, document: Any, effect: str = "Allow") -> Iterator[Statement]:
    """The statements of a policy of that effect; there may be one without a list around it. Notes unknown ones."""
    with resource.apart():
        for statement in as_list(get(read(document), "Statement")):
            with resource.apart():
                if known(get(statement, "Effect")) == effect:
                    yield known(statement)


def values(statement: Statement, key: str) -> Sequence[Any]:
    """The values of a statement's key, which IAM lets be one or a list; empty without the key. May raise Undecided."""
    return as_list(get(statement, key))


@dataclass(frozen=True)
class Condition:
    """A test of a statement."""

    key: str
    """What is tested, in lower case, such as ``aws:sourceaccount``."""
    values: Sequence[Any]
    """What it is compared with; each may be unknown."""
    wildcards: bool
    """Whether ``*`` and ``?`` in the values are wildcards."""
    asserts: bool
    """Whether it holds for these values only."""
    is_needed: bool = True
    """Whether the request has to have the key at all; with ``…IfExists`` it may be without."""
    is_presence: bool = False
    """Whether ``Null`` asks only whether the request has the key: the value false says that it must."""


def conditions(statement: Statement) -> list[Condition]:
    """The tests of a statement, all of which hold where it applies. May raise Undecided."""
    found = []
    for operator, tests in known(get(statement, "Condition", default={})).items():
        read_operator = _OPERATOR.fullmatch(operator)
        if read_operator is None:
            continue
        asserts = not read_operator["vacuous"] and not read_operator["negated"]
        wildcards = "like" in operator.lower() or "arn" in operator.lower()
        for key, expected in known(tests).items():
            if ":" in key:
                values_of_test = (expected,) if isinstance(expected, Unknown) else as_list(expected)
                is_needed, is_presence = not operator.lower().endswith("ifexists"), operator.lower() == "null"
                found.append(Condition(key.lower(), values_of_test, wildcards, asserts, is_needed, is_presence))
    return found


def is_narrowed(statement: Statement, *, by_region: bool = False) -> bool:
    """Whether a condition limits what a statement is for, and not only how a request is made. May raise Undecided.

    :param by_region: Whether a region is limit enough.
    """
    return any_holds(lambda condition: _narrows(condition, by_region=by_region), conditions(statement))


def _narrows(condition: Condition, *, by_region: bool) -> bool:
    if condition.is_presence and _TAG_OF_RESOURCE in condition.key:
        return all_hold(lambda value: str(known(value)).lower() == "false", condition.values)
    weak = condition.key in _WEAK_CONDITIONS or condition.key.startswith(_TAG_OF_CALLER)
    if by_region and condition.key == _REGION:
        weak = False
    return condition.asserts and not weak and is_restrictive(condition)


def is_restrictive(condition: Condition) -> bool:
    """Whether none of the values stands for everything. May raise Undecided."""
    return not any_holds(lambda value: isinstance(known(value), str) and _is_any_value(value), condition.values)


def _is_any_value(value: str) -> bool:
    return is_wild(value) or value.lower() == _ANY_SERVICE


def is_wild(pattern: str) -> bool:
    """Whether a pattern stands for everything."""
    return "*" in pattern and not pattern.strip("*?")


def is_service_wide(action: str) -> bool:
    """Whether a pattern of operations stands for all of a service, or of several."""
    service, _, name = action.partition(":")
    return is_wild(action) or is_wild(name) or "*" in service or "?" in service


def is_everything(resource: str) -> bool:
    """Whether a pattern of ARNs stands for all that a service has."""
    fields = resource.split(":", _ARN_FIELDS - 1)
    if is_wild(resource):
        return True
    if len(fields) < _ARN_FIELDS:
        # A wildcard stands for colons as well.
        return resource.endswith("*")
    return is_wild(fields[-1].replace("/", "").replace(":", ""))


def is_all_of_a_kind(resource: str) -> bool:
    """Whether a pattern of ARNs stands for all of a kind, such as ``arn:aws:iam::123456789012:role/*``, or for more."""
    if is_everything(resource):
        return True
    fields = resource.split(":", _ARN_FIELDS - 1)
    if len(fields) < _ARN_FIELDS:
        return False
    fixed = fixed_part(fields[-1])
    if is_wild(fields[-1][len(fixed) :]) and any(kind.startswith(fixed) for kind in _KINDS.get(fields[2], ())):
        return True
    kind, *names = re.split(r"[:/]", fields[-1])
    # In the ARN of an object there is no kind, but the bucket's name.
    return fields[2] != "s3" and bool(names) and all(is_wild(each) for each in names) and "$" not in kind


def matching(pattern: str, operations: frozenset[str]) -> frozenset[str]:
    """Which of these operations, written in lower case, a pattern stands for."""
    lower = pattern.lower()
    if "*" not in lower and "?" not in lower:
        return operations & {lower}
    return _expanded(lower, operations)


@lru_cache(maxsize=1024)
def _expanded(pattern: str, operations: frozenset[str]) -> frozenset[str]:
    compiled = re.compile(wildcard_expression(pattern))
    return frozenset(each for each in operations if compiled.fullmatch(each))


def wildcard_expression(pattern: str) -> str:
    """The regular expression for a pattern of IAM's."""
    return "".join(".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)


def fixed_part(pattern: str) -> str:
    """A pattern up to its first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def patterns_meet(one: str, other: str) -> bool:
    """Whether there is a text that both patterns stand for."""
    reached = {0}
    for character in (*one, ""):
        # Places in the other pattern that a text can be at; its own `*` may stand for nothing.
        for place in range(len(other)):
            if place in reached and other[place] == "*":
                reached.add(place + 1)
        if not character:
            break
        if character == "*":
            reached = set(range(min(reached), len(other) + 1)) if reached else set()
        else:
            reached = {
                place + (other[place] != "*")
                for place in reached
                if place < len(other) and (other[place] in ("*", "?", character) or character == "?")
            }
        if not reached:
            return False
    return len(other) in reached
