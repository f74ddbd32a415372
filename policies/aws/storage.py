"""Rules for whom S3 buckets are open to, beside what their policies say."""

from collections.abc import Iterator
from typing import Any

from policies.aws.storage_parts import (
    ACLS,
    BUCKETS,
    OBJECTS,
    OWNERSHIP,
    PUBLIC_ACCESS_BLOCK,
    WEBSITES,
    parts,
    within,
)
from policies.resources import Resource, Stack
from policies.rules import Rule, related_rule, resource_rule
from policies.values import all_hold, any_holds, as_list, get, is_true, known

ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
ACCESS_POINT = "aws:s3/accessPoint:AccessPoint"

_SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")


@related_rule(
    *BUCKETS,
    id="aws-bucket-public-access-blocked",
    title="Buckets are closed to the public by all four switches.",
    severity="critical",
    frameworks=(
        "CKV_AWS_53",
        "CKV_AWS_54",
        "CKV_AWS_55",
        "CKV_AWS_56",
        "CKV2_AWS_6",
        "CIS AWS 3.0.0 2.1.4",
        "NIST AC-3",
    ),
    wrong="One careless policy or access control list then shows the data to the whole internet.",
    mend="add aws.s3.BucketPublicAccessBlock for the bucket with all four properties true.",
)
def bucket_public_access_blocked(bucket: Resource, stack: Stack) -> Iterator[str]:
    """A switch that is left out is off. S3 closes new buckets by itself, and leaves open those that somebody opened.

    What is on for the whole account is on for each of its buckets.
    """
    if any_holds(lambda each: all_hold(is_true, map(each.get, _SWITCHES)), stack.of(ACCOUNT_BLOCK)):
        return
    blocks = parts(bucket, stack, (PUBLIC_ACCESS_BLOCK,))
    if not blocks:
        yield "Nothing in the stack closes the bucket to the public."
    for block in blocks:
        for switch in _SWITCHES:
            with bucket.apart():
                if not is_true(block.get(switch)):
                    yield f"The bucket's switch {switch} is off."


@resource_rule(
    ACCESS_POINT,
    id="aws-access-point-public-access-blocked",
    title="S3 access points are closed to the public.",
    severity="high",
    frameworks=("CKV_AWS_392", "NIST AC-3"),
    wrong="It is a second door to the bucket, and cannot be closed once it is made.",
    mend="take publicAccessBlockConfiguration out, or set all four of its properties to true.",
)
def access_point_public_access_blocked(point: Resource) -> Iterator[str]:
    """All are on unless one is switched off. Source: S3 API, CreateAccessPoint."""
    for switch in _SWITCHES:
        with point.apart():
            if known(point.get("publicAccessBlockConfiguration", switch, default=True)) in (False, "false"):
                yield f"The access point's switch {switch} is off."


@resource_rule(
    OWNERSHIP,
    id="aws-bucket-no-object-lists",
    title="Buckets are opened by policies alone, not by access control lists on single objects.",
    severity="medium",
    frameworks=("CKV2_AWS_65", "NIST AC-3"),
    wrong="Whoever writes an object then owns it, and may open it to others where no review of the bucket sees it.",
    mend="set rule.objectOwnership to BucketOwnerEnforced.",
)
def bucket_no_object_lists(controls: Resource) -> Iterator[str]:
    """BucketOwnerEnforced is what a new bucket has. Source: S3 user guide, "Controlling ownership of objects"."""
    ownership = controls.get("rule", "objectOwnership")
    if ownership != "BucketOwnerEnforced":
        yield f"The bucket's objects have access control lists: its ownership is {ownership}."


@resource_rule(
    *BUCKETS,
    *ACLS,
    *OBJECTS,
    id="aws-bucket-list-not-public",
    title="No access control list shows a bucket or an object to everybody.",
    severity="critical",
    frameworks=("CKV_AWS_20", "CKV_AWS_57", "CKV_AWS_375", "CKV2_AWS_43", "NIST AC-3"),
    wrong="The whole internet, or whoever has an account with AWS, can then read or change the data.",
    mend="take acl and grants to AllUsers or AuthenticatedUsers out.",
)
def bucket_list_not_public(resource: Resource) -> Iterator[str]:
    """By a ready-made list, or by a grant to one of the two groups that AWS has for everybody."""
    with resource.apart():
        acl = resource.get("acl")
        if any_holds(lambda each: bool(acl == each), _PUBLIC_ACLS):
            yield f"Its access control list is {acl}."
    for path in (("grants",), ("accessControlPolicy", "grants")):
        with resource.apart():
            for grant in as_list(resource.get(*path)):
                with resource.apart():
                    group = _group(grant)
                    if group.endswith(_PUBLIC_GROUPS):
                        yield f"It grants access to {group.rpartition('/')[2]}."


def _group(grant: Any) -> str:
    uri = get(grant, "uri")
    return str(known(get(grant, "grantee", "uri", default="") if uri is None else uri))


@resource_rule(
    *BUCKETS,
    *WEBSITES,
    id="aws-bucket-no-website",
    title="No bucket is a website by itself.",
    severity="high",
    frameworks=("NIST AC-3", "NIST SC-8"),
    wrong="Websites of S3 speak plain HTTP only, and need objects that everybody may read.",
    mend="serve the files by CloudFront with an origin access control, from a bucket that stays closed.",
)
def bucket_no_website(resource: Resource) -> Iterator[str]:
    """One that only sends elsewhere shows no object."""
    website = resource.properties if resource.type in WEBSITES else known(within(resource, "website")[1])
    if website and known(get(website, "redirectAllRequestsTo")) is None:
        yield "The bucket is a website."


RULES: tuple[Rule, ...] = (
    bucket_public_access_blocked,
    access_point_public_access_blocked,
    bucket_no_object_lists,
    bucket_list_not_public,
    bucket_no_website,
)
