"""A trail that looks everywhere but at IAM.

Caught by: aws-trail-complete
"""

import pulumi_aws as aws

key = aws.kms.Key("records", description="Encrypts what was done.", enable_key_rotation=True)
aws.cloudtrail.Trail(
    "all",
    name="all",
    s3_bucket_name="example-audit-records",
    is_multi_region_trail=True,
    include_global_service_events=False,
    enable_log_file_validation=True,
    kms_key_id=key.arn,
)
