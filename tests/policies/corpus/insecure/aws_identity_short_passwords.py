"""Passwords of eight characters are taken.

Caught by: aws-identity-password-policy
"""

import pulumi_aws as aws

aws.iam.AccountPasswordPolicy(
    "passwords", minimum_password_length=8, password_reuse_prevention=24, require_symbols=True, require_numbers=True
)
