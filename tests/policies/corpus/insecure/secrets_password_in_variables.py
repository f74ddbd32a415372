"""A function's variables hold the password of a database.

Caught by: secrets-cloud-environment
"""

import pulumi_aws as aws

aws.lambda_.Function(
    "report",
    role="arn:aws:iam::123456789012:role/report",
    package_type="Image",
    image_uri="123456789012.dkr.ecr.eu-west-1.amazonaws.com/report@sha256:" + "0a" * 32,
    environment=aws.lambda_.FunctionEnvironmentArgs(variables={"DB_USER": "report", "DB_PASSWORD": "correct horse"}),
)
