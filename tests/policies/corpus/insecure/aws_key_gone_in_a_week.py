"""A key that nobody can rescue a week after it was deleted.

Caught by: aws-key-deletion-window
"""

import pulumi_aws as aws

aws.kms.Key("data", description="Encrypts the data.", enable_key_rotation=True, deletion_window_in_days=7)
