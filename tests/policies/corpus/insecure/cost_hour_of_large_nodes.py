"""A group of machines for serving that at full size costs more an hour than a stack may.

Caught by: cost-hour-ceiling
"""

import pulumi_aws as aws

TAGS = {
    "project": "training",
    "stack": "dev",
    "owner": "ml-platform@example.com",
    "cost_centre": "research",
    "expires_at": "2099-12-31",
}

template = aws.ec2.LaunchTemplate(
    "serving",
    image_id="ami-0123456789abcdef0",
    instance_type="p4d.24xlarge",
    vpc_security_group_ids=["sg-0123456789abcdef0"],
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_type": "gp3",
                "volume_size": 100,
                "encrypted": "true",
                "kms_key_id": "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab",
            },
        }
    ],
    tags=TAGS,
)
aws.autoscaling.Group(
    "serving",
    min_size=0,
    max_size=5,
    vpc_zone_identifiers=["subnet-0123456789abcdef0"],
    launch_template={"id": template.id, "version": "$Latest"},
    tags=[{"key": key, "value": value, "propagate_at_launch": True} for key, value in TAGS.items()],
)

aws.budgets.Budget(
    "training",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="20000",
    limit_unit="USD",
    notifications=[
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": "FORECASTED",
            "threshold": 100,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": ["ml-platform@example.com"],
        }
    ],
)
