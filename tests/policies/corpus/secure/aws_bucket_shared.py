"""What others have of a bucket that another stack keeps: an organization, a network, and services of AWS's."""

import json

import pulumi_aws as aws

BUCKET = "example-shared-datasets"
ARN = f"arn:aws:s3:::{BUCKET}"
ACCOUNT = "123456789012"


def allow(principal: object, action: str, condition: dict[str, object]) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": [ARN, f"{ARN}/*"],
        "Condition": condition,
    }


distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1A2B3"
statements = [
    allow("*", "s3:GetObject", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
    allow({"AWS": "*"}, "s3:ListBucket", {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}),
    allow({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject", {"ArnEquals": {"aws:SourceArn": distribution}}),
    allow(
        {"Service": "delivery.logs.amazonaws.com"},
        "s3:PutObject",
        {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": [ACCOUNT]}},
    ),
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [ARN, f"{ARN}/*"],
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    },
]
aws.s3.BucketPolicy("shared", bucket=BUCKET, policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
aws.s3.BucketObjectv2("readme", bucket=BUCKET, key="README.md", content="Ask before use.", acl="bucket-owner-read")
aws.s3.AccessPoint(
    "training",
    bucket=BUCKET,
    name="training",
    vpc_configuration={"vpc_id": "vpc-0a1b2c3d"},
    public_access_block_configuration={
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    },
)
aws.s3.BucketAcl("old-records", bucket="example-old-access-records", acl="log-delivery-write")
aws.s3.BucketWebsiteConfiguration(
    "old-address", bucket="old.example.com", redirect_all_requests_to={"host_name": "example.com", "protocol": "https"}
)
