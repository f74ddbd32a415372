"""A policy that lets everybody in who says to come from the right page.

Caught by: aws-bucket-policy-not-public
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::example-reports/*",
    "Condition": {"StringLike": {"aws:Referer": "https://reports.example.com/*"}},
}
aws.s3.BucketPolicy(
    "reports", bucket="example-reports", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
)
