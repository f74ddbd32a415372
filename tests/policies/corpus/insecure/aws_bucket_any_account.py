"""A bucket that is readable for whoever has an account with AWS.

Caught by: aws-bucket-list-not-public
"""

import pulumi_aws as aws

owner = {"id": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", "type": "CanonicalUser"}
everybody = {"type": "Group", "uri": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}
aws.s3.BucketAcl(
    "weights",
    bucket="example-weights",
    access_control_policy={
        "owner": {"id": owner["id"]},
        "grants": [
            {"grantee": owner, "permission": "FULL_CONTROL"},
            {"grantee": everybody, "permission": "READ"},
        ],
    },
)
