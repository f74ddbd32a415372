"""Rules that keep teams apart: what the pods of one namespace of a cluster may reach on AWS, and those of another not.

The roles of a namespace are those that a Pod Identity association gives it, and those that trust its service accounts.
Their policies name ARNs that are known in an update only: before, these rules are undecided.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.aws.identity_documents import ROLE, ROLE_POLICY, granted, objects, operations
from policies.policy_documents import (
    Statement,
    conditions,
    fixed_part,
    is_all_of_a_kind,
    is_narrowed,
    matching,
    patterns_meet,
    statements,
)
from policies.resources import Resource, Stack
from policies.rules import Objection, stack_rule
from policies.values import known

ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

_WRITING = frozenset({"s3:putobject", "s3:deleteobject", "s3:deleteobjectversion", "s3:replicateobject"})
_DECRYPTING = frozenset({"kms:decrypt", "kms:reencryptfrom"})
_SUBJECT = re.compile(r"system:serviceaccount:([^:*?]+):[^:]+")
_NAMESPACE = "aws:requesttag/kubernetes-namespace"


@dataclass(frozen=True)
class Reach:
    """What the pods of a namespace may reach: a pattern of ARNs."""

    namespace: str
    role: Resource
    pattern: str


@stack_rule(
    ASSOCIATION,
    id="aws-teams-roles-not-shared",
    title="Service accounts of different namespaces have different roles.",
    severity="high",
    frameworks=("NIST AC-6", "NIST SC-4", "CIS EKS 1.5.0 5.2.1"),
    wrong="Each team can read and change what is the other's, and nobody can tell from AWS's records which one did.",
    mend="make an aws.iam.Role for each namespace, and name it in roleArn.",
)
def roles_not_shared(stack: Stack) -> Iterator[Objection]:
    """Within a namespace whoever may start a pod may give it any service account anyway."""
    first: dict[str, str] = {}
    for association in stack.of(ASSOCIATION):
        with stack.apart():
            namespace = str(known(association.get("namespace")))
            for role in _role_of(stack, association):
                if first.setdefault(role, namespace) != namespace:
                    yield Objection(f"A role is given to pods of {first[role]} and of {namespace}.", association)


def _role_of(stack: Stack, association: Resource) -> Iterator[str]:
    """What tells an association's role: URNs, or its ARN where the role is not of the stack. Raises Undecided."""
    made_of = association.property_dependencies.get("roleArn", ())
    urns = [urn for urn in made_of if f"::{ROLE}::" in urn or f"${ROLE}::" in urn]
    if urns:
        yield from urns
        return
    arn = str(known(association.get("roleArn")))
    yield next((role.urn for role in stack.of(ROLE) if role.urn and arn in role.identifiers), arn)


@stack_rule(
    ASSOCIATION,
    ROLE,
    ROLE_POLICY,
    id="aws-teams-own-prefixes",
    title="Pods of different namespaces write in different places of the buckets.",
    severity="high",
    frameworks=("NIST AC-6", "NIST SC-4"),
    wrong="One team can overwrite the models and checkpoints that another one runs, or delete them.",
    mend="give each team's role the objects below its own prefix only, arn:aws:s3:::BUCKET/TEAM/*.",
)
def own_prefixes(stack: Stack) -> Iterator[Objection]:
    """A pattern with a variable, such as ${aws:PrincipalTag/kubernetes-namespace}, is another one for each of them."""
    for reach, other in _meeting(list(_reaches(stack, _WRITING))):
        yield Objection(
            f"Pods of {reach.namespace} and of {other.namespace} may both write to {reach.pattern}.",
            reach.role,
        )


@stack_rule(
    ASSOCIATION,
    ROLE,
    ROLE_POLICY,
    id="aws-teams-own-keys",
    title="Pods of different namespaces decrypt with different keys.",
    severity="high",
    frameworks=("NIST AC-6", "NIST SC-12"),
    wrong="One team can decrypt what another one keeps.",
    mend="make an aws.kms.Key for each team, or let the role use the key through a service only (kms:ViaService).",
)
def own_keys(stack: Stack) -> Iterator[Objection]:
    """What is encrypted by S3 is kept apart by who may read the object: keys that are used through it may be shared."""
    for reach, other in _meeting(list(_reaches(stack, _DECRYPTING))):
        yield Objection(
            f"Pods of {reach.namespace} and of {other.namespace} may both decrypt with {reach.pattern}.",
            reach.role,
        )


def _meeting(reaches: Sequence[Reach]) -> Iterator[tuple[Reach, Reach]]:
    """What two roles of different namespaces may reach both, once for each role that is not the first."""
    ordered = sorted(reaches, key=lambda reach: fixed_part(reach.pattern))
    told: set[str] = set()
    for index, reach in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if not other.pattern.startswith(fixed_part(reach.pattern)):
                break
            if other.namespace == reach.namespace or other.role is reach.role or other.role.urn in told:
                continue
            if patterns_meet(reach.pattern, other.pattern):
                told.add(other.role.urn)
                yield other, reach


def _reaches(stack: Stack, judged: frozenset[str]) -> Iterator[Reach]:
    policies = _policies_of(stack)
    for urn, namespaces in _namespaces(stack).items():
        role, *_ = holders = policies[urn]
        patterns = {pattern for holder in holders for pattern in _patterns(stack, holder, judged)}
        yield from (Reach(namespace, role, pattern) for namespace in namespaces for pattern in sorted(patterns))


def _patterns(stack: Stack, holder: Resource, judged: frozenset[str]) -> Iterator[str]:
    """What a policy allows without condition. All of a kind is another rule's business."""
    holder.undecided.clear()
    for statement in granted(holder):
        with stack.apart():
            named = list(operations(holder, statement))
            if any(matching(operation, judged) for operation in named) and not is_narrowed(statement):
                yield from (
                    each for each in objects(holder, statement) if "${" not in each and not is_all_of_a_kind(each)
                )
    stack.undecided += holder.undecided


def _policies_of(stack: Stack) -> Mapping[str, list[Resource]]:
    """Each role, by its URN, with the policies that are written for it alone."""
    found = {role.urn: [role] for role in stack.of(ROLE)}
    by_name = {name: role.urn for role in stack.of(ROLE) if isinstance(name := role.properties.get("name"), str)}
    for policy in stack.of(ROLE_POLICY):
        made_of = [urn for urn in policy.property_dependencies.get("role", ()) if urn in found]
        name = policy.properties.get("role")
        if made_of:
            found[made_of[0]].append(policy)
        elif isinstance(name, str) and name in by_name:
            found[by_name[name]].append(policy)
    return found


def _namespaces(stack: Stack) -> Mapping[str, list[str]]:
    """The namespaces whose pods have a role of the stack, by the role's URN. Notes what is unknown."""
    found: dict[str, set[str]] = {role.urn: set() for role in stack.of(ROLE)}
    for association in stack.of(ASSOCIATION):
        with stack.apart():
            for role in _role_of(stack, association):
                if role in found:
                    found[role].add(str(known(association.get("namespace"))))
    for each in stack.of(ROLE):
        each.undecided.clear()
        for statement in statements(each, each.get("assumeRolePolicy")):
            with stack.apart():
                found[each.urn].update(_trusted_namespaces(statement))
        stack.undecided += each.undecided
    return {role: sorted(namespaces) for role, namespaces in found.items() if namespaces}


def _trusted_namespaces(statement: Statement) -> Iterator[str]:
    """By the tags of EKS Pod Identity's sessions, or by the subjects of the cluster's tokens. Raises Undecided."""
    for condition in conditions(statement):
        if condition.key == _NAMESPACE:
            yield from (str(known(each)) for each in condition.values)
        elif condition.key.endswith(":sub"):
            subjects = (_SUBJECT.fullmatch(str(known(each))) for each in condition.values)
            yield from (subject[1] for subject in subjects if subject)


RULES = (roles_not_shared, own_prefixes, own_keys)
