"""The roles that may be handed to a service are named by what the ARNs of all roles begin with.

Caught by: aws-identity-no-privilege-escalation
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": "IAM:Pass*", "Resource": ["arn:aws:iam::123456789012:role*"]}
aws.iam.Policy("deploy", policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
