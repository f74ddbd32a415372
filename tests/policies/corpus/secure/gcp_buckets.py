"""Buckets for models and checkpoints, and one for the logs of who reads them."""

import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("data", location="europe-west4")
key = gcp.kms.CryptoKey("data", key_ring=ring.id, rotation_period="7776000s", deletion_policy="PREVENT")
encryption = gcp.storage.BucketEncryptionArgs(default_kms_key_name=key.id)

uploads_end = gcp.storage.BucketLifecycleRuleArgs(
    action=gcp.storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
    condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=7),
)

logs = gcp.storage.Bucket(
    "logs",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption=encryption,
    retention_policy=gcp.storage.BucketRetentionPolicyArgs(retention_period="7776000"),
    lifecycle_rules=[uploads_end],
)
models = gcp.storage.Bucket(
    "models",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    force_destroy=False,
    encryption=encryption,
    versioning=gcp.storage.BucketVersioningArgs(enabled=True),
    soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=604800),
    logging=gcp.storage.BucketLoggingArgs(log_bucket=logs.name),
    lifecycle_rules=[
        uploads_end,
        gcp.storage.BucketLifecycleRuleArgs(
            action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
            condition=gcp.storage.BucketLifecycleRuleConditionArgs(num_newer_versions=3, with_state="ARCHIVED"),
        ),
    ],
)
gcp.storage.Bucket(
    "checkpoints",
    location="EUROPE-WEST4",
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption=encryption,
    hierarchical_namespace=gcp.storage.BucketHierarchicalNamespaceArgs(enabled=True),
    logging=gcp.storage.BucketLoggingArgs(log_bucket=logs.name),
    lifecycle_rules=[
        uploads_end,
        gcp.storage.BucketLifecycleRuleArgs(
            action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
            condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=30),
        ),
    ],
)
gcp.serviceaccount.Account("serve", account_id="serve")
gcp.storage.BucketIAMMember(
    "serve",
    bucket=models.name,
    role="roles/storage.objectViewer",
    member="serviceAccount:serve@example-training.iam.gserviceaccount.com",
)
