"""A workload may read every secret of the account.

Caught by: aws-identity-data-narrow
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
aws.iam.RolePolicy(
    "every-secret", role="worker", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
)
