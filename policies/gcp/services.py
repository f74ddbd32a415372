"""Rules for registries, topics and logs on Google Cloud."""

from collections.abc import Iterator

from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import as_list, get, is_true, known

REPOSITORY = "gcp:artifactregistry/repository:Repository"
TOPIC = "gcp:pubsub/topic:Topic"
LOG_BUCKETS = (
    "gcp:logging/projectBucketConfig:ProjectBucketConfig",
    "gcp:logging/folderBucketConfig:FolderBucketConfig",
    "gcp:logging/organizationBucketConfig:OrganizationBucketConfig",
    "gcp:logging/billingAccountBucketConfig:BillingAccountBucketConfig",
)
AUDIT_CONFIGS = (
    "gcp:projects/iAMAuditConfig:IAMAuditConfig",
    "gcp:folder/iamAuditConfig:IamAuditConfig",
    "gcp:organizations/iamAuditConfig:IamAuditConfig",
)

_DEFAULT_RETENTION_DAYS = 30
_KINDS_OF_ACCESS = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")


@related_rule(
    REPOSITORY,
    id="gcp-repository-customer-managed-key",
    title="Artifact Registry's repositories are encrypted under a key of the customer's own.",
    severity="medium",
    frameworks=("CKV_GCP_84", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of the images, which hold the models and the code.",
    mend="set kmsKeyName to the id of a CryptoKey; it cannot be changed afterwards.",
)
def repository_customer_managed_key(repository: Resource, _stack: Stack) -> Iterator[str]:
    """A virtual repository holds nothing itself."""
    if _mode(repository) != "VIRTUAL_REPOSITORY" and not is_given(repository, "kmsKeyName"):
        yield "The repository has no key in Cloud KMS."


@resource_rule(
    REPOSITORY,
    id="gcp-repository-immutable-tags",
    title="A tag of an image in Artifact Registry names the same image for ever.",
    severity="medium",
    frameworks=("NIST SI-7", "NIST CM-3"),
    wrong="Whoever may push replaces what runs at the next restart, under a name that was reviewed.",
    mend="set dockerConfig with immutableTags true.",
)
def repository_immutable_tags(repository: Resource) -> Iterator[str]:
    """Only repositories of images that are pushed have such tags."""
    if known(repository.get("format", default="")).upper() != "DOCKER" or _mode(repository) != "STANDARD_REPOSITORY":
        return
    if not is_true(repository.get("dockerConfig", "immutableTags")):
        yield "The repository's tags can be moved."


@resource_rule(
    REPOSITORY,
    id="gcp-repository-scanned",
    title="Images in Artifact Registry are scanned for known faults.",
    severity="medium",
    frameworks=("CIS GKE 1.6.0 5.1.1", "NIST RA-5"),
    wrong="Nobody is told that an image that runs has a fault that everybody knows.",
    mend="take vulnerabilityScanningConfig.enablementConfig DISABLED out.",
)
def repository_scanned(repository: Resource) -> Iterator[str]:
    """Left out, it is as the project has it, which is on where the Container Scanning API is."""
    if repository.get("vulnerabilityScanningConfig", "enablementConfig", default="INHERITED") == "DISABLED":
        yield "The repository is not scanned."


def _mode(repository: Resource) -> str:
    return str(known(repository.get("mode", default="STANDARD_REPOSITORY")))


@related_rule(
    TOPIC,
    id="gcp-topic-customer-managed-key",
    title="Messages in Pub/Sub are encrypted under a key of the customer's own.",
    severity="medium",
    frameworks=("CKV_GCP_83", "NIST SC-12", "NIST SC-28"),
    wrong="Nobody can withdraw the key of the messages that wait there.",
    mend="set kmsKeyName to the id of a CryptoKey.",
)
def topic_customer_managed_key(topic: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, Google encrypts with a key of its own."""
    if not is_given(topic, "kmsKeyName"):
        yield "The topic has no key in Cloud KMS."


@resource_rule(
    *LOG_BUCKETS,
    id="gcp-log-bucket-retention",
    title="Logs on Google Cloud are kept long enough to look into an intrusion.",
    severity="medium",
    frameworks=("NIST AU-11",),
    wrong="The traces are gone when somebody notices.",
    mend="set retentionDays.",
    parameters={"minimum_days": Parameter(30, "The shortest time in days that logs are kept.", minimum=1)},
)
def log_bucket_retention(bucket: Resource, minimum_days: float) -> Iterator[str]:
    """Left out or 0, it is 30 days."""
    days = known(bucket.get("retentionDays")) or _DEFAULT_RETENTION_DAYS
    if days < minimum_days:
        yield f"Logs are kept for {days} days; {minimum_days:g} at least are required."


@related_rule(
    *LOG_BUCKETS,
    id="gcp-log-bucket-customer-managed-key",
    title="Logs on Google Cloud are encrypted under a key of the customer's own.",
    severity="low",
    frameworks=("NIST SC-12", "NIST SC-28", "NIST AU-9"),
    wrong="Nobody can withdraw the key of the logs, in which workloads may write what they should not.",
    mend="set cmekSettings.kmsKeyName to the id of a CryptoKey; it can only be changed, not taken out, afterwards.",
)
def log_bucket_customer_managed_key(bucket: Resource, _stack: Stack) -> Iterator[str]:
    """Without one, Google encrypts with a key of its own."""
    if not is_given(bucket, "cmekSettings", "kmsKeyName"):
        yield "The log bucket has no key in Cloud KMS."


@resource_rule(
    *AUDIT_CONFIGS,
    id="gcp-audit-complete",
    title="Audit logs leave nobody out, and those of all services leave no kind of access out.",
    severity="high",
    frameworks=("CKV2_GCP_5", "CIS GCP 3.0.0 2.1", "NIST AU-2", "NIST AU-12"),
    wrong="What an exempt member does, or what is only read, leaves no trace.",
    mend="take exemptedMembers out, and give allServices the log types ADMIN_READ, DATA_READ and DATA_WRITE.",
)
def audit_complete(config: Resource) -> Iterator[str]:
    """For a single service, fewer kinds may be meant."""
    entries = as_list(config.get("auditLogConfigs"))
    for entry in entries:
        with config.apart():
            if as_list(get(entry, "exemptedMembers")):
                yield f"Members are exempt from the log of {get(entry, 'logType')}."
    with config.apart():
        if config.get("service") == "allServices":
            logged = [known(get(entry, "logType")) for entry in entries]
            for kind in _KINDS_OF_ACCESS:
                if kind not in logged:
                    yield f"{kind} is not logged."


RULES = (
    repository_customer_managed_key,
    repository_immutable_tags,
    repository_scanned,
    topic_customer_managed_key,
    log_bucket_retention,
    log_bucket_customer_managed_key,
    audit_complete,
)
