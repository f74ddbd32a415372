"""Rules for secrets that programs are started with: environment variables, start scripts, and Kubernetes' objects."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.general.clear_text import credential_in, holds_secret, is_identifier_of_secret, is_literal
from policies.general.secrets import KUBERNETES_SECRET
from policies.kubernetes.manifests import RELEASE, WORKLOADS, called, containers_of
from policies.resources import Resource
from policies.rules import resource_rule
from policies.values import SecretText, as_list, get, known

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
FUNCTION = "aws:lambda/function:Function"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
JOB_DEFINITION = "aws:batch/jobDefinition:JobDefinition"
BUILD_PROJECT = "aws:codebuild/project:Project"
RUN_SERVICE = "gcp:cloudrunv2/service:Service"
RUN_JOB = "gcp:cloudrunv2/job:Job"
CLOUD_FUNCTION = "gcp:cloudfunctionsv2/function:Function"
MODEL = "aws:sagemaker/model:Model"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
MACHINES = (
    LAUNCH_TEMPLATE,
    "aws:ec2/instance:Instance",
    "aws:ec2/launchConfiguration:LaunchConfiguration",
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
    "gcp:compute/instance:Instance",
    "gcp:compute/instanceTemplate:InstanceTemplate",
)

_MAPPINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    FUNCTION: (("environment", "variables"),),
    CLOUD_FUNCTION: (("serviceConfig", "environmentVariables"), ("buildConfig", "environmentVariables")),
    MODEL: (("primaryContainer", "environment"),),
}
"""Where variables are written as an object, by type."""
_LISTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    RUN_SERVICE: (("template", "containers"),),
    RUN_JOB: (("template", "template", "containers"),),
    TASK_DEFINITION: (("containerDefinitions",),),
    JOB_DEFINITION: (("containerProperties",),),
    BUILD_PROJECT: (("environment",),),
}
"""Where containers are written that have lists of variables, by type; of ECS and Batch as JSON text."""
_VARIABLES = ("env", "envs", "environment", "environmentVariables")
_BY_REFERENCE = ("PARAMETER_STORE", "SECRETS_MANAGER")
_CHART_SECRETS = re.compile(
    r"(?i).*(password|passphrase|passwd)|(secret_?access|private|api)_?key|.*(auth|access|bearer)_?token"
)
_SCRIPTS = ("userData", "userDataBase64", "metadataStartupScript")
_ASSIGNMENT = re.compile(r"""^\s*(?:export\s+|set\s+|-e\s+)?([A-Za-z_]\w*)=(["']?)([^"'\s;&|]+)\2""", re.MULTILINE)


@resource_rule(
    *WORKLOADS,
    id="secrets-kubernetes-environment",
    title="Containers get secrets from Kubernetes' Secrets, not written out among their variables.",
    severity="high",
    frameworks=("NIST IA-5(7)", "NIST SC-28"),
    wrong="Everybody who may look at the pod reads it, and so does who reads the state or the program.",
    mend="put it into a Secret, and name that in valueFrom.secretKeyRef or mount it as a file.",
)
def kubernetes_environment(workload: Resource) -> Iterator[str]:
    """Of variables whose name tells of a secret. A value that Pulumi keeps encrypted is in clear in the pod as well."""
    for container in containers_of(workload):
        with workload.apart():
            for variable in as_list(get(container, "env")):
                with workload.apart():
                    name, value = str(known(get(variable, "name", default=""))), get(variable, "value")
                    if holds_secret(name) and _is_written_out(name, value):
                        yield f"{called(container)} has {name} written out."


def _is_written_out(name: str, value: Any) -> bool:
    """Whether a secret is there itself; credentials by their form are another rule's business. Raises Undecided."""
    plain = "".join(value) if isinstance(known(value), str) else ""
    if not is_literal(plain) or is_identifier_of_secret(name, plain):
        return False
    return isinstance(value, SecretText) or not credential_in(plain)


@resource_rule(
    *_MAPPINGS,
    *_LISTS,
    id="secrets-cloud-environment",
    title="Functions and containers in a cloud get secrets by reference, not written out among their variables.",
    severity="high",
    frameworks=("CKV_AWS_45", "CKV_AWS_210", "NIST IA-5(7)", "NIST SC-28"),
    wrong="Everybody who may look at the configuration reads it, and so does who reads the state or the program.",
    mend="keep it in the cloud's store of secrets, and name it there, or let the program read it by its role.",
)
def cloud_environment(resource: Resource) -> Iterator[str]:
    """Of variables whose name tells of a secret. The clouds encrypt them: what Pulumi encrypts is in clear nowhere."""
    for path in _MAPPINGS.get(resource.type, ()):
        with resource.apart():
            for name, value in known(resource.get(*path, default={})).items():
                yield from _written_out(resource, name, value)
    for path in _LISTS.get(resource.type, ()):
        with resource.apart():
            content = known(resource.get(*path))
            for container in as_list(_document(content)):
                for key in _VARIABLES:
                    with resource.apart():
                        for variable in as_list(get(container, key)):
                            yield from _listed(resource, variable)


def _listed(resource: Resource, variable: Any) -> Iterator[str]:
    with resource.apart():
        if known(get(variable, "type", default="")) not in _BY_REFERENCE:
            yield from _written_out(resource, str(known(get(variable, "name"))), get(variable, "value"))


def _written_out(resource: Resource, name: str, value: Any) -> Iterator[str]:
    with resource.apart():
        if holds_secret(name) and not isinstance(value, SecretText) and _is_written_out(name, value):
            yield f"The variable {name} is written out."


def _document(content: Any) -> Any:
    return json.loads("".join(content)) if isinstance(content, str) else content


@resource_rule(
    KUBERNETES_SECRET,
    id="secrets-kubernetes-secret-marked",
    title="What Kubernetes' Secrets hold is marked as secret in the program.",
    severity="critical",
    frameworks=("NIST IA-5(7)", "NIST SC-28"),
    wrong="The state file and the output of every preview show it.",
    mend="read it with pulumi.Config().require_secret, or wrap it in pulumi.Output.secret.",
)
def kubernetes_secret_marked(secret: Resource) -> Iterator[str]:
    """Base64 hides nothing. Pulumi's package for Python marks it by itself, not so manifests in YAML."""
    for kind in ("data", "stringData"):
        with secret.apart():
            for key, value in known(secret.get(kind, default={})).items():
                with secret.apart():
                    if isinstance(known(value), str) and value and not isinstance(value, SecretText):
                        yield f"Its {kind} {key} is not marked as secret."


@resource_rule(
    CONFIG_MAP,
    id="secrets-not-in-config-maps",
    title="ConfigMaps hold no secrets.",
    severity="high",
    frameworks=("NIST IA-5(7)", "NIST AC-3"),
    wrong="Whoever may look at the namespace reads ConfigMaps, and Kubernetes does not encrypt them.",
    mend="put it into a Secret.",
)
def not_in_config_maps(config_map: Resource) -> Iterator[str]:
    """By the names of its keys. A file's name says what the file is about: it has a suffix."""
    with config_map.apart():
        for key, value in known(config_map.get("data", default={})).items():
            with config_map.apart():
                if "." not in key and holds_secret(key) and _is_written_out(key, value):
                    yield f"Its key {key} holds a secret."


@resource_rule(
    RELEASE,
    "kubernetes:helm.sh/v3:Chart",
    "kubernetes:helm.sh/v4:Chart",
    id="secrets-chart-values-marked",
    title="Passwords among the values of Helm charts are marked as secret.",
    severity="high",
    frameworks=("NIST IA-5(7)", "NIST SC-28"),
    wrong="The state file and the output of every preview show it.",
    mend="read it with pulumi.Config().require_secret, or name a Secret that is there already, as most charts let you.",
)
def chart_values_marked(release: Resource) -> Iterator[str]:
    """By names that hold nothing else. Charts write secret and token for the names of Secrets, too."""
    yield from _chart_secrets(release, release.get("values"))


def _chart_secrets(release: Resource, value: Any) -> Iterator[str]:
    with release.apart():
        if isinstance(known(value), Mapping):
            for name, each in value.items():
                if isinstance(each, str):
                    if _CHART_SECRETS.fullmatch(name) and is_literal(each) and not credential_in(each):
                        yield f"The value {name} is not marked as secret."
                else:
                    yield from _chart_secrets(release, each)
        elif isinstance(value, list):
            for each in value:
                yield from _chart_secrets(release, each)


@resource_rule(
    *MACHINES,
    id="secrets-not-in-start-scripts",
    title="Machines' start scripts hold no secrets.",
    severity="high",
    frameworks=("CKV_AWS_46", "NIST IA-5(7)"),
    wrong="Every process on the machine reads the script from the metadata service, and so does who may describe it.",
    mend="let the script read it from the cloud's store of secrets, by the machine's role.",
)
def not_in_start_scripts(machine: Resource) -> Iterator[str]:
    """Variables that are set to a secret, and credentials that base64 hides from who reads the program."""
    for name in _SCRIPTS:
        with machine.apart():
            text = machine.get(name)
            if isinstance(known(text), str):
                plain = _decoded("".join(text))
                if plain is not None and credential_in(plain):
                    yield f"{name} has {credential_in(plain)} in it."
                for variable in _assigned(plain or text):
                    yield f"{name} sets {variable}."


def _decoded(text: str) -> str | None:
    """What base64 stands for; None if it is none, or for no text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _assigned(script: str) -> Iterator[str]:
    for variable, _, value in _ASSIGNMENT.findall(script):
        if holds_secret(variable) and not value.startswith("`") and _is_written_out(variable, value):
            yield variable


RULES = (
    kubernetes_environment,
    cloud_environment,
    kubernetes_secret_marked,
    not_in_config_maps,
    chart_values_marked,
    not_in_start_scripts,
)
