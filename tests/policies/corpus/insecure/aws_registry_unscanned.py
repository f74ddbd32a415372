"""A repository whose images nobody looks at.

Caught by: aws-registry-scanned
"""

import pulumi_aws as aws

key = aws.kms.Key("images", description="Encrypts the images.", enable_key_rotation=True)
aws.ecr.Repository(
    "training",
    name="example/training",
    image_tag_mutability="IMMUTABLE",
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
)
