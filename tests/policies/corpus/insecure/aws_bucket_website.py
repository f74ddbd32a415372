"""A bucket that serves reports over plain HTTP.

Caught by: aws-bucket-no-website
"""

import pulumi_aws as aws

aws.s3.BucketWebsiteConfiguration(
    "reports",
    bucket="reports.example.com",
    index_document={"suffix": "index.html"},
    error_document={"key": "error.html"},
)
