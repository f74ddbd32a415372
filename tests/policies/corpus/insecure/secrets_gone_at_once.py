"""A secret that is deleted by mistake is gone at once.

Caught by: secrets-recoverable
"""

import pulumi_aws as aws

key = aws.kms.Key("secrets", description="Encrypts the secrets.", enable_key_rotation=True, deletion_window_in_days=30)
aws.secretsmanager.Secret("database", kms_key_id=key.arn, recovery_window_in_days=0)
