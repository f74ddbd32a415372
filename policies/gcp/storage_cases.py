"""Cases of the rules for Cloud Storage buckets."""

from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.gcp import storage
from policies.resources import Resource

AUDIT_CONFIG = storage.AUDIT_CONFIGS[0]
KEY = made("gcp:kms/cryptoKey:CryptoKey", "data")


def bucket(**properties: Any) -> Resource:
    """A bucket for models."""
    return made(storage.BUCKET, "models", {"name": "models", **properties})


def kept(*rules: dict[str, Any]) -> Resource:
    """A versioned bucket with these lifecycle rules."""
    return bucket(versioning={"enabled": True}, lifecycleRules=list(rules))


def audit(service: str, *log_types: str) -> Resource:
    """What the project's audit logs hold of a service."""
    return made(
        AUDIT_CONFIG, "audit", {"service": service, "auditLogConfigs": [{"logType": each} for each in log_types]}
    )


LOGS = made(storage.BUCKET, "logs", {"name": "logs"})
LOGGED = made(storage.BUCKET, "data", {"name": "data", "logging": {"logBucket": "logs"}})

CASES = (
    Cases(
        storage.bucket_uniform_access,
        passing=[bucket(uniformBucketLevelAccess=True)],
        failing=[(bucket(), "access lists of their own"), (bucket(uniformBucketLevelAccess=False), "access lists")],
    ),
    Cases(
        storage.bucket_public_access_prevented,
        passing=[bucket(publicAccessPrevention="enforced")],
        failing=[(bucket(), "can be made public"), (bucket(publicAccessPrevention="inherited"), "can be made public")],
    ),
    Cases(
        storage.bucket_customer_managed_key,
        passing=[
            bucket(encryption={"defaultKmsKeyName": "projects/p/locations/eu/keyRings/r/cryptoKeys/data"}),
            made(storage.BUCKET, "models", {"encryption": {"defaultKmsKeyName": UNKNOWN}}, refers={"encryption": KEY}),
        ],
        failing=[
            (bucket(), "no key in Cloud KMS"),
            (bucket(encryption={"defaultKmsKeyName": ""}), "no key in Cloud KMS"),
        ],
    ),
    Cases(
        storage.bucket_versioned,
        passing=[
            bucket(versioning={"enabled": True}),
            bucket(retentionPolicy={"retentionPeriod": "2592000"}),
            bucket(hierarchicalNamespace={"enabled": True}),
        ],
        failing=[
            (bucket(), "keeps no versions"),
            (bucket(versioning={"enabled": False}), "keeps no versions"),
            (bucket(hierarchicalNamespace={"enabled": False}), "keeps no versions"),
        ],
    ),
    Cases(
        storage.bucket_old_versions_expire,
        passing=[
            bucket(),
            kept({"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 30}}),
            kept(
                {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 30}},
                {"action": {"type": "Delete"}, "condition": {"numNewerVersions": 3, "withState": "ARCHIVED"}},
            ),
            kept({"action": {"type": "Delete"}, "condition": {"age": 365}}),
        ],
        failing=[
            (bucket(versioning={"enabled": True}), "keeps old versions without end"),
            (
                kept({"action": {"type": "Delete"}, "condition": {"age": 30, "withState": "LIVE"}}),
                "keeps old versions without end",
            ),
            (
                kept({"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}}),
                "keeps old versions without end",
            ),
        ],
    ),
    Cases(
        storage.bucket_uploads_end,
        passing=[
            bucket(lifecycleRules=[{"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}}]),
        ],
        failing=[
            (bucket(), "keeps parts of uploads"),
            (
                bucket(lifecycleRules=[{"action": {"type": "Delete"}, "condition": {"age": 7}}]),
                "keeps parts of uploads",
            ),
            (
                bucket(lifecycleRules=[{"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {}}]),
                "keeps parts of uploads",
            ),
        ],
    ),
    Cases(
        storage.bucket_soft_delete,
        passing=[bucket(), bucket(softDeletePolicy={"retentionDurationSeconds": 604800})],
        failing=[(bucket(softDeletePolicy={"retentionDurationSeconds": 0}), "soft deletion is off")],
    ),
    Cases(
        storage.bucket_not_force_destroyed,
        passing=[bucket(), bucket(forceDestroy=False)],
        failing=[(bucket(forceDestroy=True), "destroyed with all that it holds")],
    ),
    Cases(
        storage.bucket_access_logged,
        passing=[
            [LOGGED, LOGS],
            [bucket(), audit("storage.googleapis.com", "DATA_WRITE", "DATA_READ")],
            [bucket(), audit("allServices", "ADMIN_READ", "DATA_READ", "DATA_WRITE")],
        ],
        failing=[
            (bucket(), "Nothing logs who reads"),
            (bucket(logging={"logBucket": "models"}), "logs to itself"),
            ([bucket(), audit("allServices", "ADMIN_READ")], "Nothing logs who reads"),
            ([bucket(), audit("pubsub.googleapis.com", "DATA_READ")], "Nothing logs who reads"),
            ([LOGGED, LOGS, bucket()], "Nothing logs who reads"),
        ],
    ),
)
