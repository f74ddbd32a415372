"""What breaks each rule for registries, topics and logs on Google Cloud."""

from policies.gcp import services
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

SOUND = "corpus/gcp_services"
STACK = "gcp-prod"
REPOSITORY = services.REPOSITORY
LOG_BUCKET = services.LOG_BUCKETS[0]

MUTATIONS: dict[Rule, Mutation] = {
    services.repository_customer_managed_key: Mutation(STACK, without(REPOSITORY, "kmsKeyName")),
    services.repository_immutable_tags: Mutation(STACK, setting(REPOSITORY, False, "dockerConfig", "immutableTags")),
    services.repository_scanned: Mutation(
        STACK, setting(REPOSITORY, "DISABLED", "vulnerabilityScanningConfig", "enablementConfig")
    ),
    services.topic_customer_managed_key: Mutation(SOUND, without(services.TOPIC, "kmsKeyName")),
    services.log_bucket_retention: Mutation(STACK, setting(LOG_BUCKET, 7, "retentionDays")),
    services.log_bucket_customer_managed_key: Mutation(STACK, without(LOG_BUCKET, "cmekSettings")),
    services.audit_complete: Mutation(
        SOUND, setting(services.AUDIT_CONFIGS[0], ["user:a@example.org"], "auditLogConfigs", 1, "exemptedMembers")
    ),
}
