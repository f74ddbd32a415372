"""A policy allows all that S3 can do with a bucket.

Caught by: aws-identity-no-wildcard-action
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::models", "arn:aws:s3:::models/*"]}
aws.iam.Policy("all-of-s3", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
