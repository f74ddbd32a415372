"""A machine by a launch template, and one by itself, that nobody logs in to but by Session Manager."""

import pulumi_aws as aws

KEY = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab"
TAGS = {
    "project": "notebooks",
    "stack": "dev",
    "owner": "ml-platform@example.com",
    "cost_centre": "research",
    "expires_at": "2027-03-31T18:00:00Z",
}

template = aws.ec2.LaunchTemplate(
    "notebook",
    image_id="ami-0123456789abcdef0",
    instance_type="m7i.large",
    iam_instance_profile={"name": "notebook"},
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {"volume_type": "gp3", "volume_size": 100, "encrypted": "true", "kms_key_id": KEY},
        },
        {"device_name": "/dev/sdb", "virtual_name": "ephemeral0"},
    ],
    network_interfaces=[
        {"device_index": 0, "subnet_id": "subnet-0123456789abcdef0", "associate_public_ip_address": "false"}
    ],
)
aws.ec2.Instance("from-template", launch_template={"id": template.id, "version": "1"}, tags=TAGS)

aws.ec2.Instance(
    "by-itself",
    ami="ami-0123456789abcdef0",
    instance_type="m7i.large",
    subnet_id="subnet-0123456789abcdef0",
    vpc_security_group_ids=["sg-0123456789abcdef0"],
    iam_instance_profile="notebook",
    metadata_options={"http_tokens": "required"},
    root_block_device={"volume_type": "gp3", "volume_size": 100, "encrypted": True, "kms_key_id": KEY},
    tags=TAGS,
)

aws.budgets.Budget(
    "notebooks",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="300",
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
