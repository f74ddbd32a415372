"""Cases of the rules for secrets in clear text, with credentials that were never anybody's."""

import json

from policies.cases import UNKNOWN, Cases, made
from policies.general import secrets
from policies.local.types import CLOUD, IDENTITY, JOB
from policies.values import SecretText

ACCESS_KEY = "AKIA" + "Q3EGRI7XLW2N5TB4"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "b25seSBhbiBleGFtcGxl\n" * 8 + "-----END RSA PRIVATE KEY-----"
GITHUB_TOKEN = "ghp_" + "aB3" * 12
HUGGING_FACE_TOKEN = "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"
CLUSTER = "aws:eks/cluster:Cluster"
BROKER = "aws:mq/broker:Broker"
RELEASE = "kubernetes:helm.sh/v3:Release"

ABOUT_SECRETS = (
    "access_key_id",
    "key_arn",
    "max_tokens",
    "secretary",
    "token_count",
    "secret_name",
    "secretName",
    "password_length",
    "SECRET_ARN",
    "PWD",
    "FIRST_PASS",
    "bypass",
)
NAMES_OF_SECRETS = (
    "secret_access_key",
    "AWS_SECRET_ACCESS_KEY",
    "dbPassword",
    "tls_private_key",
    "apiKey",
    "sessionToken",
    "password",
    "secret_id",
    "token_value",
    "policy_password",
    "SECRET_KEY_BASE",
    "STRIPE_APIKEY",
    "SMTP_PASS",
    "mysqlPwd",
)

CASES = (
    Cases(
        secrets.no_credentials_in_clear,
        passing=[
            made(CLUSTER, "serving", {"name": "serving", "version": "1.35", "tags": {"owner": "ada"}}),
            made(RELEASE, "it", {"values": {"token": SecretText(GITHUB_TOKEN)}}),
            made("kubernetes:core/v1:ConfigMap", "docs", {"data": {"example": "AKIAIOSFODNN7EXAMPLE"}}),
            made("pulumi-python:dynamic/local:Bucket", "it", {"access_key_id": ACCESS_KEY}),
            made(
                CLUSTER,
                "addresses",
                {
                    "args": [
                        "postgresql://app:${PASSWORD}@db/app",
                        "https://user:password@example.com",
                        "http://host:80/@x",
                        "mailto:ada@example.com",
                    ]
                },
            ),
            made(CLUSTER, "certificate", {"data": PRIVATE_KEY.replace("PRIVATE KEY", "CERTIFICATE")}),
            made("aws:s3/bucket:Bucket", "it", {"bucket": "hf_models-AKIA-dapi", "tags": {"note": "sk_live_", "n": 1}}),
        ],
        failing=[
            (
                made("aws:ec2/instance:Instance", "it", {"userData": f"#!/bin/sh\naws configure set x {ACCESS_KEY}\n"}),
                "The property userData has an access key of AWS in it.",
            ),
            (
                made(RELEASE, "it", {"values": {"git": {"password": GITHUB_TOKEN}}}),
                "The property values with its password has a token of GitHub in it.",
            ),
            (
                made(CLUSTER, "it", {"name": UNKNOWN, "tags": {"token": HUGGING_FACE_TOKEN}}),
                "The property tags with its token has a token of Hugging Face in it.",
            ),
            (
                made("gcp:compute/instance:Instance", "it", {"metadata": {"key": json.dumps({"k": PRIVATE_KEY})}}),
                "The property metadata with its key has a private key in it.",
            ),
            (made(CLUSTER, "it", {"name": f"https://{GITHUB_TOKEN}@github.com/example"}), "name has a token of GitHub"),
            (
                made(CLUSTER, "it", {"url": "postgresql://app:correct-horse@db.example.com:5432/app"}),
                "The property url has a password in it.",
            ),
            (made(CLUSTER, "it", {"url": "redis://:correct-horse@10.0.0.1"}), "The property url has a password in it."),
            (made(CLUSTER, "it", {"args": ["--key", "AIza" + "Sy_0-" * 7]}), "args has an API key of Google in it."),
            (made(CLUSTER, "it", {"name": "xoxb-1234567890-123456789012-abc"}), "name has a token of Slack in it."),
        ],
    ),
    Cases(
        secrets.passwords_marked,
        passing=[
            made(BROKER, "it", {"users": [{"username": "ada", "password": SecretText("correct horse")}]}),
            made(BROKER, "it", {"users": [{"username": "ada", "password": ""}], "passwordLength": 20}),
            made("aws:rds/cluster:Cluster", "it", {"masterUsername": "ada", "manageMasterUserPassword": True}),
            made(RELEASE, "it", {"values": {"password": "other rules judge it"}}),
            made(
                "aws:lambda/function:Function", "it", {"environment": {"variables": {"password": "a rule of its own"}}}
            ),
            made(BROKER, "it", {"password": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:broker"}),
        ],
        failing=[
            (
                made(BROKER, "it", {"users": [{"username": "ada", "password": "correct horse"}]}),
                "The property users with its password is not marked as secret.",
            ),
            (
                made("aws:rds/cluster:Cluster", "it", {"masterPassword": "battery staple"}),
                "The property masterPassword is not marked as secret.",
            ),
            (
                made("cloud:index/thing:Thing", "it", {"name": UNKNOWN, "clientSecret": "s3same-open"}),
                "The property clientSecret is not marked as secret.",
            ),
        ],
    ),
    Cases(
        secrets.outputs_marked,
        passing=[
            [made(IDENTITY, "training", {"own_secret_access_key": "x"}, secret_outputs=["own_secret_access_key"])],
            [made(JOB, "train", {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, secret_outputs=["environment"])],
            [
                made(
                    CLOUD, "cloud", {"endpoint": "x", "access_key_id": "x", "key_arn": "arn:aws:kms:x", "max_tokens": 3}
                )
            ],
            [made(JOB, "train", {"environment": {"AWS_SECRET_ACCESS_KEY": SecretText("x")}})],
            [made(CLOUD, "cloud", dict.fromkeys(ABOUT_SECRETS, "x"))],
            [made("aws:iam/accessKey:AccessKey", "key", {"secret": "the provider marks it"})],
        ],
        failing=[
            (
                [made(IDENTITY, "training", {"own_secret_access_key": "x", "adminPassword": "y"})],
                "The output own_secret_access_key is not marked as secret.",
            ),
            (
                [made(IDENTITY, "training", {"endpoint": UNKNOWN, "own_secret_access_key": UNKNOWN})],
                "The output own_secret_access_key is not marked as secret.",
            ),
            (
                [made(JOB, "train", {"environment": [{"AWS_SECRET_ACCESS_KEY": "x"}]})],
                "The output environment with its AWS_SECRET_ACCESS_KEY is not marked as secret.",
            ),
            *(
                ([made(CLOUD, "cloud", {name: "x"})], f"The output {name} is not marked as secret.")
                for name in NAMES_OF_SECRETS
            ),
        ],
    ),
)
