"""A topic to which everybody subscribes.

Caught by: aws-topic-policy-not-public
"""

import json

import pulumi_aws as aws

listen = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["sns:Subscribe", "sns:Receive"],
    "Resource": "arn:aws:sns:eu-west-1:123456789012:alarms",
    "Condition": {"StringEquals": {"sns:Protocol": "https"}},
}
topic = aws.sns.Topic("alarms", name="alarms", kms_master_key_id="alias/messages")
aws.sns.TopicPolicy("alarms", arn=topic.arn, policy=json.dumps({"Version": "2012-10-17", "Statement": [listen]}))
