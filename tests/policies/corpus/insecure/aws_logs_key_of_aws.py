"""A log group without a key of its own.

Caught by: aws-log-group-customer-managed-key
"""

import pulumi_aws as aws

aws.cloudwatch.LogGroup("training", name="/example/training", retention_in_days=90)
