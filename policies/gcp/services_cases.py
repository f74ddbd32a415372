"""Cases of the rules for registries, topics and logs on Google Cloud."""

from typing import Any

from policies.cases import Cases, made
from policies.gcp import services
from policies.resources import Resource

KEY = made("gcp:kms/cryptoKey:CryptoKey", "data")
KEY_NAME = "projects/p/locations/l/keyRings/r/cryptoKeys/data"


def repository(**properties: Any) -> Resource:
    """A repository of images."""
    return made(services.REPOSITORY, "images", {"format": "DOCKER", **properties})


def log_bucket(**properties: Any) -> Resource:
    """A bucket for logs of the project."""
    return made(services.LOG_BUCKETS[0], "logs", {"bucketId": "audit", **properties})


def audit(service: str, *log_types: str, exempt: tuple[str, ...] = ()) -> Resource:
    """What the audit logs of a service hold, and of whom they do not."""
    configs = [{"logType": each, **({"exemptedMembers": list(exempt)} if exempt else {})} for each in log_types]
    return made(services.AUDIT_CONFIGS[0], "audit", {"service": service, "auditLogConfigs": configs})


CASES = (
    Cases(
        services.repository_customer_managed_key,
        passing=[
            repository(kmsKeyName=KEY_NAME),
            [KEY, made(services.REPOSITORY, "images", refers={"kmsKeyName": KEY})],
            repository(mode="VIRTUAL_REPOSITORY"),
        ],
        failing=[
            (repository(), "The repository has no key"),
            (repository(mode="STANDARD_REPOSITORY", kmsKeyName=""), "The repository has no key"),
        ],
    ),
    Cases(
        services.repository_immutable_tags,
        passing=[
            repository(dockerConfig={"immutableTags": True}),
            repository(mode="REMOTE_REPOSITORY"),
            made(services.REPOSITORY, "packages", {"format": "PYTHON"}),
        ],
        failing=[
            (repository(), "tags can be moved"),
            (repository(dockerConfig={"immutableTags": False}), "tags can be moved"),
        ],
    ),
    Cases(
        services.repository_scanned,
        passing=[repository(), repository(vulnerabilityScanningConfig={"enablementConfig": "INHERITED"})],
        failing=[(repository(vulnerabilityScanningConfig={"enablementConfig": "DISABLED"}), "is not scanned")],
    ),
    Cases(
        services.topic_customer_managed_key,
        passing=[
            made(services.TOPIC, "jobs", {"kmsKeyName": KEY_NAME}),
            [KEY, made(services.TOPIC, "jobs", refers={"kmsKeyName": KEY})],
        ],
        failing=[(made(services.TOPIC, "jobs", {"name": "jobs"}), "The topic has no key")],
    ),
    Cases(
        services.log_bucket_retention,
        passing=[log_bucket(), log_bucket(retentionDays=0), log_bucket(retentionDays=30)],
        failing=[
            (log_bucket(retentionDays=29), "kept for 29 days; 30 at least"),
            (made(services.LOG_BUCKETS[1], "logs", {"retentionDays": 7}), "kept for 7 days"),
        ],
    ),
    Cases(
        services.log_bucket_customer_managed_key,
        passing=[log_bucket(cmekSettings={"kmsKeyName": KEY_NAME})],
        failing=[
            (log_bucket(), "The log bucket has no key"),
            (log_bucket(cmekSettings={"kmsKeyName": ""}), "The log bucket has no key"),
        ],
    ),
    Cases(
        services.audit_complete,
        passing=[
            audit("allServices", "ADMIN_READ", "DATA_READ", "DATA_WRITE"),
            audit("storage.googleapis.com", "DATA_READ"),
        ],
        failing=[
            (audit("allServices", "ADMIN_READ", "DATA_WRITE"), "DATA_READ is not logged"),
            (
                audit("storage.googleapis.com", "DATA_READ", exempt=("user:a@example.org",)),
                "exempt from the log of DATA_READ",
            ),
        ],
    ),
)
