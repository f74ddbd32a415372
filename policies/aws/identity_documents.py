"""Where IAM policies are written in a stack, and which operations of which kind they name.

Operations are in lower case, as `policy_documents.matching` wants them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from policies.policy_documents import Statement, statements, values
from policies.resources import Resource
from policies.values import Undecided, as_list, get, known

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
GROUP_POLICY = "aws:iam/groupPolicy:GroupPolicy"
PERMISSION_SET_POLICY = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
HOLDERS = (ROLE, ROLE_POLICY, POLICY, USER_POLICY, GROUP_POLICY, PERMISSION_SET_POLICY)
"""The types of resource that have policies of identities."""

_LOOKS_UP = re.compile(
    r"(batch)?(check|describe|estimate|filter|get|list|lookup|preview|query|search|simulate|validate|view)"
    r"|(start|stop)query$|startlivetail$"
)
_UNSCOPED = Path(__file__).with_name("unscoped_operations.txt")


def granted(resource: Resource) -> Iterator[Statement]:
    """The statements that allow something, of all policies of a resource. Notes unknown ones."""
    if resource.type == ROLE:
        with resource.apart():
            for inline in as_list(resource.get("inlinePolicies")):
                yield from statements(resource, get(inline, "policy"))
    else:
        yield from statements(resource, resource.get("inlinePolicy", default=resource.get("policy")))


def operations(resource: Resource, statement: Statement) -> Iterator[str]:
    """The patterns of operations that a statement names. Notes unknown ones."""
    yield from _texts(resource, statement, "Action")


def objects(resource: Resource, statement: Statement) -> Iterator[str]:
    """The patterns of ARNs that a statement names. Notes unknown ones."""
    yield from _texts(resource, statement, "Resource")


def _texts(resource: Resource, statement: Statement, key: str) -> Iterator[str]:
    try:
        found = values(statement, key)
    except Undecided as error:
        resource.undecided.append(error.path)
        return
    for each in found:
        with resource.apart():
            yield str(known(each))


def changes_something(operation: str) -> bool:
    """Whether a pattern of operations stands for more than looking things up."""
    return not _LOOKS_UP.match(operation.lower().partition(":")[2])


def can_be_scoped(operation: str) -> bool:
    """Whether AWS lets an operation be limited to single resources.

    A wildcard stands for several operations, of which some can be unless none of their service can.
    """
    service, _, name = operation.lower().partition(":")
    unscoped = _unscoped_of(service)
    return "*" not in unscoped and name not in unscoped


@lru_cache(maxsize=1)
def _unscoped() -> dict[str, str]:
    lines = _UNSCOPED.read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if not line.startswith("#"))


@lru_cache(maxsize=64)
def _unscoped_of(service: str) -> frozenset[str]:
    return frozenset(_unscoped().get(service, "").lower().split())
