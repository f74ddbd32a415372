"""A repository under the key that AWS manages.

Caught by: aws-registry-customer-managed-key
"""

import pulumi_aws as aws

aws.ecr.Repository(
    "training",
    name="example/training",
    image_tag_mutability="IMMUTABLE",
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS"}],
)
