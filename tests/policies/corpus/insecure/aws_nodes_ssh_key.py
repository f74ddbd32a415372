"""Nodes with the key of one administrator.

Caught by: aws-instance-no-ssh-key
"""

import pulumi_aws as aws

pair = aws.ec2.KeyPair(
    "admin", public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk"
)
aws.ec2.LaunchTemplate(
    "nodes",
    key_name=pair.key_name,
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
