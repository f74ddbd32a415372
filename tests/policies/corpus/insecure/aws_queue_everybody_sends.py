"""A queue of jobs to which everybody sends, if only over TLS.

Caught by: aws-queue-policy-not-public
"""

import json

import pulumi_aws as aws

ARN = "arn:aws:sqs:eu-west-1:123456789012:jobs"
send = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "sqs:SendMessage",
    "Resource": ARN,
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}
queue = aws.sqs.Queue("jobs", name="jobs")
aws.sqs.QueuePolicy("jobs", queue_url=queue.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [send]}))
