"""A log group that has forgotten an intrusion before anybody notices.

Caught by: aws-log-group-retention
"""

import pulumi_aws as aws

key = aws.kms.Key("logs", description="Encrypts the logs.", enable_key_rotation=True)
aws.cloudwatch.LogGroup("training", name="/example/training", retention_in_days=7, kms_key_id=key.arn)
