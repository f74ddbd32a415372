"""Reads policies of resources: whom they let in, and whether a condition fixes who that is.

What fixes it is what Amazon S3 calls not public, and what says the same for other services: a value without wildcards
of whom a request is from, of which organization, network or resource. Sources: Amazon S3 user guide, "Blocking public
access to your Amazon S3 storage", section "The meaning of public"; IAM user guide, "AWS global condition context keys".
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.policy_documents import Statement, is_wild, statements
from policies.resources import Resource
from policies.values import all_hold, any_holds, as_list, get, known

SOURCES = frozenset(
    {
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
    }
)
"""For whom a service asks."""
_CALLERS = SOURCES | {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "sns:endpoint",
}
_WILDCARD = re.compile(r"[*?]")
_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"})
"""Those that hold for the values only. With IfExists or ForAllValues one also holds where the request has no value."""
_CALLER_AS_RESOURCE = frozenset({"${aws:principalaccount}", "${aws:principalorgid}"})
_ANY_ACCOUNT = re.compile(r"arn:[^:]*:(?:iam|sts)::[*?]+:.*")
_ARN_FIELDS = 6
_WIDEST_PREFIX = {4: 8, 6: 32}
"""In bits. S3 takes wider ranges of addresses for the public."""


def open_statements(resource: Resource, document: Any) -> Iterator[Statement]:
    """The statements that let everybody in, under no condition that fixes who comes. Notes unknown ones."""
    for statement in statements(resource, document):
        with resource.apart():
            if (_leaves_some_out(statement) or names_everybody(statement)) and not fixes_caller(statement):
                yield statement


def _leaves_some_out(statement: Statement) -> bool:
    return known(get(statement, "NotPrincipal")) is not None


def names_everybody(statement: Statement) -> bool:
    """Whether everybody is the principal of a statement. May raise Undecided."""
    principal = known(get(statement, "Principal"))
    if not isinstance(principal, Mapping):
        return is_anybody(principal)
    return any_holds(lambda kind: any_holds(is_anybody, as_list(get(principal, kind))), principal)


def is_anybody(principal: Any) -> bool:
    """Whether a principal is everybody's: any, or one of any account. May raise Undecided."""
    text = str(known(principal))
    return is_wild(text) or _ANY_ACCOUNT.fullmatch(text) is not None


def fixes_caller(statement: Statement, keys: frozenset[str] = _CALLERS) -> bool:
    """Whether a condition, on one of these keys, says who comes. May raise Undecided."""
    tests = known(get(statement, "Condition", default={}))

    def fixes(operator: str) -> bool:
        if operator.lower().removeprefix("foranyvalue:") not in _OPERATORS:
            return False
        by_key = known(tests[operator])
        return any_holds(lambda key: key.lower() in keys and _all_fixed(key.lower(), by_key[key]), by_key)

    return any_holds(fixes, tests)


def _all_fixed(key: str, values: Any) -> bool:
    listed = as_list(values)
    return len(listed) > 0 and all_hold(lambda value: _is_fixed(key, str(known(value))), listed)


def _is_fixed(key: str, value: str) -> bool:
    lower = value.lower()
    if key.startswith("aws:resource"):
        return lower in _CALLER_AS_RESOURCE
    if "${" in value and "${aws:resource" not in lower:
        return False
    if key == "aws:sourceip":
        return _is_narrow_range(value)
    if key == "sns:endpoint":
        return not is_wild(value)
    if key.endswith("arn"):
        return _is_fixed_arn(value)
    # Of a path of an organization, or of a role's identifier with the session's name, the rest may be open.
    return not _WILDCARD.search(re.split("[/:]", value, maxsplit=1)[0])


def _is_fixed_arn(value: str) -> bool:
    """Whether it is of one account, or names what no other account can have: a bucket, whose name only one has."""
    if value.count(":") < _ARN_FIELDS - 1:
        return not _WILDCARD.search(value)
    _, _, service, _, account, name = value.split(":", _ARN_FIELDS - 1)
    if account and not _WILDCARD.search(account):
        return True
    return (not account or service == "s3") and not _WILDCARD.search(name.partition("/")[0])


def _is_narrow_range(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= _WIDEST_PREFIX[network.version]


def is_for_service(statement: Statement) -> bool:
    """Whether a statement lets a service of AWS's in. May raise Undecided."""
    principal = known(get(statement, "Principal"))
    return isinstance(principal, Mapping) and len(as_list(principal.get("Service"))) > 0


def titled(statement: Statement) -> str:
    """How a message names a statement."""
    sid = get(statement, "Sid")
    return f"Statement {sid}" if isinstance(sid, str) and sid else "A statement"
