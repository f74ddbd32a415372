"""Cases of the rules for secrets that programs are started with."""

import base64
import json
from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.general import secrets_environment
from policies.general.secrets import KUBERNETES_SECRET
from policies.general.secrets_cases import ACCESS_KEY, GITHUB_TOKEN
from policies.general.secrets_environment import (
    BUILD_PROJECT,
    CLOUD_FUNCTION,
    CONFIG_MAP,
    FUNCTION,
    JOB_DEFINITION,
    LAUNCH_TEMPLATE,
    MACHINES,
    MODEL,
    RUN_SERVICE,
    TASK_DEFINITION,
)
from policies.kubernetes.manifests import CRON_JOBS, DEPLOYMENT, POD, RELEASE
from policies.resources import Resource
from policies.values import SecretText

BY_REFERENCE = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}}
INSTANCE = MACHINES[1]


def _pod(*variables: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "env": [*variables]}]}}


def _deployment(*variables: Any) -> Resource:
    return made(DEPLOYMENT, "it", {"spec": {"template": _pod(*variables)}})


def _variable(name: Any, value: Any) -> dict[str, Any]:
    return {"name": name, "value": value}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CASES = (
    Cases(
        secrets_environment.kubernetes_environment,
        passing=[
            _deployment(BY_REFERENCE, _variable("AWS_REGION", "eu-west-1"), _variable("DB_PASSWORD_FILE", "/run/db")),
            _deployment(_variable("PAD_TOKEN", "[PAD]"), _variable("MAX_TOKENS", "512"), _variable("TOKEN", "")),
            _deployment(_variable("API_TOKEN", "$(TOKEN_OF_ANOTHER)"), _variable("SECRET_NAME", "database")),
            _deployment(_variable("TOKENIZERS_PARALLELISM", "false"), _variable("USE_TOKEN", "true")),
            _deployment(_variable("TOKEN_LIFETIME", "PT15M"), _variable("SECRET_BACKEND", "vault-agent")),
        ],
        failing=[
            (_deployment(_variable("DB_PASSWORD", "correct horse")), "Container 'main' has DB_PASSWORD written out."),
            (_deployment(_variable("HF_TOKEN", SecretText("abcdef"))), "Container 'main' has HF_TOKEN written out."),
            (_deployment(UNKNOWN, _variable("API_KEY", "a1b2c3d4e5")), "Container 'main' has API_KEY written out."),
            (made(POD, "it", _pod(_variable("AUTH_TOKEN", "a1b2c3d4e5"))), "has AUTH_TOKEN written out."),
            (
                made(
                    CRON_JOBS[0],
                    "it",
                    {"spec": {"jobTemplate": {"spec": {"template": _pod(_variable("APP_SECRET", "a1b2c3d4"))}}}},
                ),
                "has APP_SECRET written out.",
            ),
        ],
    ),
    Cases(
        secrets_environment.cloud_environment,
        passing=[
            made(FUNCTION, "it", {"environment": {"variables": {"REGION": "eu-west-1", "SECRET_ARN": "arn:aws:x"}}}),
            made(FUNCTION, "it", {"environment": {"variables": {"TOKEN": SecretText("a1b2c3d4e5")}}}),
            made(FUNCTION, "it", {"environment": {"variables": {"SECRET_ID": "prod/database", "PWD": "/srv"}}}),
            made(FUNCTION, "none"),
            made(TASK_DEFINITION, "it", {"containerDefinitions": json.dumps([{"secrets": [BY_REFERENCE]}])}),
            made(RUN_SERVICE, "it", {"template": {"containers": [{"envs": [{"name": "TOKEN", "valueSource": {}}]}]}}),
            made(
                BUILD_PROJECT,
                "it",
                {
                    "environment": {
                        "environmentVariables": [_variable("TOKEN", "build/x") | {"type": "SECRETS_MANAGER"}]
                    }
                },
            ),
        ],
        failing=[
            (
                made(FUNCTION, "it", {"environment": {"variables": {"DB_PASSWORD": "correct horse"}}}),
                "The variable DB_PASSWORD is written out.",
            ),
            *(
                (
                    made(
                        FUNCTION, "it", {"environment": {"variables": {name: "0d3f1c2a-5b6e-4f70-8a91-b2c3d4e5f607"}}}
                    ),
                    f"The variable {name} is written out.",
                )
                for name in ("VAULT_SECRET_ID", "SECRET_KEY_BASE", "STRIPE_APIKEY", "SMTP_PASS", "apiKey")
            ),
            (
                made(
                    TASK_DEFINITION,
                    "it",
                    {"containerDefinitions": json.dumps([{"environment": [_variable("API_KEY", "a1b2c3")]}])},
                ),
                "The variable API_KEY is written out.",
            ),
            (
                made(
                    JOB_DEFINITION,
                    "it",
                    {"containerProperties": json.dumps({"environment": [_variable("TOKEN", "a1b2c3")]})},
                ),
                "The variable TOKEN is written out.",
            ),
            (
                made(
                    RUN_SERVICE, "it", {"template": {"containers": [UNKNOWN, {"envs": [_variable("TOKEN", "a1b2c3")]}]}}
                ),
                "The variable TOKEN is written out.",
            ),
            (
                made(CLOUD_FUNCTION, "it", {"serviceConfig": {"environmentVariables": {"SECRET_KEY": "a1b2c3"}}}),
                "The variable SECRET_KEY is written out.",
            ),
            (
                made(MODEL, "it", {"primaryContainer": {"environment": {"HF_TOKEN": "a1b2c3"}}}),
                "The variable HF_TOKEN is written out.",
            ),
            (
                made(BUILD_PROJECT, "it", {"environment": {"environmentVariables": [_variable("TOKEN", "a1b2c3")]}}),
                "The variable TOKEN is written out.",
            ),
        ],
    ),
    Cases(
        secrets_environment.kubernetes_secret_marked,
        passing=[
            made(KUBERNETES_SECRET, "it", {"stringData": {"password": SecretText("correct horse")}}),
            made(KUBERNETES_SECRET, "it", {"data": {"password": SecretText("Y29ycmVjdA==")}, "type": "Opaque"}),
            made(KUBERNETES_SECRET, "empty", {"metadata": {"name": "later"}}),
        ],
        failing=[
            (
                made(KUBERNETES_SECRET, "it", {"stringData": {"password": "correct horse"}}),
                "Its stringData password is not marked as secret.",
            ),
            (
                made(KUBERNETES_SECRET, "it", {"data": {"a": UNKNOWN, "b": "Y29ycmVjdA=="}}),
                "Its data b is not marked as secret.",
            ),
        ],
    ),
    Cases(
        secrets_environment.not_in_config_maps,
        passing=[
            made(CONFIG_MAP, "it", {"data": {"region": "eu-west-1", "SECRET_NAME": "database", "MAX_TOKENS": "512"}}),
            made(CONFIG_MAP, "it", {"data": {"token.yaml": "audience: sts.amazonaws.com", "PASSWORD": "${PASSWORD}"}}),
            made(CONFIG_MAP, "none", {"binaryData": {}}),
        ],
        failing=[
            (made(CONFIG_MAP, "it", {"data": {"DB_PASSWORD": "correct horse"}}), "Its key DB_PASSWORD holds a secret."),
            (
                made(CONFIG_MAP, "it", {"data": {"a": UNKNOWN, "apiKey": "a1b2c3d4e5"}}),
                "Its key apiKey holds a secret.",
            ),
        ],
    ),
    Cases(
        secrets_environment.chart_values_marked,
        passing=[
            made(RELEASE, "it", {"values": {"auth": {"existingSecret": "database", "secretKey": "password"}}}),
            made(RELEASE, "it", {"values": {"adminPassword": SecretText("correct horse"), "token": "sts"}}),
            made(RELEASE, "it", {"values": {"adminPassword": "", "users": [{"passwordSecret": "x"}]}}),
            made(RELEASE, "plain", {"chart": "metrics-server"}),
        ],
        failing=[
            (
                made(RELEASE, "it", {"values": {"grafana": {"adminPassword": "correct horse"}}}),
                "The value adminPassword is not marked as secret.",
            ),
            (
                made(RELEASE, "it", {"values": {"users": [{"name": "ada", "secretAccessKey": "a1b2c3d4"}]}}),
                "The value secretAccessKey is not marked as secret.",
            ),
            (made(RELEASE, "it", {"values": {"a": UNKNOWN, "apiKey": "a1b2c3d4"}}), "The value apiKey is not marked"),
        ],
    ),
    Cases(
        secrets_environment.not_in_start_scripts,
        passing=[
            made(INSTANCE, "it", {"userData": "#!/bin/sh\nexport REGION=eu-west-1\nTOKEN=$(curl -X PUT http://x)\n"}),
            made(LAUNCH_TEMPLATE, "it", {"userData": _base64("#!/bin/sh\nexport TOKEN_FILE=/run/token\n")}),
            made(LAUNCH_TEMPLATE, "it", {"userData": _base64("[settings.kubernetes]\ncluster-name = 'serving'\n")}),
            made(INSTANCE, "it", {"userData": "#!/bin/sh\nPASSWORD=`aws ssm get-parameter`\nexport PASSWORD\n"}),
            made(INSTANCE, "it", {"userData": "#!/bin/sh\nSECRET_ID=prod/database\nexport SECRET_ID\n"}),
            made(INSTANCE, "none"),
        ],
        failing=[
            (
                made(INSTANCE, "it", {"userData": "#!/bin/sh\nexport DB_PASSWORD='correct-horse'\n./start\n"}),
                "userData sets DB_PASSWORD.",
            ),
            (
                made(LAUNCH_TEMPLATE, "it", {"userData": _base64("#!/bin/sh\nAPI_KEY=a1b2c3d4e5 ./start\n")}),
                "userData sets API_KEY.",
            ),
            (
                made(LAUNCH_TEMPLATE, "it", {"userData": _base64(f"#!/bin/sh\naws configure set id {ACCESS_KEY}\n")}),
                "userData has an access key of AWS in it.",
            ),
            (
                made(
                    LAUNCH_TEMPLATE, "it", {"userData": _base64(f"git clone https://{GITHUB_TOKEN}@github.com/a/b\n")}
                ),
                "userData has a token of GitHub in it.",
            ),
        ],
    ),
)
