"""The password of a broker's user is not marked as secret.

Caught by: secrets-passwords-marked
"""

import pulumi_aws as aws

aws.mq.Broker(
    "events",
    broker_name="events",
    engine_type="ActiveMQ",
    engine_version="5.18",
    host_instance_type="mq.m5.large",
    publicly_accessible=False,
    users=[aws.mq.BrokerUserArgs(username="trainer", password="correct horse battery")],
)
