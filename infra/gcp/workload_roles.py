"""What each workload may do, in the words of Cloud Storage and Cloud KMS: which role, on which bucket or key, for which
objects.

The roles are Google's own. Roles of the project's own would fit closer, but a deleted one stays for up to 37 days, and
a project has 300 at most: stacks that come and go every day would leave many (IAM, "Create and manage custom roles" and
"Quotas and limits"). What that costs: who may replace or remove objects may also move them and change their metadata,
all within the workload's prefix.

To list is a right on the bucket as a whole: who reads some objects of a bucket sees the names of all. What a request to
list names as its prefix (`storage.googleapis.com/objectListPrefix`) is for Credential Access Boundaries alone; in a
role's condition it makes Cloud Storage fail (IAM, "Attribute reference for IAM Conditions", Cloud Storage API
attributes).

Cloud Storage asks about an object where one is read, written or removed, and about the bucket where objects are listed.
A request that puts an object asks for storage.objects.create, in parts for storage.multipartUploads.create and .abort,
and for storage.objects.delete as well where the name is taken: to replace is a right of its own. So a repeated request
whose first answer was lost is refused where only making is allowed. Nothing is asked of the caller about the key that
encrypts a bucket; Cloud Storage's own service agent uses it. Sources: Cloud Storage, "IAM permissions for XML requests"
(by which obstore reads and writes), "IAM roles for Cloud Storage"; IAM, "Attribute reference for IAM Conditions" and
"Resource name format".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.workload_grants import ENVELOPE, GRANTS, Grant, KeyUse, Use

VIEWER = "roles/storage.objectViewer"
"""Reads objects, and lists them."""
CREATOR = "roles/storage.objectCreator"
"""Makes objects, and replaces none."""
USER = "roles/storage.objectUser"
"""Reads, makes, replaces and removes objects, and lists them."""
WORKLOAD_ROLES = (VIEWER, CREATOR, USER)
"""Every role of Cloud Storage that a workload may have."""

KEY_ROLES: Mapping[KeyUse, str] = {
    KeyUse.WRAP: "roles/cloudkms.cryptoKeyEncrypter",
    KeyUse.UNWRAP: "roles/cloudkms.cryptoKeyDecrypter",
}
"""The role of each use of the key of envelope encryption."""

_ON_BUCKET = 'resource.type == "storage.googleapis.com/Bucket"'


@dataclass(frozen=True)
class BucketRole:
    """A role on a bucket, on a condition."""

    purpose: str
    """Of the bucket."""
    role: str
    title: str
    """What the condition says, for people."""
    objects: str
    """Which objects it is about: all below the prefix (`*`), or those that end so; empty: none, but the list."""


def bucket_roles(identity: str) -> tuple[BucketRole, ...]:
    """The roles of an identity on buckets.

    Raises ValueError for what can be granted to no workload by Google's roles.
    """
    grants = GRANTS[identity]
    objects = [BucketRole(grant.bucket, _role_of(grant), "The workload's objects", grant.objects) for grant in grants]
    listed = sorted({grant.bucket for grant in grants if Use.READ in grant.uses})
    return (*objects, *(BucketRole(bucket, VIEWER, "List the bucket's objects", "") for bucket in listed))


def _role_of(grant: Grant) -> str:
    uses = frozenset(grant.uses)
    if uses == {Use.READ}:
        return VIEWER
    if uses == {Use.WRITE}:
        return CREATOR
    if Use.READ in uses:
        return USER
    raise ValueError(f"{grant}: who may replace or remove objects may read them as well")


def key_roles(identity: str) -> tuple[str, ...]:
    """The roles of an identity on the key of envelope encryption."""
    return tuple(KEY_ROLES[use] for use in ENVELOPE[identity])


def condition(role: BucketRole, bucket: str, prefix: str) -> str:
    """The condition of a role on a bucket, in the Common Expression Language.

    :param prefix: Where in the bucket the workload may work, such as `digits/`.
    """
    if role.objects:
        return _about_objects(f"projects/_/buckets/{bucket}/objects/{prefix}", role.objects.removeprefix("*"))
    # The role reads objects as well, and a request for one is not about the bucket. Without a right to list, a missing
    # object is told as a forbidden one.
    return _ON_BUCKET


def _about_objects(beginning: str, end: str) -> str:
    starts = f'resource.name.startsWith("{beginning}")'
    return f'{starts} && resource.name.endsWith("{end}")' if end else starts
