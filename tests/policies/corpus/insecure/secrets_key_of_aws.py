"""A secret is encrypted with a key that everybody in the account may use.

Caught by: secrets-customer-managed-key
"""

import pulumi_aws as aws

aws.secretsmanager.Secret("database", description="The password of the database.")
