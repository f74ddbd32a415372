"""A bucket that an access control list shows to everybody.

Caught by: aws-bucket-list-not-public
"""

import pulumi_aws as aws

aws.s3.BucketAcl("weights", bucket="example-weights", acl="public-read")
