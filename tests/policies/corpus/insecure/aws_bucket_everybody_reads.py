"""A policy by which the whole internet downloads the models.

Caught by: aws-bucket-policy-not-public
"""

import json

import pulumi_aws as aws

statement = {
    "Sid": "Download",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::example-models/*",
}
aws.s3.BucketPolicy(
    "models",
    bucket="example-models",
    policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
)
