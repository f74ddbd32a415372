"""A repository from which every account pulls.

Caught by: aws-registry-policy-not-public
"""

import json

import pulumi_aws as aws

pull = {"Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}
aws.ecr.RepositoryPolicy(
    "training",
    repository="example/training",
    policy=json.dumps({"Version": "2012-10-17", "Statement": [pull]}),
)
