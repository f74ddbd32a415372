"""Nodes that tell their role's keys to whoever can make them fetch an address.

Caught by: aws-instance-metadata-tokens
"""

import pulumi_aws as aws

aws.ec2.LaunchTemplate(
    "nodes",
    metadata_options={"http_endpoint": "enabled", "http_tokens": "optional", "http_put_response_hop_limit": 1},
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
