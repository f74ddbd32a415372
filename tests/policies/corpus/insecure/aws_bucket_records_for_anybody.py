"""A bucket for records of access, into which S3 delivers those of any account.

Caught by: aws-bucket-policy-names-source
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::example-access-records/*",
}
aws.s3.BucketPolicy(
    "access-records",
    bucket="example-access-records",
    policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
)
