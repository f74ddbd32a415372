"""A key that encrypts all data with one secret for ever.

Caught by: aws-key-rotated
"""

import pulumi_aws as aws

key = aws.kms.Key("data", description="Encrypts the data.", deletion_window_in_days=30)
aws.kms.Alias("data", name="alias/data", target_key_id=key.id)
