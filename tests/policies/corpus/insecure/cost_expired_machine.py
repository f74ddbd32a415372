"""A machine with GPUs for a trial, deployed again after the day on which it was to go.

Caught by: cost-stack-expires
"""

import pulumi_aws as aws

aws.ec2.Instance(
    "notebook",
    ami="ami-0123456789abcdef0",
    instance_type="g5.8xlarge",
    subnet_id="subnet-0123456789abcdef0",
    vpc_security_group_ids=["sg-0123456789abcdef0"],
    iam_instance_profile="notebook",
    associate_public_ip_address=False,
    monitoring=True,
    ebs_optimized=True,
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
    root_block_device={
        "volume_type": "gp3",
        "volume_size": 100,
        "encrypted": True,
        "kms_key_id": "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab",
    },
    tags={
        "project": "notebooks",
        "stack": "dev",
        "owner": "ml-platform@example.com",
        "cost_centre": "research",
        "expires_at": "2025-06-30",
    },
)

aws.budgets.Budget(
    "training",
    budget_type="COST",
    time_unit="MONTHLY",
    limit_amount="5000",
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
