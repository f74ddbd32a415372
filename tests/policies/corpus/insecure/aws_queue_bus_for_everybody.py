"""An event bus to which every account sends events.

Caught by: aws-event-bus-not-public
"""

import pulumi_aws as aws

bus = aws.cloudwatch.EventBus("shared", name="shared")
aws.cloudwatch.EventPermission("shared", event_bus_name=bus.name, statement_id="everybody", principal="*")
