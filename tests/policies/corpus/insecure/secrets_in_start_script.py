"""Base64 hides a password in the start script of machines.

Caught by: secrets-not-in-start-scripts
"""

import base64

import pulumi_aws as aws

SCRIPT = """#!/bin/sh
export DB_USER=trainer
export DB_PASSWORD='correct-horse-battery'
exec /opt/trainer/start
"""
key = aws.kms.Key("disks", description="Encrypts the disks.", enable_key_rotation=True, deletion_window_in_days=30)
aws.ec2.LaunchTemplate(
    "trainer",
    user_data=base64.b64encode(SCRIPT.encode()).decode(),
    block_device_mappings=[
        aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
            device_name="/dev/xvda",
            ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                encrypted="true", kms_key_id=key.arn, volume_type="gp3"
            ),
        )
    ],
    metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
        http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
    ),
)
