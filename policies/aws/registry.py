"""Rules for registries of container images."""

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

from policies.aws.own_keys import names_own_key
from policies.aws.resource_policies import open_statements, titled
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, is_true, known

REPOSITORY = "aws:ecr/repository:Repository"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
REGISTRY_POLICY = "aws:ecr/registryPolicy:RegistryPolicy"

_PULL_THROUGH = "PULL_THROUGH_CACHE"


@resource_rule(
    REPOSITORY,
    TEMPLATE,
    id="aws-registry-immutable-tags",
    title="A tag of an image in ECR names the same image for ever.",
    severity="medium",
    frameworks=("CKV_AWS_51", "NIST SI-7", "NIST CM-3"),
    wrong="Whoever may push replaces what runs at the next restart, under a name that was reviewed.",
    mend="set imageTagMutability to IMMUTABLE.",
)
def registry_immutable_tags(repository: Resource) -> Iterator[str]:
    """In a cache of others' images a tag has to move when it does there; some tags, such as latest, may be left out.

    Source: ECR user guide, "Preventing image tags from being overwritten in Amazon ECR" and "Templates to control
    repositories created during a pull through cache action".
    """
    if repository.type == TEMPLATE and all_hold(
        lambda use: use == _PULL_THROUGH, as_list(repository.get("appliedFors"))
    ):
        return
    mutability = known(repository.get("imageTagMutability", default="MUTABLE"))
    if mutability == "IMMUTABLE_WITH_EXCLUSION":
        filters = as_list(repository.get("imageTagMutabilityExclusionFilters"))
        if any_holds(lambda each: not known(get(each, "filter")).strip("*"), filters):
            yield "All of the repository's tags are excluded from what cannot be moved."
    elif mutability != "IMMUTABLE":
        yield "The repository's tags can be moved."


@related_rule(
    REPOSITORY,
    id="aws-registry-scanned",
    title="Images in ECR are scanned for known faults when they are pushed.",
    severity="medium",
    frameworks=("CKV_AWS_163", "CIS EKS 1.5.0 5.1.1", "NIST RA-5"),
    wrong="Nobody is told that an image that runs has a fault that everybody knows.",
    mend="set imageScanningConfiguration.scanOnPush to true, or add aws.ecr.RegistryScanningConfiguration.",
)
def registry_scanned(repository: Resource, stack: Stack) -> Iterator[str]:
    """By the repository's own setting, or by a rule of the registry's that is for repositories of such names."""
    scanned = any_holds(
        lambda how: how(),
        (
            lambda: is_true(repository.get("imageScanningConfiguration", "scanOnPush")),
            lambda: any_holds(lambda each: _scans(each, repository), stack.of(SCANNING)),
        ),
    )
    if not scanned:
        yield "The repository's images are not scanned."


def _scans(scanning: Resource, repository: Resource) -> bool:
    return any_holds(lambda rule: _rule_scans(rule, repository), as_list(scanning.get("rules")))


def _rule_scans(rule: Mapping[str, Any], repository: Resource) -> bool:
    if get(rule, "scanFrequency") not in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN"):
        return False
    return any_holds(
        lambda each: _matches(known(get(each, "filter")), repository), as_list(get(rule, "repositoryFilters"))
    )


def _matches(pattern: str, repository: Resource) -> bool:
    """Without a wildcard, a filter is for all names that contain it. Source: ECR user guide, "Using filters"."""
    if pattern == "*":
        return True
    return fnmatch.fnmatchcase(known(repository.get("name")), pattern if "*" in pattern else f"*{pattern}*")


@related_rule(
    REPOSITORY,
    TEMPLATE,
    id="aws-registry-customer-managed-key",
    title="ECR's repositories are encrypted under a KMS key of the customer's own.",
    severity="medium",
    frameworks=("CKV_AWS_136", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of the images, which hold the models and the code.",
    mend="set encryptionConfigurations with encryptionType KMS and kmsKey; it cannot be changed afterwards.",
)
def registry_customer_managed_key(repository: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, ECR encrypts with S3's key or, as KMS, with one that AWS manages."""
    encryption = known(repository.get("encryptionConfigurations", 0))
    if get(encryption, "encryptionType", default="AES256") not in ("KMS", "KMS_DSSE"):
        yield "The repository has no key in KMS."
    elif not names_own_key(repository, "encryptionConfigurations", 0, "kmsKey"):
        yield "The repository has the key in KMS that AWS manages."


@resource_rule(
    REPOSITORY_POLICY,
    REGISTRY_POLICY,
    TEMPLATE,
    id="aws-registry-policy-not-public",
    title="No policy of a registry lets everybody in.",
    severity="high",
    frameworks=("CKV_AWS_32", "NIST AC-3", "NIST AC-6"),
    wrong="Every account of AWS's can then pull the images, or push others in their place.",
    mend="name the principals, or add a condition on aws:PrincipalOrgID.",
)
def registry_policy_not_public(resource: Resource) -> Iterator[str]:
    """A template has the policy of the repositories that ECR makes by it."""
    name = "repositoryPolicy" if resource.type == TEMPLATE else "policy"
    for statement in open_statements(resource, resource.get(name)):
        yield f"{titled(statement)} lets everybody in, under no condition that says who comes."


RULES: tuple[Rule, ...] = (
    registry_immutable_tags,
    registry_scanned,
    registry_customer_managed_key,
    registry_policy_not_public,
)
