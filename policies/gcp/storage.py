"""Rules for Cloud Storage buckets."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import any_holds, as_list, get, is_true, known

BUCKET = "gcp:storage/bucket:Bucket"
AUDIT_CONFIGS = (
    "gcp:projects/iAMAuditConfig:IAMAuditConfig",
    "gcp:folder/iamAuditConfig:IamAuditConfig",
    "gcp:organizations/iamAuditConfig:IamAuditConfig",
)

_OF_OLD_VERSIONS = ("age", "createdBefore", "daysSinceNoncurrentTime", "noncurrentTimeBefore", "numNewerVersions")


@resource_rule(
    BUCKET,
    id="gcp-bucket-uniform-access",
    title="Buckets are opened by IAM alone, not by lists on single objects.",
    severity="high",
    frameworks=("CKV_GCP_29", "CIS GCP 3.0.0 5.2", "NIST AC-3"),
    wrong="Whoever writes an object may then open it to others, where no review of the bucket sees it.",
    mend="set uniformBucketLevelAccess to true.",
)
def bucket_uniform_access(bucket: Resource) -> Iterator[str]:
    """A bucket with a hierarchical namespace must have it anyway."""
    if not is_true(bucket.get("uniformBucketLevelAccess")):
        yield "The bucket's objects can have access lists of their own."


@resource_rule(
    BUCKET,
    id="gcp-bucket-public-access-prevented",
    title="Buckets cannot be made public.",
    severity="critical",
    frameworks=("CKV_GCP_114", "CIS GCP 3.0.0 5.1", "NIST AC-3"),
    wrong="One careless grant then shows the data to the whole internet.",
    mend="set publicAccessPrevention to enforced.",
)
def bucket_public_access_prevented(bucket: Resource) -> Iterator[str]:
    """The default, inherited, prevents nothing unless the organization's policy does, which no program sees."""
    if bucket.get("publicAccessPrevention", default="inherited") != "enforced":
        yield "The bucket leaves it to its organization whether it can be made public."


@related_rule(
    BUCKET,
    id="gcp-bucket-customer-managed-key",
    title="Buckets on Google Cloud are encrypted by default under a key of the customer's own.",
    severity="high",
    frameworks=("NIST SC-12", "NIST SC-28"),
    wrong="Whoever may read the bucket may then read its data, and nobody can withdraw the key.",
    mend="give the bucket encryption with defaultKmsKeyName, the id of a CryptoKey.",
)
def bucket_customer_managed_key(bucket: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, Google encrypts with a key of its own, to which no IAM policy applies."""
    if not is_given(bucket, "encryption", "defaultKmsKeyName"):
        yield "The bucket has no key in Cloud KMS."


@resource_rule(
    BUCKET,
    id="gcp-bucket-versioned",
    title="Buckets keep the versions of an object that was overwritten.",
    severity="medium",
    frameworks=("CKV_GCP_78", "NIST CP-9"),
    wrong="An object that is overwritten by mistake or malice is lost after the days of soft deletion.",
    mend="set versioning with enabled true, or give the bucket a retentionPolicy.",
)
def bucket_versioned(bucket: Resource) -> Iterator[str]:
    """With a retention policy nothing is overwritten; with a hierarchical namespace there are no versions."""
    if is_true(bucket.get("versioning", "enabled")) or known(bucket.get("retentionPolicy")):
        return
    if not is_true(bucket.get("hierarchicalNamespace", "enabled")):
        yield "The bucket keeps no versions."


@resource_rule(
    BUCKET,
    id="gcp-bucket-old-versions-expire",
    title="Versioned buckets delete old versions at last.",
    severity="low",
    frameworks=("NIST SI-12",),
    wrong="What was deleted stays readable, and is paid for, without end.",
    mend="add to lifecycleRules a Delete with daysSinceNoncurrentTime or numNewerVersions.",
)
def bucket_old_versions_expire(bucket: Resource) -> Iterator[str]:
    """A condition that asks for live objects only never deletes an old version."""
    if is_true(bucket.get("versioning", "enabled")) and not any_holds(
        _deletes_old_versions, as_list(bucket.get("lifecycleRules"))
    ):
        yield "The bucket keeps old versions without end."


def _deletes_old_versions(rule: Mapping[str, Any]) -> bool:
    return (
        get(rule, "action", "type") == "Delete"
        and get(rule, "condition", "withState", default="ANY") != "LIVE"
        and any_holds(lambda name: bool(get(rule, "condition", name)), _OF_OLD_VERSIONS)
    )


@resource_rule(
    BUCKET,
    id="gcp-bucket-uploads-end",
    title="Buckets on Google Cloud drop uploads that were never finished.",
    severity="low",
    level="advisory",
    frameworks=("NIST SI-12",),
    wrong="Parts of a checkpoint that was never finished are in no list, and are paid for without end.",
    mend="add to lifecycleRules an AbortIncompleteMultipartUpload with age.",
)
def bucket_uploads_end(bucket: Resource) -> Iterator[str]:
    """Programs that speak the language of S3 upload in parts, and so do gcloud and fsspec. Source: Cloud Storage, "XML
    API multipart uploads"."""
    if not any_holds(
        lambda rule: bool(
            get(rule, "action", "type") == "AbortIncompleteMultipartUpload" and known(get(rule, "condition", "age"))
        ),
        as_list(bucket.get("lifecycleRules")),
    ):
        yield "The bucket keeps parts of uploads that were never finished."


@resource_rule(
    BUCKET,
    id="gcp-bucket-soft-delete",
    title="Deleted objects can be restored for some days.",
    severity="medium",
    frameworks=("NIST CP-9",),
    wrong="Whoever obtains the right to delete can destroy models and data for good within minutes.",
    mend="leave softDeletePolicy out (seven days), or give it retentionDurationSeconds of 604800 or more.",
)
def bucket_soft_delete(bucket: Resource) -> Iterator[str]:
    """Seven days are the default and the least that can be set; 0 turns it off."""
    if bucket.get("softDeletePolicy", "retentionDurationSeconds", default=604800) == 0:
        yield "The bucket's soft deletion is off."


@resource_rule(
    BUCKET,
    id="gcp-bucket-not-force-destroyed",
    title="A bucket that has objects is not destroyed with its stack.",
    severity="medium",
    frameworks=("NIST CP-9",),
    wrong="One wrong `destroy`, or a new name, deletes every object in it.",
    mend="set forceDestroy to false, and empty a bucket by hand before it goes.",
)
def bucket_not_force_destroyed(bucket: Resource) -> Iterator[str]:
    """It is off unless the bucket says otherwise."""
    if is_true(bucket.get("forceDestroy")):
        yield "The bucket is destroyed with all that it holds."


@related_rule(
    BUCKET,
    id="gcp-bucket-access-logged",
    title="Who reads a bucket's objects is logged.",
    severity="medium",
    frameworks=("CKV_GCP_62", "CKV_GCP_63", "CIS GCP 3.0.0 2.1", "NIST AU-2", "NIST AU-12"),
    wrong="Nobody can tell afterwards who took the data.",
    mend="log DATA_READ of storage.googleapis.com by an IAMAuditConfig, or set logging with another bucket's name.",
)
def bucket_access_logged(bucket: Resource, stack: Stack) -> Iterator[str]:
    """Audit logs tell more than a bucket's own usage logs. A bucket that holds the logs of another needs none."""
    if any_holds(_logs_storage, stack.of(*AUDIT_CONFIGS)):
        return
    if is_given(bucket, "logging", "logBucket"):
        if _logs_to(bucket, bucket):
            yield "The bucket logs to itself, so that each log is one more access to log."
    elif not any_holds(lambda other: _logs_to(other, bucket), stack.of(BUCKET)):
        yield "Nothing logs who reads the bucket's objects."


def _logs_to(bucket: Resource, target: Resource) -> bool:
    if not known(bucket.get("logging")):
        return False
    if bucket.refers_to(target, "logging", "logBucket"):
        return True
    made_of_another = bool(bucket.property_dependencies.get("logging"))
    return not made_of_another and bool(bucket.get("logging", "logBucket") == target.get("name", default=""))


def _logs_storage(config: Resource) -> bool:
    if config.get("service") not in ("allServices", "storage.googleapis.com"):
        return False
    return any_holds(lambda each: get(each, "logType") == "DATA_READ", as_list(config.get("auditLogConfigs")))


RULES = (
    bucket_uniform_access,
    bucket_public_access_prevented,
    bucket_customer_managed_key,
    bucket_versioned,
    bucket_old_versions_expire,
    bucket_uploads_end,
    bucket_soft_delete,
    bucket_not_force_destroyed,
    bucket_access_logged,
)
