"""A trail whose records can be changed unnoticed.

Caught by: aws-trail-validated
"""

import pulumi_aws as aws

key = aws.kms.Key("records", description="Encrypts what was done.", enable_key_rotation=True)
aws.cloudtrail.Trail(
    "all",
    name="all",
    s3_bucket_name="example-audit-records",
    is_multi_region_trail=True,
    kms_key_id=key.arn,
)
