"""Security rules: encryption, least privilege, secrets, and who can reach what."""

import re
from collections.abc import Iterator, Sequence

from policies.rules import (
    DYNAMIC,
    LOCAL_BUCKET,
    LOCAL_CLOUD,
    LOCAL_IDENTITY,
    LOCAL_SERVICE,
    UNKNOWN,
    Objection,
    Resource,
    allow_statements,
    looks_secret,
    names_within,
    one_or_many,
    resource_rule,
    stack_rule,
)

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
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
    [LOCAL_BUCKET],
    id="storage-customer-managed-key",
    title="Buckets are encrypted by default under a key of the stack's own.",
    severity="high",
    level="mandatory",
    frameworks=("CKV_AWS_145", "NIST SC-12", "NIST SC-28"),
    wrong="Whoever may read the bucket may then read its data, and nobody can withdraw the key.",
    mend="give the bucket key_arn, the ARN of the stack's KMS key.",
)
def customer_managed_key(bucket: Resource) -> Iterator[str]:
    """A key that AWS manages (alias/aws/…) is shared by everything in the account."""
    key = bucket.properties.get("key_arn")
    if not key:
        yield "The bucket has no KMS key."
    elif not key.startswith("arn:") or ":kms:" not in key or ":alias/aws/" in key:
        yield f"The bucket's key {key!r} is not the ARN of a customer-managed KMS key."


@resource_rule(
    [LOCAL_IDENTITY],
    id="identity-no-wildcard-action",
    title="Identities are allowed single operations only.",
    severity="high",
    level="mandatory",
    frameworks=("CKV_AWS_63", "CKV_AWS_62", "CIS AWS 1.16", "NIST AC-6"),
    wrong="A workload that is taken over can then do everything that the service offers, now and in future.",
    mend="name each operation that the workload needs, such as s3:GetObject.",
)
def no_wildcard_action(identity: Resource) -> Iterator[str]:
    """NotAction allows everything else, and so is a wildcard too."""
    for statement in allow_statements(identity.properties["policy"]):
        for action in one_or_many(statement, "Action"):
            if "*" in action or "?" in action:
                yield f"The identity is allowed {action!r}."
        if "NotAction" in statement:
            yield "The identity is allowed everything but its NotAction."


@resource_rule(
    [LOCAL_IDENTITY],
    id="identity-no-wildcard-resource",
    title="Identities are allowed to use single buckets and keys only.",
    severity="high",
    level="mandatory",
    frameworks=("CKV_AWS_355", "NIST AC-6"),
    wrong="A workload that is taken over can then reach the data of every other.",
    mend="name the bucket, and the objects in it as arn:aws:s3:::BUCKET/*, or the key's ARN.",
)
def no_wildcard_resource(identity: Resource) -> Iterator[str]:
    """A wildcard may stand for objects within a bucket that is named, for nothing else."""
    for statement in allow_statements(identity.properties["policy"]):
        for resource in one_or_many(statement, "Resource"):
            if ("*" in resource or "?" in resource) and not _OBJECTS_OF_ONE_BUCKET.fullmatch(resource):
                yield f"The identity may use {resource!r}."
        if "NotResource" in statement:
            yield "The identity may use everything but its NotResource."


@resource_rule(
    [LOCAL_IDENTITY],
    id="identity-no-privilege-escalation",
    title="Identities cannot change who may do what, and cannot take keys away.",
    severity="critical",
    level="mandatory",
    frameworks=("CKV_AWS_286", "CKV_AWS_289", "NIST AC-6(10)"),
    wrong="A workload that is taken over can then make itself an administrator, open the data to others, or lose it.",
    mend="leave the operation to the program that deploys the stack.",
)
def no_privilege_escalation(identity: Resource) -> Iterator[str]:
    """IAM compares operations without regard to case."""
    for statement in allow_statements(identity.properties["policy"]):
        for action in one_or_many(statement, "Action"):
            if action.lower().startswith(_ESCALATING):
                yield f"The identity is allowed {action!r}."


@stack_rule(
    id="secrets-are-marked",
    title="Outputs that hold a secret are marked as secret.",
    severity="critical",
    level="mandatory",
    frameworks=("NIST IA-5(7)",),
    wrong="The state file and the command's output then show it in the clear.",
    mend="name the output in the resource's option additional_secret_outputs.",
)
def secrets_are_marked(resources: Sequence[Resource]) -> Iterator[Objection]:
    """Looks at dynamic resources: their providers return plain values, so only the option can mark one.

    An output's own name is enough to judge it; names within it are, once its value is known.
    """
    for resource in resources:
        if not resource.type.startswith(DYNAMIC):
            continue
        for name in resource.properties:
            if name in resource.secret_outputs:
                continue
            inner = [name] if looks_secret(name) else names_within(resource.properties[name])
            found = next((each for each in inner if looks_secret(each)), None)
            if found:
                place = found if found == name else f"{name} with its {found}"
                yield Objection(f"The output {place} is not marked as secret.", resource)


@stack_rule(
    id="processes-on-loopback",
    title="Processes on this machine listen on the loopback interface only.",
    severity="high",
    level="mandatory",
    frameworks=("NIST SC-7",),
    wrong="Everybody on the network can then use the cloud's endpoint or the model.",
    mend="listen on 127.0.0.1, and let others in through a proxy that knows them.",
)
def processes_on_loopback(resources: Sequence[Resource]) -> Iterator[Objection]:
    """The cloud tells its `endpoint`, a service its `endpoints` by name; both are known once they listen."""
    for resource in resources:
        if resource.type == LOCAL_CLOUD and "endpoint" in resource.properties:
            told = [resource.properties["endpoint"]]
        elif resource.type == LOCAL_SERVICE and "endpoints" in resource.properties:
            endpoints = resource.properties["endpoints"]
            told = [] if endpoints is UNKNOWN else list(endpoints.values())
        else:
            continue
        for endpoint in told:
            if endpoint is UNKNOWN:
                continue
            host = endpoint.removeprefix("http://").removeprefix("https://").partition("/")[0].rpartition(":")[0]
            if host not in _LOOPBACK:
                yield Objection(f"It listens on {endpoint}.", resource)


RULES = (
    customer_managed_key,
    no_wildcard_action,
    no_wildcard_resource,
    no_privilege_escalation,
    secrets_are_marked,
    processes_on_loopback,
)
