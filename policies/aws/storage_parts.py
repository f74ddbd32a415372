"""What a bucket is made of: the provider splits it into many resources, and lets some of it be written within it.

A resource beside the bucket goes before what the bucket says itself, which AWS's provider also fills in afterwards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from policies.aws.network_load_balancers import LOAD_BALANCERS
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.values import Undecided, Unknown, any_holds, as_list, get, is_true, known

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_V2 = "aws:s3/bucketV2:BucketV2"
BUCKETS = (BUCKET, BUCKET_V2)
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
ENCRYPTIONS = (
    ENCRYPTION,
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
VERSIONINGS = (VERSIONING, "aws:s3/bucketVersioningV2:BucketVersioningV2")
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LOGGINGS = (LOGGING, "aws:s3/bucketLoggingV2:BucketLoggingV2")
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LIFECYCLES = (LIFECYCLE, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2")
ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
WEBSITES = (
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
    "aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2",
)
OBJECTS = ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/objectCopy:ObjectCopy")


@dataclass
class _Index:
    """Resources by the bucket that they are about; looked up rather than searched, since there may be thousands."""

    by_urn: dict[str, list[Resource]] = field(default_factory=dict)
    by_name: dict[str, list[Resource]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Paths of the values of which nothing tells what bucket they name."""
    literal: bool = False
    """Whether a bucket is named by a text that is no resource's output."""


_INDEXES: WeakKeyDictionary[Stack, dict[tuple[Sequence[str], Sequence[str]], _Index]] = WeakKeyDictionary()


def parts(bucket: Resource, stack: Stack, types: Sequence[str], *path: str) -> list[Resource]:
    """The resources of these types whose property at `path` (`bucket`, if left out) names the bucket.

    Raises Undecided where none does and one might. A bucket that Pulumi names is named by no text of the program's.
    """
    path = path or ("bucket",)
    indexes = _INDEXES.setdefault(stack, {})
    index = indexes.get((types, path))
    if index is None:
        index = indexes[types, path] = _indexed(stack.of(*types), path)
    found = list(index.by_urn.get(bucket.urn, ()))
    for name in sorted(bucket.identifiers):
        found += [each for each in index.by_name.get(name, ()) if each not in found]
    if not found and index.unknown:
        raise Undecided(index.unknown[0])
    if not found and index.literal and not bucket.identifiers and stated(bucket, "bucket") is not None:
        raise Undecided(f"the name of {bucket.name}")
    return found


def _indexed(resources: Iterable[Resource], path: Sequence[str]) -> _Index:
    index = _Index()
    for resource in resources:
        made_of = resource.property_dependencies.get(path[0], ())
        for urn in made_of:
            index.by_urn.setdefault(urn, []).append(resource)
        value = stated(resource, *path) if resource.type in BUCKETS else resource.get(*path)
        if isinstance(value, str):
            index.by_name.setdefault(value, []).append(resource)
            index.literal |= not made_of
        elif isinstance(value, Unknown) and not made_of:
            index.unknown.append(value.path)
    return index


def stated(bucket: Resource, name: str, *path: str) -> Any:
    """What the program says of the bucket in the property `name`, or below it.

    A preview does not know what the provider will fill in. Pulumi tells what the program's values are made of, so a
    value of which it tells nothing, where it does of others, is not the program's.
    """
    told = bucket.property_dependencies
    if told and name not in told and isinstance(bucket.get(name), Unknown):
        return None
    return bucket.get(name, *path)


def within(bucket: Resource, singular: str) -> tuple[str, Any]:
    """What the program says within the bucket, with the property's name: that of a Bucket, or that of a BucketV2."""
    own = stated(bucket, singular)
    return (singular, own) if own is not None else (f"{singular}s", stated(bucket, f"{singular}s"))


def is_versioned(bucket: Resource, stack: Stack) -> bool:
    """Whether the bucket keeps versions. Object Lock switches them on. Raises Undecided."""
    beside = parts(bucket, stack, VERSIONINGS)
    if beside:
        return any_holds(lambda each: bool(each.get("versioningConfiguration", "status") == "Enabled"), beside)
    own = within(bucket, "versioning")[1]
    return any_holds(is_true, (get(own, "enabled"), stated(bucket, "objectLockEnabled")))


def policies(bucket: Resource, stack: Stack) -> list[Any]:
    """The documents of the bucket's policy. Raises Undecided."""
    beside = parts(bucket, stack, (POLICY,))
    if beside:
        return [each.get("policy") for each in beside]
    own = known(stated(bucket, "policy"))
    return [] if own is None else [own]


def lifecycle_rules(bucket: Resource, stack: Stack) -> list[Any]:
    """The rules for what goes when. Raises Undecided."""
    beside = parts(bucket, stack, LIFECYCLES)
    if beside:
        return [rule for each in beside for rule in as_list(each.get("rules"))]
    return list(as_list(stated(bucket, "lifecycleRules")))


def receives_access_logs(bucket: Resource, stack: Stack) -> bool:
    """Whether S3 delivers another bucket's records of access to it. Raises Undecided."""
    if parts(bucket, stack, LOGGINGS, "targetBucket"):
        return True
    others = [(BUCKET, "logging"), (BUCKET_V2, "loggings")]
    return any_holds(lambda each: len(parts(bucket, stack, (each[0],), each[1], "targetBucket")) > 0, others)


def receives_balancer_logs(bucket: Resource, stack: Stack) -> bool:
    """Whether a load balancer delivers its records of access to it. Raises Undecided."""
    return any_holds(
        lambda name: len(parts(bucket, stack, LOAD_BALANCERS, name, "bucket")) > 0, ("accessLogs", "connectionLogs")
    )


def logs_access(bucket: Resource, stack: Stack) -> bool:
    """Whether S3 keeps records of who used the bucket. Raises Undecided."""
    if parts(bucket, stack, LOGGINGS):
        return True
    name, own = within(bucket, "logging")
    return known(own) is not None and is_given(bucket, name, "targetBucket")
