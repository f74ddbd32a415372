"""A queue whose encryption was switched off.

Caught by: aws-queue-encrypted
"""

import pulumi_aws as aws

aws.sqs.Queue("jobs", name="jobs", sqs_managed_sse_enabled=False, message_retention_seconds=86400)
