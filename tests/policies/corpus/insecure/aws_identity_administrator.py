"""A workload's role is AWS's own administrator.

Caught by: aws-identity-no-administrator-policy
"""

import pulumi_aws as aws

aws.iam.RolePolicyAttachment("trainer", role="trainer", policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")
