"""A topic that is not encrypted.

Caught by: aws-topic-encrypted
"""

import pulumi_aws as aws

topic = aws.sns.Topic("alarms", name="alarms")
aws.sns.TopicSubscription("alarms", topic=topic.arn, protocol="email", endpoint="ml-platform@example.com")
