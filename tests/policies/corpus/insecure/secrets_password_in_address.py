"""The address of a database has its password in it.

Caught by: secrets-no-credentials-in-clear
"""

import pulumi_aws as aws

aws.lambda_.Function(
    "report",
    role="arn:aws:iam::123456789012:role/report",
    package_type="Image",
    image_uri="123456789012.dkr.ecr.eu-west-1.amazonaws.com/report@sha256:" + "0a" * 32,
    environment={"variables": {"DATABASE_URL": "postgresql://report:correct-horse@db.example.com:5432/report"}},
)
