"""A policy for reading is for all buckets.

Caught by: aws-identity-data-narrow
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::*", "arn:aws:s3:::*/*"]}
aws.iam.Policy("every-bucket", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
