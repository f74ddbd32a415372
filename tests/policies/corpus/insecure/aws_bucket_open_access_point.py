"""A second door to a bucket, which a policy may open to everybody.

Caught by: aws-access-point-public-access-blocked
"""

import pulumi_aws as aws

aws.s3.AccessPoint(
    "partners",
    bucket="example-datasets",
    name="partners",
    public_access_block_configuration={
        "block_public_acls": True,
        "block_public_policy": False,
        "ignore_public_acls": True,
        "restrict_public_buckets": False,
    },
)
