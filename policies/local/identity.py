"""Rules for what identities of the local platform are allowed, as strict as its workloads can bear."""

import re
from collections.abc import Iterator

from policies.aws.identity_documents import objects, operations
from policies.local.types import IDENTITY
from policies.policy_documents import statements, values
from policies.resources import Resource
from policies.rules import resource_rule

_OBJECTS_OF_ONE_BUCKET = re.compile(r"arn:(aws|aws-cn|aws-us-gov):s3:::[^*?/]+/.*")

# Operations with which a workload could give itself or others more rights than it was given, copy the data out, or make
# all of it unreadable. Sources: Checkov CKV_AWS_286 and CKV_AWS_289; the actions of access level "Permissions
# management" in the AWS service authorization reference (S3, KMS); the AWS KMS developer guide, "Permissions for AWS
# services in key policies" (grants) and "Deleting AWS KMS keys".
_ESCALATING = (
    "iam:",
    "sts:assumerole",
    "kms:creategrant",
    "kms:disablekey",
    "kms:putkeypolicy",
    "kms:schedulekeydeletion",
    "s3:putbucketpolicy",
    "s3:putbucketacl",
    "s3:deletebucketpolicy",
    "s3:putaccountpublicaccessblock",
    "s3:putbucketownershipcontrols",
    "s3:putbucketpublicaccessblock",
    "s3:putencryptionconfiguration",
    "s3:putobjectacl",
    "s3:putobjectversionacl",
    "s3:putreplicationconfiguration",
)


@resource_rule(
    IDENTITY,
    id="local-identity-no-wildcard-action",
    title="Local identities are allowed single operations only.",
    severity="high",
    frameworks=("CKV_AWS_63", "CKV_AWS_62", "CIS AWS 3.0.0 1.16", "NIST AC-6"),
    wrong="A workload that is taken over can then do everything that the service offers, now and in future.",
    mend="name each operation that the workload needs, such as s3:GetObject.",
)
def no_wildcard_action(identity: Resource) -> Iterator[str]:
    """NotAction allows everything else, and so is a wildcard too."""
    for statement in statements(identity, identity.get("policy")):
        for action in operations(identity, statement):
            if "*" in action or "?" in action:
                yield f"The identity is allowed {action!r}."
        with identity.apart():
            if values(statement, "NotAction"):
                yield "The identity is allowed everything but its NotAction."


@resource_rule(
    IDENTITY,
    id="local-identity-no-wildcard-resource",
    title="Local identities are allowed to use single buckets and keys only.",
    severity="high",
    frameworks=("CKV_AWS_355", "NIST AC-6"),
    wrong="A workload that is taken over can then reach the data of every other.",
    mend="name the bucket, and the objects in it as arn:aws:s3:::BUCKET/*, or the key's ARN.",
)
def no_wildcard_resource(identity: Resource) -> Iterator[str]:
    """A wildcard may stand for objects within a bucket that is named, for nothing else."""
    for statement in statements(identity, identity.get("policy")):
        for resource in objects(identity, statement):
            if ("*" in resource or "?" in resource) and not _OBJECTS_OF_ONE_BUCKET.fullmatch(resource):
                yield f"The identity may use {resource!r}."
        with identity.apart():
            if values(statement, "NotResource"):
                yield "The identity may use everything but its NotResource."


@resource_rule(
    IDENTITY,
    id="local-identity-no-privilege-escalation",
    title="Local identities cannot change who may do what, and cannot take keys away.",
    severity="critical",
    frameworks=("CKV_AWS_286", "CKV_AWS_289", "NIST AC-6(10)"),
    wrong="A workload that is taken over can then make itself an administrator, open the data to others, or lose it.",
    mend="leave the operation to the program that deploys the stack.",
)
def no_privilege_escalation(identity: Resource) -> Iterator[str]:
    """IAM compares operations without regard to case."""
    for statement in statements(identity, identity.get("policy")):
        for action in operations(identity, statement):
            if action.lower().startswith(_ESCALATING) and "*" not in action:
                yield f"The identity is allowed {action!r}."


RULES = (no_wildcard_action, no_wildcard_resource, no_privilege_escalation)
