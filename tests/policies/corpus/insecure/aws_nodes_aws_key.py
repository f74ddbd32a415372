"""Nodes with a disk under the key that AWS manages for the whole account.

Caught by: aws-volume-customer-managed-key
"""

import pulumi_aws as aws

aws.ec2.LaunchTemplate(
    "nodes",
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"volume_type": "gp3", "volume_size": 50, "encrypted": "true"}}
    ],
)
