"""What breaks each rule for secrets in clear text."""

import base64
from dataclasses import replace
from typing import Any

from policies.aws import secret_stores
from policies.cases import made
from policies.general import secrets, secrets_environment
from policies.general.secrets_environment import CONFIG_MAP, FUNCTION, LAUNCH_TEMPLATE
from policies.kubernetes.manifests import JOB, RELEASE
from policies.local.types import IDENTITY
from policies.resources import Resource
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, adding, changing, setting, without

TOKEN = "ghp_" + "aB3" * 12
"""It was never anybody's."""
PASSWORD = "correct horse"
SCRIPT = base64.b64encode(b"#!/bin/sh\nexport DB_PASSWORD=correct-horse\n").decode()
STORES = "corpus/secrets_kept"


def _with_a_variable(properties: dict[str, Any]) -> None:
    container = properties["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [*container.get("env", ()), {"name": "HF_TOKEN", "value": PASSWORD}]


def _unmarked(resources: list[Resource]) -> list[Resource]:
    return [
        replace(
            each, secret_outputs=["secret_access_key"], properties={**each.properties, "own_secret_access_key": "x"}
        )
        if each.type == IDENTITY
        else each
        for each in resources
    ]


MUTATIONS: dict[Rule, Mutation] = {
    secrets.no_credentials_in_clear: Mutation("dev", setting(CONFIG_MAP, TOKEN, "data", "remote")),
    secrets.passwords_marked: Mutation("dev", setting("aws:eks/addon:Addon", PASSWORD, "clientSecret")),
    secrets.outputs_marked: Mutation("local", _unmarked),
    secrets_environment.kubernetes_environment: Mutation("dev", changing(JOB, _with_a_variable)),
    secrets_environment.cloud_environment: Mutation(
        STORES, setting(FUNCTION, PASSWORD, "environment", "variables", "DB_PASSWORD")
    ),
    secrets_environment.kubernetes_secret_marked: Mutation(
        "dev",
        adding(
            made(
                secrets.KUBERNETES_SECRET,
                "database",
                {"metadata": {"namespace": "trainyard"}, "stringData": {"password": PASSWORD}},
            )
        ),
    ),
    secrets_environment.not_in_config_maps: Mutation("dev", setting(CONFIG_MAP, PASSWORD, "data", "DB_PASSWORD")),
    secrets_environment.chart_values_marked: Mutation("dev", setting(RELEASE, PASSWORD, "values", "adminPassword")),
    secrets_environment.not_in_start_scripts: Mutation(
        "dev", setting(LAUNCH_TEMPLATE, SCRIPT, "userData", name="gpu-training")
    ),
    secret_stores.parameters_encrypted: Mutation(
        STORES, setting(secret_stores.PARAMETER, "String", "type", name="token")
    ),
    secret_stores.customer_managed_key: Mutation(STORES, without(secret_stores.SECRET, "kmsKeyId")),
    secret_stores.recoverable: Mutation(STORES, setting(secret_stores.SECRET, 0, "recoveryWindowInDays")),
}
