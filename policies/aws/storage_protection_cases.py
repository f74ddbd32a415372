"""Cases of the rules for what keeps the objects of S3 buckets."""

from typing import Any

from policies.aws import storage_protection
from policies.aws.network_load_balancers import LOAD_BALANCERS
from policies.aws.storage_parts import BUCKET, BUCKET_V2, ENCRYPTION, LIFECYCLE, LOGGING, VERSIONING
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
KEY = made("aws:kms/key:Key", "data")
DATA = made(BUCKET, "data", {"bucket": "data"})
LOGS = made(BUCKET, "logs", {"bucket": "logs"})
VERSIONED = made(VERSIONING, "data", {"bucket": "data", "versioningConfiguration": {"status": "Enabled"}})
SUSPENDED = made(VERSIONING, "data", {"versioningConfiguration": {"status": "Suspended"}}, refers={"bucket": DATA})
FILLED_IN_LATER = made(
    BUCKET,
    "it",
    {"bucket": UNKNOWN, "logging": UNKNOWN, "versioning": UNKNOWN, "serverSideEncryptionConfiguration": UNKNOWN},
    refers={"tags": KEY},
)
"""As in the preview of a bucket of which the program says nothing that counts."""
ENCRYPTED = {
    "serverSideEncryptionConfiguration": {
        "rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY_ARN}}
    }
}
LOGGED = made(LOGGING, "data", {"targetPrefix": "data/"}, refers={"bucket": DATA, "targetBucket": LOGS})


def encrypted(algorithm: str, key: str | None = None) -> Resource:
    """The default encryption of the bucket `data`."""
    default = {"sseAlgorithm": algorithm, **({"kmsMasterKeyId": key} if key else {})}
    return made(ENCRYPTION, "data", {"bucket": "data", "rules": [{"applyServerSideEncryptionByDefault": default}]})


ENCRYPTED_UNDER_NEW_KEY = made(
    ENCRYPTION,
    "data",
    {
        "bucket": "data",
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}}],
    },
    refers={"rules": KEY},
)


def lifecycle(*rules: dict[str, Any]) -> Resource:
    """The lifecycle of the bucket `data`."""
    return made(LIFECYCLE, "data", {"rules": list(rules)}, refers={"bucket": DATA})


def old_versions(status: str = "Enabled", **expiration: int) -> dict[str, Any]:
    """A rule of a lifecycle for old versions."""
    return {"id": "old", "status": status, "noncurrentVersionExpiration": expiration}


def unfinished(**more: Any) -> dict[str, Any]:
    """A rule of a lifecycle for uploads that were never finished."""
    return {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}, **more}


CASES = (
    Cases(
        storage_protection.bucket_customer_managed_key,
        passing=[
            [DATA, encrypted("aws:kms", KEY_ARN)],
            [DATA, encrypted("aws:kms:dsse", "alias/data")],
            [DATA, ENCRYPTED_UNDER_NEW_KEY],
            [DATA, encrypted("AES256"), made(LOGGING, "x", {"bucket": "x", "targetBucket": "data"})],
            [DATA, encrypted("AES256"), made(LOAD_BALANCERS[0], "web", {"accessLogs": {"bucket": "data"}})],
            [DATA, encrypted("AES256"), made(LOAD_BALANCERS[1], "web", refers={"connectionLogs": DATA})],
            [DATA, made(BUCKET, "x", {"bucket": "x", "logging": {"targetBucket": "data"}, **ENCRYPTED})],
            made(BUCKET, "data", ENCRYPTED),
            [
                made(
                    BUCKET_V2,
                    "data",
                    {
                        "serverSideEncryptionConfigurations": [
                            {
                                "rules": [
                                    {
                                        "applyServerSideEncryptionByDefaults": [
                                            {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY_ARN}
                                        ]
                                    }
                                ]
                            }
                        ]
                    },
                )
            ],
        ],
        failing=[
            (
                [DATA, encrypted("AES256"), made(LOAD_BALANCERS[0], "web", {"accessLogs": {"bucket": "other"}})],
                "The bucket is encrypted with AES256 and no key of its own.",
            ),
            (DATA, "The bucket is encrypted as S3 does by itself."),
            (FILLED_IN_LATER, "The bucket is encrypted as S3 does by itself."),
            ([DATA, encrypted("AES256")], "The bucket is encrypted with AES256 and no key of its own."),
            ([DATA, encrypted("aws:kms")], "The bucket is encrypted with aws:kms and no key of its own."),
            ([DATA, encrypted("aws:kms", "alias/aws/s3")], "with aws:kms and no key of its own"),
            ([LOGS, encrypted("aws:kms", KEY_ARN)], "as S3 does by itself"),
            (
                made(
                    BUCKET,
                    "data",
                    {
                        "serverSideEncryptionConfiguration": {
                            "rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
                        }
                    },
                ),
                "with AES256",
            ),
        ],
    ),
    Cases(
        storage_protection.bucket_versioned,
        passing=[
            [DATA, VERSIONED],
            made(BUCKET, "data", {"versioning": {"enabled": True}}),
            made(BUCKET_V2, "data", {"versionings": [{"enabled": True}]}),
            made(BUCKET, "data", {"objectLockEnabled": True}),
        ],
        failing=[
            (DATA, "The bucket keeps no versions."),
            (FILLED_IN_LATER, "The bucket keeps no versions."),
            ([DATA, SUSPENDED], "The bucket keeps no versions."),
            ([LOGS, VERSIONED], "The bucket keeps no versions."),
            (made(BUCKET, "data", {"versioning": {"enabled": False}}), "The bucket keeps no versions."),
            ([made(BUCKET, "data", {"versioning": {"enabled": True}}), SUSPENDED], "The bucket keeps no versions."),
        ],
    ),
    Cases(
        storage_protection.bucket_access_logged,
        passing=[
            [DATA, LOGS, LOGGED],
            [made(BUCKET, "new"), made(LOGGING, "new", {"targetBucket": "x"}, refers={"bucket": made(BUCKET, "new")})],
            [DATA, made(LOGGING, "data", {"bucket": "data", "targetBucket": "logs-of-another-stack"})],
            [made(BUCKET, "data", {"logging": {"targetBucket": "logs"}}), LOGS],
            [made(BUCKET, "data", refers={"logging": LOGS}, properties={"logging": {"targetBucket": "logs"}}), LOGS],
            made(BUCKET_V2, "data", {"loggings": [{"targetBucket": "logs-of-another-stack"}]}),
        ],
        failing=[
            (DATA, "Nothing records who uses the bucket."),
            (FILLED_IN_LATER, "Nothing records who uses the bucket."),
            ([DATA, LOGS], "Nothing records who uses the bucket."),
            ([DATA, made(BUCKET, "x", {"bucket": "x"}), LOGS, LOGGED], "Nothing records who uses the bucket."),
            ([DATA, made(LOGGING, "data", {"bucket": "data", "targetBucket": "data"})], "records in itself"),
            ([LOGS, made(LOGGING, "logs", refers={"bucket": LOGS, "targetBucket": LOGS})], "records in itself"),
            (made(BUCKET, "data", {"bucket": "data", "logging": {"targetBucket": "data"}}), "records in itself"),
        ],
    ),
    Cases(
        storage_protection.bucket_old_versions_expire,
        passing=[
            DATA,
            [DATA, SUSPENDED],
            [DATA, VERSIONED, lifecycle(unfinished(), old_versions(noncurrentDays=30))],
            [DATA, VERSIONED, lifecycle(old_versions(newerNoncurrentVersions=5, noncurrentDays=1))],
            made(
                BUCKET,
                "data",
                {
                    "versioning": {"enabled": True},
                    "lifecycleRules": [{"enabled": True, "noncurrentVersionExpiration": {"days": 30}}],
                },
            ),
            made(
                BUCKET_V2,
                "data",
                {
                    "versionings": [{"enabled": True}],
                    "lifecycleRules": [{"enabled": True, "noncurrentVersionExpirations": [{"days": 30}]}],
                },
            ),
        ],
        failing=[
            ([DATA, VERSIONED], "The bucket keeps old versions without end."),
            ([DATA, VERSIONED, lifecycle(old_versions("Disabled", noncurrentDays=30))], "without end"),
            ([DATA, VERSIONED, lifecycle({"status": "Enabled", "expiration": {"days": 30}})], "without end"),
            (
                [
                    DATA,
                    VERSIONED,
                    lifecycle({"status": "Enabled", "noncurrentVersionTransitions": [{"noncurrentDays": 30}]}),
                ],
                "without end",
            ),
            (
                made(
                    BUCKET,
                    "data",
                    {
                        "versioning": {"enabled": True},
                        "lifecycleRules": [{"enabled": False, "noncurrentVersionExpiration": {"days": 30}}],
                    },
                ),
                "without end",
            ),
        ],
    ),
    Cases(
        storage_protection.bucket_uploads_end,
        passing=[
            [DATA, lifecycle(unfinished())],
            [DATA, lifecycle(old_versions(noncurrentDays=30), unfinished(filter={"prefix": ""}))],
            [DATA, lifecycle(unfinished(filter={}))],
            made(BUCKET, "data", {"lifecycleRules": [{"enabled": True, "abortIncompleteMultipartUploadDays": 7}]}),
        ],
        failing=[
            (DATA, "keeps the parts of unfinished uploads"),
            ([DATA, lifecycle(old_versions(noncurrentDays=30))], "keeps the parts of unfinished uploads"),
            ([DATA, lifecycle(unfinished(status="Disabled"))], "keeps the parts of unfinished uploads"),
            ([DATA, lifecycle(unfinished(filter={"prefix": "tmp/"}))], "keeps the parts of unfinished uploads"),
            (
                [DATA, lifecycle(unfinished(filter={"and": {"prefix": "tmp/", "tags": {"kind": "scratch"}}}))],
                "keeps the parts of unfinished uploads",
            ),
            (
                made(
                    BUCKET,
                    "data",
                    {
                        "lifecycleRules": [
                            {"enabled": True, "prefix": "tmp/", "abortIncompleteMultipartUploadDays": 7},
                        ]
                    },
                ),
                "keeps the parts of unfinished uploads",
            ),
        ],
    ),
    Cases(
        storage_protection.bucket_not_force_destroyed,
        passing=[DATA, made(BUCKET, "data", {"forceDestroy": False})],
        failing=[
            (made(BUCKET, "data", {"forceDestroy": True}), "destroyed with all that it holds"),
            (made(BUCKET_V2, "data", {"forceDestroy": True}), "destroyed with all that it holds"),
        ],
    ),
)
