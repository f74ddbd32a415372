"""Nodes whose metadata reaches every pod on them.

Caught by: aws-instance-metadata-hop-limit
"""

import pulumi_aws as aws

aws.ec2.LaunchTemplate(
    "nodes",
    metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 2},
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
