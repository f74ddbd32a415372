"""A key that is replaced every five years.

Caught by: aws-key-rotated
"""

import pulumi_aws as aws

aws.kms.Key("data", description="Encrypts the data.", enable_key_rotation=True, rotation_period_in_days=1825)
