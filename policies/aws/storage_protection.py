"""Rules for what keeps the objects of S3 buckets: encryption, versions, records of access, and what goes when."""

from collections.abc import Iterator, Sequence
from typing import Any

from policies.aws.own_keys import names_own_key
from policies.aws.storage_parts import (
    BUCKETS,
    ENCRYPTIONS,
    LOGGINGS,
    is_versioned,
    lifecycle_rules,
    logs_access,
    parts,
    receives_access_logs,
    receives_balancer_logs,
    stated,
    within,
)
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, is_true, known

_KMS = ("aws:kms", "aws:kms:dsse")
_LIMITS_OF_FILTER = ("prefix", "tag", "tags", "and", "objectSizeGreaterThan", "objectSizeLessThan")


@related_rule(
    *BUCKETS,
    id="aws-bucket-customer-managed-key",
    title="Buckets are encrypted by default under a KMS key of the customer's own.",
    severity="high",
    frameworks=("CKV_AWS_145", "NIST SC-12", "NIST SC-28"),
    wrong="Whoever may read the bucket may then read its data, and nobody can withdraw the key.",
    mend="add aws.s3.BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms and kmsMasterKeyId of a key.",
)
def bucket_customer_managed_key(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Without one, S3 encrypts with a key of its own. Records of access are delivered to no bucket but such a one.

    Sources: S3 user guide, "Enabling Amazon S3 server access logging"; Application Load Balancers user guide, "Enable
    access logs", step 1.
    """
    algorithms = []
    for resource, *path in _default_encryptions(bucket, stack):
        algorithm = resource.get(*path, "sseAlgorithm")
        if algorithm in _KMS and names_own_key(resource, *path, "kmsMasterKeyId"):
            return
        algorithms.append(str(algorithm))
    if not receives_access_logs(bucket, stack) and not receives_balancer_logs(bucket, stack):
        how = f"with {' and '.join(algorithms)} and no key of its own" if algorithms else "as S3 does by itself"
        yield f"The bucket is encrypted {how}."


def _default_encryptions(bucket: Resource, stack: Stack) -> Iterator[Sequence[Any]]:
    """Where the bucket's default encryption is written: the resource, and the path within it."""
    beside = parts(bucket, stack, ENCRYPTIONS)
    for each in beside:
        for index in range(len(as_list(each.get("rules")))):
            yield each, "rules", index, "applyServerSideEncryptionByDefault"
    if not beside:
        name, own = within(bucket, "serverSideEncryptionConfiguration")
        if known(own) is not None and name.endswith("s"):
            yield bucket, name, "rules", "applyServerSideEncryptionByDefaults"
        elif own is not None:
            yield bucket, name, "rule", "applyServerSideEncryptionByDefault"


@related_rule(
    *BUCKETS,
    id="aws-bucket-versioned",
    title="Buckets keep the versions of an object that was overwritten or deleted.",
    severity="medium",
    frameworks=("CKV_AWS_21", "NIST CP-9"),
    wrong="An object that is overwritten or deleted by mistake or malice is lost at once.",
    mend="add aws.s3.BucketVersioning with versioningConfiguration.status Enabled.",
)
def bucket_versioned(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Buckets keep none unless they are told to."""
    if not is_versioned(bucket, stack):
        yield "The bucket keeps no versions."


@related_rule(
    *BUCKETS,
    id="aws-bucket-access-logged",
    title="Who uses a bucket is recorded, in another bucket.",
    severity="medium",
    frameworks=("CKV_AWS_18", "CIS AWS 3.0.0 3.4", "NIST AU-2", "NIST AU-12"),
    wrong="Nobody can tell afterwards who took the data.",
    mend="add aws.s3.BucketLogging with targetBucket, a bucket for such records only.",
)
def bucket_access_logged(bucket: Resource, stack: Stack) -> Iterator[str]:
    """A bucket that receives the records of others needs none, and must not receive its own: they never end."""
    if _records_in_itself(bucket, stack):
        yield "The bucket records in itself who uses it, and each record is one more use."
    elif not logs_access(bucket, stack) and not receives_access_logs(bucket, stack):
        yield "Nothing records who uses the bucket."


def _records_in_itself(bucket: Resource, stack: Stack) -> bool:
    """A bucket that is named by Pulumi is named by no text of the program's."""
    beside = parts(bucket, stack, LOGGINGS)
    if beside:
        return any_holds(
            lambda each: (
                each.refers_to(bucket, "targetBucket")
                if each.property_dependencies.get("targetBucket")
                else known(each.get("targetBucket")) in bucket.identifiers
            ),
            beside,
        )
    name, own = within(bucket, "logging")
    if own is None or bucket.property_dependencies.get(name):
        return False
    return bool(get(own, "targetBucket") == stated(bucket, "bucket"))


@related_rule(
    *BUCKETS,
    id="aws-bucket-old-versions-expire",
    title="Versioned buckets delete old versions at last.",
    severity="low",
    frameworks=("CKV2_AWS_61", "NIST SI-12"),
    wrong="What was deleted stays readable, and is paid for, without end.",
    mend="add to the rules of aws.s3.BucketLifecycleConfiguration a noncurrentVersionExpiration.",
)
def bucket_old_versions_expire(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Some may be kept longer than others; to move them to another class alone ends nothing."""
    if is_versioned(bucket, stack) and not any_holds(_deletes_old_versions, lifecycle_rules(bucket, stack)):
        yield "The bucket keeps old versions without end."


def _deletes_old_versions(rule: Any) -> bool:
    expiration = get(rule, "noncurrentVersionExpiration", default=get(rule, "noncurrentVersionExpirations"))
    return _is_enabled(rule) and any_holds(
        lambda name: bool(known(get(expiration, name))), ("noncurrentDays", "newerNoncurrentVersions", "days")
    )


@related_rule(
    *BUCKETS,
    id="aws-bucket-uploads-end",
    title="Buckets drop uploads that were never finished.",
    severity="low",
    frameworks=("CKV_AWS_300", "NIST SI-12"),
    wrong="Their parts are in no list of objects, and stay, and are paid for, without end.",
    mend="add to the rules of aws.s3.BucketLifecycleConfiguration one for all objects with "
    "abortIncompleteMultipartUpload.daysAfterInitiation.",
)
def bucket_uploads_end(bucket: Resource, stack: Stack) -> Iterator[str]:
    """A rule for some prefix leaves out the uploads elsewhere."""
    if not any_holds(_ends_uploads, lifecycle_rules(bucket, stack)):
        yield "The bucket keeps the parts of unfinished uploads without end."


def _ends_uploads(rule: Any) -> bool:
    within_bucket = get(rule, "abortIncompleteMultipartUploadDays")
    days = (
        within_bucket
        if within_bucket is not None
        else get(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation")
    )
    return _is_enabled(rule) and bool(known(days)) and _is_for_all_objects(rule)


def _is_enabled(rule: Any) -> bool:
    return bool(get(rule, "status", default="") == "Enabled") or is_true(get(rule, "enabled"))


def _is_for_all_objects(rule: Any) -> bool:
    limits = [get(rule, "filter", name) for name in _LIMITS_OF_FILTER]
    return all_hold(lambda limit: not known(limit), [*limits, get(rule, "prefix"), get(rule, "tags")])


@resource_rule(
    *BUCKETS,
    id="aws-bucket-not-force-destroyed",
    title="No bucket is destroyed with all that it holds.",
    severity="high",
    frameworks=("NIST CP-9",),
    wrong="One `destroy`, or a new name, deletes every object in it, and every version.",
    mend="set forceDestroy to false (setting storage.delete_with_objects), and empty a bucket by hand before it goes.",
)
def bucket_not_force_destroyed(bucket: Resource) -> Iterator[str]:
    """It is off unless the bucket says otherwise."""
    if is_true(bucket.get("forceDestroy")):
        yield "The bucket is destroyed with all that it holds."


RULES: tuple[Rule, ...] = (
    bucket_customer_managed_key,
    bucket_versioned,
    bucket_access_logged,
    bucket_old_versions_expire,
    bucket_uploads_end,
    bucket_not_force_destroyed,
)
