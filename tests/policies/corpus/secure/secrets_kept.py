"""Secrets in the stores that are for them, and names that only tell of one."""

import base64
import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

key = aws.kms.Key("secrets", description="Encrypts the secrets.", enable_key_rotation=True, deletion_window_in_days=30)
password = pulumi.Output.secret("correct horse battery staple")
secret = aws.secretsmanager.Secret("database", kms_key_id=key.arn, recovery_window_in_days=7)
aws.secretsmanager.SecretVersion("database", secret_id=secret.id, secret_string=password)
aws.ssm.Parameter("token", name="/digits/api_token", type="SecureString", key_id=key.arn, value=password)
aws.ssm.Parameter("days", name="/digits/token_expiry", type="String", value="90")

trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = aws.iam.Role("report", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
aws.lambda_.Function(
    "report",
    role=role.arn,
    package_type="Image",
    image_uri="123456789012.dkr.ecr.eu-west-1.amazonaws.com/report@sha256:" + "0a" * 32,
    environment=aws.lambda_.FunctionEnvironmentArgs(
        variables={
            "DB_PASSWORD_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:database",
            "MAX_TOKENS": "9",
        }
    ),
)
aws.ec2.LaunchTemplate(
    "nodes",
    user_data=base64.b64encode(
        b"#!/bin/sh\nexport DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id database)\n"
    ).decode(),
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

kubernetes.core.v1.Secret(
    "database", metadata={"name": "database", "namespace": "digits"}, string_data={"password": password}
)
kubernetes.core.v1.ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": "digits"},
    data={
        "TOKEN_FILE": "/run/secrets/token",
        "PAD_TOKEN": "[PAD]",
        "secretName": "database",
        "AWS_KEY": "AKIA-example",
    },
)
