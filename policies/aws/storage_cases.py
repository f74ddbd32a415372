"""Cases of the rules for whom S3 buckets are open to."""

from policies.aws import storage
from policies.aws.storage_parts import ACLS, BUCKET, BUCKET_V2, OBJECTS, OWNERSHIP, PUBLIC_ACCESS_BLOCK, WEBSITES
from policies.cases import Cases, made

CLOSED = {
    "blockPublicAcls": True,
    "blockPublicPolicy": True,
    "ignorePublicAcls": True,
    "restrictPublicBuckets": True,
}
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
ANY_ACCOUNT = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
DATA = made(BUCKET, "data", {"bucket": "data"})
OTHER = made(BUCKET, "other", {"bucket": "other"})

CASES = (
    Cases(
        storage.bucket_public_access_blocked,
        passing=[
            [DATA, made(PUBLIC_ACCESS_BLOCK, "data", CLOSED, refers={"bucket": DATA})],
            [DATA, made(PUBLIC_ACCESS_BLOCK, "data", {**CLOSED, "bucket": "data"})],
            [made(BUCKET_V2, "data", {"bucket": "data"}), made(PUBLIC_ACCESS_BLOCK, "x", {**CLOSED, "bucket": "data"})],
            [DATA, made(storage.ACCOUNT_BLOCK, "all", CLOSED)],
        ],
        failing=[
            (DATA, "Nothing in the stack closes the bucket"),
            (
                [
                    DATA,
                    made(PUBLIC_ACCESS_BLOCK, "data", {**CLOSED, "ignorePublicAcls": False}, refers={"bucket": DATA}),
                ],
                "The bucket's switch ignorePublicAcls is off.",
            ),
            (
                [DATA, made(PUBLIC_ACCESS_BLOCK, "data", {"bucket": "data", "blockPublicAcls": True})],
                "The bucket's switch blockPublicPolicy is off.",
            ),
            (
                [DATA, OTHER, made(PUBLIC_ACCESS_BLOCK, "data", CLOSED, refers={"bucket": DATA})],
                "Nothing in the stack closes the bucket",
            ),
            (
                [DATA, made(storage.ACCOUNT_BLOCK, "all", {**CLOSED, "restrictPublicBuckets": False})],
                "Nothing in the stack closes the bucket",
            ),
        ],
    ),
    Cases(
        storage.access_point_public_access_blocked,
        passing=[
            made(storage.ACCESS_POINT, "it", {"bucket": "data"}),
            made(storage.ACCESS_POINT, "it", {"bucket": "data", "publicAccessBlockConfiguration": CLOSED}),
        ],
        failing=[
            (
                made(storage.ACCESS_POINT, "it", {"publicAccessBlockConfiguration": {"blockPublicPolicy": False}}),
                "switch blockPublicPolicy is off",
            )
        ],
    ),
    Cases(
        storage.bucket_no_object_lists,
        passing=[made(OWNERSHIP, "it", {"bucket": "data", "rule": {"objectOwnership": "BucketOwnerEnforced"}})],
        failing=[
            (made(OWNERSHIP, "it", {"rule": {"objectOwnership": "ObjectWriter"}}), "its ownership is ObjectWriter."),
            (made(OWNERSHIP, "it", {"rule": {"objectOwnership": "BucketOwnerPreferred"}}), "BucketOwnerPreferred"),
        ],
    ),
    Cases(
        storage.bucket_list_not_public,
        passing=[
            DATA,
            made(BUCKET, "it", {"acl": "private"}),
            made(BUCKET, "it", {"grants": [{"type": "Group", "uri": LOG_DELIVERY, "permissions": ["WRITE"]}]}),
            made(ACLS[0], "it", {"acl": "log-delivery-write"}),
            made(
                ACLS[0],
                "it",
                {"accessControlPolicy": {"grants": [{"grantee": {"id": "52b113e7", "type": "CanonicalUser"}}]}},
            ),
            made(OBJECTS[1], "it", {"key": "index.html", "acl": "bucket-owner-full-control"}),
        ],
        failing=[
            (made(BUCKET, "it", {"acl": "public-read"}), "Its access control list is public-read."),
            (made(ACLS[0], "it", {"acl": "public-read-write"}), "public-read-write"),
            (made(ACLS[1], "it", {"acl": "authenticated-read"}), "authenticated-read"),
            (made(OBJECTS[1], "it", {"key": "weights", "acl": "public-read"}), "public-read"),
            (made(BUCKET_V2, "it", {"grants": [{"type": "Group", "uri": EVERYBODY}]}), "It grants access to AllUsers."),
            (
                made(ACLS[0], "it", {"accessControlPolicy": {"grants": [{"grantee": {"uri": ANY_ACCOUNT}}]}}),
                "It grants access to AuthenticatedUsers.",
            ),
        ],
    ),
    Cases(
        storage.bucket_no_website,
        passing=[
            DATA,
            made(WEBSITES[0], "it", {"bucket": "data", "redirectAllRequestsTo": {"hostName": "example.com"}}),
            made(BUCKET, "it", {"website": {"redirectAllRequestsTo": "https://example.com"}}),
        ],
        failing=[
            (made(WEBSITES[0], "it", {"bucket": "data", "indexDocument": {"suffix": "index.html"}}), "is a website"),
            (made(WEBSITES[1], "it", {"bucket": "data", "errorDocument": {"key": "error.html"}}), "is a website"),
            (made(BUCKET, "it", {"website": {"indexDocument": "index.html"}}), "is a website"),
            (made(BUCKET_V2, "it", {"websites": [{"indexDocument": "index.html"}]}), "is a website"),
        ],
    ),
)
