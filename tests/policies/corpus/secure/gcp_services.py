"""A registry, a queue and logs, each under the team's key."""

import pulumi
import pulumi_gcp as gcp

PROJECT = "example-training"

ring = gcp.kms.KeyRing("services", location="europe-west4")
key = gcp.kms.CryptoKey(
    "services", key_ring=ring.id, rotation_period="7776000s", opts=pulumi.ResourceOptions(protect=True)
)
gcp.kms.CryptoKey(
    "signing",
    key_ring=ring.id,
    purpose="ASYMMETRIC_SIGN",
    version_template=gcp.kms.CryptoKeyVersionTemplateArgs(algorithm="EC_SIGN_P256_SHA256"),
    opts=pulumi.ResourceOptions(protect=True),
)
images = gcp.artifactregistry.Repository(
    "images",
    location="europe-west4",
    repository_id="images",
    format="DOCKER",
    kms_key_name=key.id,
    docker_config=gcp.artifactregistry.RepositoryDockerConfigArgs(immutable_tags=True),
    vulnerability_scanning_config=gcp.artifactregistry.RepositoryVulnerabilityScanningConfigArgs(
        enablement_config="INHERITED"
    ),
)
gcp.artifactregistry.Repository(
    "everything",
    location="europe-west4",
    repository_id="everything",
    format="DOCKER",
    mode="VIRTUAL_REPOSITORY",
    virtual_repository_config=gcp.artifactregistry.RepositoryVirtualRepositoryConfigArgs(
        upstream_policies=[
            gcp.artifactregistry.RepositoryVirtualRepositoryConfigUpstreamPolicyArgs(
                id="images", repository=images.id, priority=1
            )
        ]
    ),
)
gcp.pubsub.Topic("jobs", kms_key_name=key.id)
gcp.logging.ProjectBucketConfig(
    "audit",
    project=PROJECT,
    location="europe-west4",
    bucket_id="audit",
    retention_days=400,
    cmek_settings=gcp.logging.ProjectBucketConfigCmekSettingsArgs(kms_key_name=key.id),
)
gcp.projects.IAMAuditConfig(
    "all",
    project=PROJECT,
    service="allServices",
    audit_log_configs=[
        gcp.projects.IAMAuditConfigAuditLogConfigArgs(log_type="ADMIN_READ"),
        gcp.projects.IAMAuditConfigAuditLogConfigArgs(log_type="DATA_READ"),
        gcp.projects.IAMAuditConfigAuditLogConfigArgs(log_type="DATA_WRITE"),
    ],
)
# The audit log tells who reads it, so that it needs no log of its own.
gcp.storage.Bucket(
    "exports",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption=gcp.storage.BucketEncryptionArgs(default_kms_key_name=key.id),
    retention_policy=gcp.storage.BucketRetentionPolicyArgs(retention_period="2592000", is_locked=True),
    lifecycle_rules=[
        gcp.storage.BucketLifecycleRuleArgs(
            action=gcp.storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
            condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=7),
        )
    ],
)
