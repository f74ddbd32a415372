"""Nodes that ask for a public address on their network interface.

Caught by: aws-instance-no-public-address
"""

import pulumi_aws as aws

aws.ec2.LaunchTemplate(
    "nodes",
    network_interfaces=[
        {"device_index": 0, "associate_public_ip_address": "true", "security_groups": ["sg-0123456789abcdef0"]}
    ],
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
    block_device_mappings=[
        {
            "device_name": "/dev/xvda",
            "ebs": {
                "volume_type": "gp3",
                "volume_size": 50,
                "encrypted": "true",
                "kms_key_id": "arn:aws:kms:eu-west-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab",
            },
        }
    ],
)
