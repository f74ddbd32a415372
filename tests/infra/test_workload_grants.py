"""What workloads may do is said once, and every cloud says the same in its own words."""

import pytest

from infra.gcp.workload_roles import KEY_ROLES, bucket_roles, key_roles
from infra.platform import Identity
from infra.s3_grants import KEY_GRANTS, WRAPPING, object_actions
from infra.workload_grants import ENVELOPE, GRANTS, KeyUse, Use
from tests.infra.gcp.roles import PERMISSIONS

IDENTITIES = [identity.value for identity in Identity]
SAME = {
    "s3:GetObject": "storage.objects.get",
    "s3:PutObject": "storage.objects.create",
    "s3:AbortMultipartUpload": "storage.multipartUploads.abort",
    "s3:DeleteObject": "storage.objects.delete",
}
"""What is asked for on AWS, and on Google Cloud."""


@pytest.mark.parametrize("identity", IDENTITIES)
def test_every_grant_allows_the_same_on_both_clouds(identity: str) -> None:
    of_objects = [role for role in bucket_roles(identity) if role.objects]
    assert [(role.purpose, role.objects) for role in of_objects] == [
        (grant.bucket, grant.objects) for grant in GRANTS[identity]
    ]
    for grant, role in zip(GRANTS[identity], of_objects, strict=True):
        assert {SAME[action] for action in object_actions(grant)} <= PERMISSIONS[role.role]
        # To replace is to remove, on Google Cloud alone.
        may_remove = bool({Use.REMOVE, Use.REPLACE} & {*grant.uses})
        assert ("storage.objects.delete" in PERMISSIONS[role.role]) is may_remove
        assert ("storage.objects.get" in PERMISSIONS[role.role]) is (Use.READ in grant.uses)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_who_reads_lists_on_both_clouds(identity: str) -> None:
    listed = {role.purpose for role in bucket_roles(identity) if not role.objects}
    assert listed == {grant.bucket for grant in GRANTS[identity] if "s3:GetObject" in object_actions(grant)}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_key_of_envelopes_is_used_alike(identity: str) -> None:
    wraps = {use: KEY_ROLES[use] in key_roles(identity) for use in KeyUse}
    assert wraps == {use: use in ENVELOPE[identity] for use in KeyUse}
    asked = WRAPPING.get(identity, ())
    assert ("kms:Encrypt" in asked, "kms:Decrypt" in asked) == (wraps[KeyUse.WRAP], wraps[KeyUse.UNWRAP])
    assert {*asked} <= {*KEY_GRANTS[identity]}
    assert ("kms:Encrypt" in KEY_GRANTS[identity]) is wraps[KeyUse.WRAP]


def test_whoever_writes_encrypts_the_buckets_objects() -> None:
    for identity in IDENTITIES:
        writes = any(Use.WRITE in grant.uses for grant in GRANTS[identity])
        assert ("kms:GenerateDataKey" in KEY_GRANTS[identity]) is writes
