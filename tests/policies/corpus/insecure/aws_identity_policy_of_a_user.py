"""A policy is attached to one person.

Caught by: aws-identity-no-user-policies
"""

import pulumi_aws as aws

aws.iam.UserPolicyAttachment("ada", user="ada", policy_arn="arn:aws:iam::aws:policy/ReadOnlyAccess")
