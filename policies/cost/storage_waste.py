"""Rules against paying for the dearer kind of storage, and for what nobody reads any more.

All but that on checkpoints judge stacks that run machines. What is only a part, such as a registry for others, may be
looked after elsewhere.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from planning.cost.price_aws_compute import INSTANCE, LAUNCH_TEMPLATE
from planning.cost.words import dollars
from policies.cost.guides import well_architected
from policies.cost.pools import runs_machines
from policies.cost.pricing import priced, service
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import any_holds, as_list, get, is_true, known, parsed

VOLUME = "aws:ebs/volume:Volume"
ATTACHMENT = "aws:ec2/volumeAttachment:VolumeAttachment"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOG_BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
GCS_BUCKET = "gcp:storage/bucket:Bucket"
LIFECYCLES = (
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
ENCRYPTIONS = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
REPOSITORY = "aws:ecr/repository:Repository"
REPOSITORY_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
GCP_REPOSITORY = "gcp:artifactregistry/repository:Repository"

_DEARER = ("gp2", "io1", "standard")
_SAVED = 0.2
"""Part of gp2's price that gp3 saves, in every region. Source: Amazon EBS pricing page."""
_REFERRED_TO: WeakKeyDictionary[Stack, frozenset[str]] = WeakKeyDictionary()
_OF_OLD_VERSIONS = ("daysSinceNoncurrentTime", "noncurrentTimeBefore", "numNewerVersions")
_CHECKPOINTS = re.compile(r"check-?points?|ckpt", re.IGNORECASE)


@related_rule(
    VOLUME,
    LAUNCH_TEMPLATE,
    INSTANCE,
    id="cost-volume-gp3",
    title="Volumes are of type gp3, not of its dearer forerunners.",
    severity="low",
    frameworks=well_architected("COST06-BP02"),
    wrong="gp3 has the same or better performance for a fifth less, and IOPS by themselves.",
    mend="set volumeType (of a volume: type) to gp3.",
    topic="cost",
)
def volume_gp3(resource: Resource, stack: Stack) -> Iterator[str]:
    """Volumes that say what they are. A volume by itself that does not is gp2; a machine's is what its image says.

    io2 and the types with magnetic disks are for purposes of their own. Source: EC2 API, CreateVolume.
    """
    if not runs_machines(stack):
        return
    for type_, size in _volumes(resource):
        with resource.apart():
            if known(type_) in _DEARER:
                yield f"It has a volume of type {type_}{_cost_of_volume(stack, type_, size)}."


@related_rule(
    LOG_GROUP,
    LOG_BUCKET,
    id="cost-logs-forgotten",
    title="Log groups and log buckets forget after a time.",
    severity="low",
    frameworks=well_architected("COST04-BP05"),
    wrong="Each month of logs is then paid for in every month to come.",
    mend="set retentionInDays or retentionDays (setting …retention_days), or raise maximum_days for this stack.",
    topic="cost",
    parameters={"maximum_days": Parameter(400, "Days that logs may be kept.")},
)
def logs_forgotten(group: Resource, stack: Stack, *, maximum_days: float) -> Iterator[str]:
    """0 and no value mean for ever, and 30 days for a log bucket of Google Cloud.

    Source: CloudWatch Logs API, PutRetentionPolicy; Cloud Logging API, LogBucket.
    """
    kept_by = {LOG_GROUP: ("retentionInDays", 0), LOG_BUCKET: ("retentionDays", 30)}
    name, default = kept_by[group.type]
    days = known(group.get(name, default=default))
    if (days and days <= maximum_days) or not runs_machines(stack):
        return
    gigabyte = service(stack, "logs_storage_gb_month")
    kept = f"{days:g} days" if days else "for ever"
    yield (
        f"It keeps logs {kept}, and up to {maximum_days:g} days are wanted; each GB that is kept costs "
        f"{dollars(gigabyte)} a month."
    )


@related_rule(
    *BUCKETS,
    GCS_BUCKET,
    id="cost-checkpoints-expire",
    title="Checkpoints are removed, or moved to cheaper storage, when they are old.",
    severity="low",
    frameworks=("CKV2_AWS_61", *well_architected("COST04-BP05")),
    wrong="Every run adds checkpoints of many GB, which nobody reads once it is over.",
    mend="add a lifecycle rule with expiration or transitions (setting storage.expire_checkpoints_after_days).",
    topic="cost",
)
def checkpoints_expire(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Of buckets that are called so. Rules for old versions and unfinished uploads are another rule's business."""
    names = (bucket.name, bucket.properties.get("bucket"), bucket.properties.get("name"))
    if not any_holds(lambda name: name is not None and bool(_CHECKPOINTS.search(known(name))), names):
        return
    own = as_list(bucket.get("lifecycleRules"))
    if any_holds(_ends_current_objects, own):
        return
    for type_ in LIFECYCLES:
        for each in stack.of(type_):
            if each.refers_to(bucket, "bucket") and any_holds(_ends_current_objects, as_list(each.get("rules"))):
                return
    stored = priced(stack).cost.usage.checkpoint_gib
    usd = service(stack, "object_storage_gib_month", stored)
    yield f"Nothing removes or moves old checkpoints; each {stored:g} GiB of them cost {dollars(usd)} a month."


@resource_rule(
    GCS_BUCKET,
    id="cost-soft-delete-short",
    title="Buckets keep what was removed for good no longer than their limit.",
    severity="low",
    frameworks=well_architected("COST04-BP05"),
    wrong="Each checkpoint that a rule removes is then paid for as before, for as long again.",
    mend="lower softDeletePolicy.retentionDurationSeconds (setting storage.soft_delete_days), or raise maximum_days.",
    topic="cost",
    parameters={"maximum_days": Parameter(30, "Days of soft deletion that a bucket may have.")},
)
def soft_delete_short(bucket: Resource, *, maximum_days: float) -> Iterator[str]:
    """Seven days unless it says otherwise, 90 at most. Source: Cloud Storage, "Soft delete"."""
    days = known(bucket.get("softDeletePolicy", "retentionDurationSeconds", default=604_800)) / 86_400
    if days > maximum_days:
        yield f"It keeps what was removed for {days:g} days, and up to {maximum_days:g} are wanted."


@related_rule(
    REPOSITORY,
    GCP_REPOSITORY,
    id="cost-registry-forgets",
    title="Registries remove images that nobody uses any more.",
    severity="low",
    frameworks=well_architected("COST04-BP05"),
    wrong="Every build adds an image of many GB.",
    mend="add aws.ecr.LifecyclePolicy, or cleanupPolicies, with a rule that removes untagged or old images.",
    topic="cost",
)
def registry_forgets(repository: Resource, stack: Stack) -> Iterator[str]:
    """A policy of the stack that is for the repository and expires something.

    Artifact Registry's own do nothing while they are tried only (cleanupPolicyDryRun), or only say what is kept. A
    repository that fetches from elsewhere, or only joins others, is not pushed to.
    """

    def cleans(policy: Resource) -> bool:
        if not policy.refers_to(repository, "repository"):
            return False
        rules = as_list(get(parsed(policy.get("policy", default="{}")), "rules"))
        return any_holds(lambda rule: known(get(rule, "action", "type")) in ("expire", "transition"), rules)

    if repository.type == GCP_REPOSITORY:
        if known(repository.get("mode", default="STANDARD_REPOSITORY")) != "STANDARD_REPOSITORY":
            return
        cleaned = not is_true(repository.get("cleanupPolicyDryRun")) and any_holds(
            lambda policy: known(get(policy, "action")) == "DELETE", as_list(repository.get("cleanupPolicies"))
        )
    else:
        cleaned = any_holds(cleans, stack.of(REPOSITORY_LIFECYCLE))
    if runs_machines(stack) and not cleaned:
        stored = priced(stack).cost.usage.image_gb
        usd = service(stack, "registry_gb_month", stored)
        yield f"No lifecycle policy removes its images; each {stored:g} GB of them cost {dollars(usd)} a month."


@related_rule(
    *ENCRYPTIONS,
    id="cost-bucket-key",
    title="Buckets under a KMS key use a bucket key.",
    severity="low",
    level="advisory",
    frameworks=well_architected("COST06-BP02"),
    wrong="KMS is then asked, and paid, for every object that is read or written.",
    mend="set bucketKeyEnabled to true in the bucket's encryption rule.",
    topic="cost",
)
def bucket_key(encryption: Resource, stack: Stack) -> Iterator[str]:
    """Source: Amazon S3 user guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys": up to 99 % less.

    Double encryption (aws:kms:dsse) has no bucket keys.
    """
    if not runs_machines(stack):
        return
    for rule in as_list(encryption.get("rules")):
        with encryption.apart():
            algorithm = known(get(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm"))
            if algorithm == "aws:kms" and not is_true(get(rule, "bucketKeyEnabled")):
                usd = service(stack, "kms_requests_10000", 100)
                yield f"Without a bucket key each million objects read or written cost {dollars(usd)} for KMS alone."


@related_rule(
    VOLUME,
    id="cost-volume-attached",
    title="Volumes are attached to something.",
    severity="low",
    level="advisory",
    frameworks=well_architected("COST04-BP03"),
    wrong="A volume costs the same whether a machine has it or not.",
    mend="attach it with aws.ec2.VolumeAttachment, or make it with the machine or the claim that uses it.",
    topic="cost",
)
def volume_attached(volume: Resource, stack: Stack) -> Iterator[str]:
    """A persistent volume of Kubernetes that is made of it counts: the cluster attaches it."""
    if not runs_machines(stack):
        return
    if any_holds(lambda each: each.refers_to(volume, "volumeId"), stack.of(ATTACHMENT)):
        return
    if volume.urn in _referred_to(stack):
        return
    yield f"Nothing in the stack attaches it{_cost_of_volume(stack, 'gp3', volume.get('size'))}."


def _referred_to(stack: Stack) -> frozenset[str]:
    """URNs of all resources of which another one is made; gathered once a stack, since volumes may be many."""
    found = _REFERRED_TO.get(stack)
    if found is None:
        urns = (each for resource in stack.resources for each in resource.property_dependencies.values())
        found = _REFERRED_TO[stack] = frozenset(urn for each in urns for urn in each)
    return found


def _volumes(resource: Resource) -> Iterator[tuple[Any, Any]]:
    """Type and size of each volume."""
    if resource.type == VOLUME:
        yield resource.get("type", default="gp2"), resource.get("size")
        return
    if resource.type == LAUNCH_TEMPLATE:
        devices = [get(each, "ebs") for each in as_list(resource.get("blockDeviceMappings"))]
    else:
        devices = [resource.get("rootBlockDevice"), *as_list(resource.get("ebsBlockDevices"))]
    for device in devices:
        yield get(device, "volumeType"), get(device, "volumeSize")


def _cost_of_volume(stack: Stack, type_: Any, size: Any) -> str:
    if not isinstance(size, int | float):
        return ""
    usd = service(stack, "block_storage_gib_month", size)
    if type_ == "gp2":
        return (
            f", and its {size:g} GiB cost {dollars(usd / (1 - _SAVED) - usd)} a month more than {dollars(usd)} as gp3"
        )
    return f", and its {size:g} GiB cost {dollars(usd)} a month as gp3"


def _ends_current_objects(rule: Any) -> bool:
    """Whether a lifecycle rule removes or moves objects that are not old versions. Raises Undecided.

    Cloud Storage's are for objects in any state unless withState is ARCHIVED, which stands for old versions, or another
    condition holds for these alone. Source: Cloud Storage, "Object Lifecycle Management".
    """
    if isinstance(known(rule), Mapping) and (
        known(rule.get("status")) == "Disabled" or known(rule.get("enabled")) is False
    ):
        return False
    if known(get(rule, "action", "type")) in ("Delete", "SetStorageClass"):
        condition = get(rule, "condition")
        if known(get(condition, "withState")) == "ARCHIVED" or any_holds(
            lambda name: bool(known(get(condition, name))), _OF_OLD_VERSIONS
        ):
            return False
        return known(get(condition, "age")) is not None
    expiration = get(rule, "expiration")
    if known(get(expiration, "days")) is not None or known(get(expiration, "date")) is not None:
        return True
    return len(as_list(get(rule, "transitions"))) > 0


RULES = (
    volume_gp3,
    logs_forgotten,
    checkpoints_expire,
    soft_delete_short,
    registry_forgets,
    bucket_key,
    volume_attached,
)
