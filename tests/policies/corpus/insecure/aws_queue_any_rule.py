"""A queue to which the rules of any account send events.

Caught by: aws-messages-name-source
"""

import json

import pulumi_aws as aws

send = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "arn:aws:sqs:eu-west-1:123456789012:notices",
}
queue = aws.sqs.Queue("notices", name="notices")
aws.sqs.QueuePolicy("notices", queue_url=queue.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [send]}))
