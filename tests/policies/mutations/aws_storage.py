"""What breaks each rule for S3 buckets."""

import json
from typing import Any

from policies.aws import storage, storage_policies, storage_protection
from policies.aws.storage_parts import (
    ACLS,
    BUCKET,
    ENCRYPTION,
    LIFECYCLE,
    LOGGING,
    OWNERSHIP,
    POLICY,
    PUBLIC_ACCESS_BLOCK,
    VERSIONING,
    WEBSITES,
)
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, changing, removing, setting, without

DATA = "storage-datasets"
ACCESS = "storage-access"
"""The bucket whose policy a preview knows."""
SHARED = "corpus/aws_bucket_shared"


def statement(index: int, edit: Any) -> Change:
    """Edits a statement of the policy that a preview knows."""

    def change(properties: dict[str, Any]) -> None:
        document = json.loads(properties["policy"])
        edit(document["Statement"], index)
        properties["policy"] = json.dumps(document)

    return changing(POLICY, change, name=ACCESS)


MUTATIONS: dict[Rule, Mutation] = {
    storage.bucket_public_access_blocked: Mutation("prod", without(PUBLIC_ACCESS_BLOCK, "restrictPublicBuckets")),
    storage.access_point_public_access_blocked: Mutation(
        SHARED, setting(storage.ACCESS_POINT, False, "publicAccessBlockConfiguration", "ignorePublicAcls")
    ),
    storage.bucket_no_object_lists: Mutation(
        "prod", setting(OWNERSHIP, "ObjectWriter", "rule", "objectOwnership", name=DATA)
    ),
    storage.bucket_list_not_public: Mutation(SHARED, setting(ACLS[0], "public-read", "acl")),
    storage.bucket_no_website: Mutation(SHARED, without(WEBSITES[0], "redirectAllRequestsTo")),
    storage_protection.bucket_customer_managed_key: Mutation(
        "dev",
        setting(
            ENCRYPTION,
            "AES256",
            "rules",
            0,
            "applyServerSideEncryptionByDefault",
            "sseAlgorithm",
            name="storage-models",
        ),
    ),
    storage_protection.bucket_versioned: Mutation("prod", removing(VERSIONING, DATA)),
    storage_protection.bucket_access_logged: Mutation("dev", removing(LOGGING, DATA)),
    storage_protection.bucket_old_versions_expire: Mutation(
        "prod", without(LIFECYCLE, "rules", 1, "noncurrentVersionExpiration", name=DATA)
    ),
    storage_protection.bucket_uploads_end: Mutation(
        "prod", setting(LIFECYCLE, "Disabled", "rules", 0, "status", name=DATA)
    ),
    storage_protection.bucket_not_force_destroyed: Mutation("prod", setting(BUCKET, True, "forceDestroy", name=DATA)),
    storage_policies.bucket_tls_only: Mutation("prod", statement(0, list.pop)),
    storage_policies.bucket_policy_not_public: Mutation(
        "prod", statement(2, lambda stated, at: stated[at].update(Principal="*", Condition={}))
    ),
    storage_policies.bucket_policy_names_source: Mutation(
        "prod", statement(2, lambda stated, at: stated[at].pop("Condition"))
    ),
    storage_policies.bucket_policy_no_lockout: Mutation(
        "prod", statement(1, lambda stated, at: stated[at].pop("Condition"))
    ),
}
