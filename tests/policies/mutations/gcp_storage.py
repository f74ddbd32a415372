"""What breaks each rule for Cloud Storage buckets."""

from typing import Any

from policies.gcp import storage
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, changing, setting, without

STACK = "gcp-prod"
BUCKET = storage.BUCKET


def without_old_versions(properties: dict[str, Any]) -> None:
    """Leaves the rule for uploads that were never finished."""
    properties["lifecycleRules"] = [each for each in properties["lifecycleRules"] if "Abort" in each["action"]["type"]]


def without_uploads(properties: dict[str, Any]) -> None:
    """Leaves the other rules."""
    properties["lifecycleRules"] = [
        each for each in properties["lifecycleRules"] if "Abort" not in each["action"]["type"]
    ]


MUTATIONS: dict[Rule, Mutation] = {
    storage.bucket_uniform_access: Mutation(STACK, without(BUCKET, "uniformBucketLevelAccess")),
    storage.bucket_public_access_prevented: Mutation(STACK, without(BUCKET, "publicAccessPrevention")),
    storage.bucket_customer_managed_key: Mutation(STACK, without(BUCKET, "encryption")),
    storage.bucket_versioned: Mutation(STACK, setting(BUCKET, False, "versioning", "enabled", name="storage-models")),
    storage.bucket_old_versions_expire: Mutation(STACK, changing(BUCKET, without_old_versions, name="storage-models")),
    storage.bucket_uploads_end: Mutation(STACK, changing(BUCKET, without_uploads, name="storage-models")),
    storage.bucket_soft_delete: Mutation(
        STACK, setting(BUCKET, 0, "softDeletePolicy", "retentionDurationSeconds", name="storage-models")
    ),
    storage.bucket_not_force_destroyed: Mutation(STACK, setting(BUCKET, True, "forceDestroy", name="storage-models")),
    storage.bucket_access_logged: Mutation(STACK, without(BUCKET, "logging", name="storage-models")),
}
