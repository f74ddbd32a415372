"""A repository whose tags cannot be moved, but for all of them.

Caught by: aws-registry-immutable-tags
"""

import pulumi_aws as aws

key = aws.kms.Key("images", description="Encrypts the images.", enable_key_rotation=True)
aws.ecr.Repository(
    "training",
    name="example/training",
    image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
    image_tag_mutability_exclusion_filters=[{"filter": "*", "filter_type": "WILDCARD"}],
    image_scanning_configuration={"scan_on_push": True},
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
)
