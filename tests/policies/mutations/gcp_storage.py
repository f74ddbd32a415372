"""What breaks each rule for Cloud Storage buckets."""

from policies.gcp import storage
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

BUCKETS = "corpus/gcp_buckets"
BUCKET = storage.BUCKET

MUTATIONS: dict[Rule, Mutation] = {
    storage.bucket_uniform_access: Mutation(BUCKETS, without(BUCKET, "uniformBucketLevelAccess")),
    storage.bucket_public_access_prevented: Mutation(BUCKETS, without(BUCKET, "publicAccessPrevention")),
    storage.bucket_customer_managed_key: Mutation(BUCKETS, without(BUCKET, "encryption")),
    storage.bucket_versioned: Mutation(BUCKETS, setting(BUCKET, False, "versioning", "enabled", name="models")),
    storage.bucket_old_versions_expire: Mutation(BUCKETS, without(BUCKET, "lifecycleRules", name="models")),
    storage.bucket_soft_delete: Mutation(
        BUCKETS, setting(BUCKET, 0, "softDeletePolicy", "retentionDurationSeconds", name="models")
    ),
    storage.bucket_not_force_destroyed: Mutation(BUCKETS, setting(BUCKET, True, "forceDestroy", name="models")),
    storage.bucket_access_logged: Mutation(BUCKETS, without(BUCKET, "logging", name="models")),
}
