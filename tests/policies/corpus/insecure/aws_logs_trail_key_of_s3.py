"""A trail that is encrypted with the key of S3 itself.

Caught by: aws-trail-customer-managed-key
"""

import pulumi_aws as aws

aws.cloudtrail.Trail(
    "all",
    name="all",
    s3_bucket_name="example-audit-records",
    is_multi_region_trail=True,
    enable_log_file_validation=True,
)
