"""The settings of a stack: one frozen tree, and the only reader of Pulumi's configuration.

A setting is a key of the stack file, such as `trainyard:owner`, or a field of an object there:

    config:
      trainyard:training:
        epochs: 20

`pulumi config set --path trainyard:training.epochs 20` writes the same. Pulumi.yaml describes every key; what is left
out has the default given here. `load_settings` stops the program before any resource, with one error that lists every
problem.
"""

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi
import pulumi.runtime.config
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from infra.aws.settings import AwsSettings
from infra.gcp.settings import GcpSettings
from infra.kubernetes.settings import KubernetesSettings
from infra.setting_problems import describe, fields_of, one_by_one, show
from infra.setting_types import Group, Port, refuse
from infra.usage_settings import UsageSettings
from infra.workload_settings import ServingSettings, TrainingSettings

if TYPE_CHECKING:
    from infra.kubernetes.node_pools import NodePool


class SettingsError(pulumi.RunError):
    """Settings that cannot be used. The message lists every problem, a line each."""


class LocalSettings(Group):
    """This machine as a cloud."""

    cloud_port: Port = 0
    """TCP port on 127.0.0.1 where the AWS-compatible cloud listens; 0 chooses a free one."""


def _refuse_reserved_tag(text: str) -> str:
    if text.lower().startswith("aws:"):
        raise refuse("must not begin with aws:, which is for AWS's own tags")
    return text


Label = Annotated[
    str,
    Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.@+=:/-]*$"),
    AfterValidator(_refuse_reserved_tag),
]
"""Text that every cloud accepts as the value of a tag."""


CLOUDS_ELSEWHERE = ("aws", "gcp")
"""The clouds that are not this machine."""


class Settings(Group):
    """Every setting of a stack."""

    cloud: Literal["local", "aws", "gcp"] = "local"
    """Where to run."""
    environment: Literal["dev", "prod"] = "dev"
    """dev: may be lost, and has to expire in a cloud. prod: protected from deletion, and from settings too open for
    it."""
    part: Literal["all", "data"] = "all"
    """all: a platform with everything that runs on it. data: buckets and their key only, in a cloud, for stacks that
    name this one in their storage.from_stack; what is in them outlives those."""
    expires_at: str = Field(default="", validate_default=True)
    """Moment after which nobody needs the stack, such as 2027-03-31T18:00:00Z; empty: never. A tag of every resource.
    It is also when the cloud empties the pools of GPU nodes and stops the machine, by itself."""
    owner: Label = "unassigned"
    """Who answers for the stack: a name or an e-mail address. A tag of every resource."""
    cost_centre: Label = "unassigned"
    """Who pays for the stack. A tag of every resource."""
    training: TrainingSettings = TrainingSettings()
    serving: ServingSettings = ServingSettings()
    local: LocalSettings = LocalSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    aws: AwsSettings = AwsSettings()
    gcp: GcpSettings = GcpSettings()
    usage: UsageSettings = UsageSettings()

    @field_validator("part")
    @classmethod
    def _data_is_in_a_cloud(cls, part: str, info: ValidationInfo) -> str:
        if part == "data" and (info.context or {}).get("cloud") == "local":
            raise refuse("must be all where trainyard:cloud is local: its buckets are gone with what uses them")
        return part

    @field_validator("expires_at")
    @classmethod
    def _is_to_come(cls, text: str, info: ValidationInfo) -> str:
        context = info.context or {}
        if context.get("part") == "data":
            if text:
                raise refuse("must be empty where trainyard:part is data: what is in it outlives what made it")
            return text
        if not text:
            if context.get("cloud") in CLOUDS_ELSEWHERE and context.get("environment") == "dev":
                raise refuse("must be set in dev, so that nothing is forgotten: such as 2027-03-31T18:00:00Z")
            return text
        # Narrower than what Python reads: it becomes a tag, which takes few characters.
        written = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)", text, re.ASCII)
        try:
            moment = datetime.datetime.fromisoformat(text) if written else None
        except ValueError:
            moment = None
        if moment is None:
            raise refuse("must be a moment with its zone, such as 2027-03-31T18:00:00Z")
        if "now" in context and moment <= context["now"]:
            raise refuse("must be in the future: the stack has expired; destroy it, or set a later moment")
        return text

    @field_validator("local")
    @classmethod
    def _cloud_has_a_port_of_its_own(cls, local: LocalSettings, info: ValidationInfo) -> LocalSettings:
        # Not a validator of the whole: that would be silent as long as any other setting is wrong.
        serving = info.data.get("serving")
        for name in ("http_port", "grpc_port", "metrics_port"):
            if local.cloud_port and getattr(serving, name, 0) == local.cloud_port:
                raise refuse(f"is serving.{name}, too; must be a port of its own (or 0)", field="cloud_port")
        return local


def load_settings() -> Settings:
    """Reads the running program's settings. Raises SettingsError naming every problem."""
    return parse_settings(
        {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()},
        secret_keys={*pulumi.runtime.config.get_config_secret_keys_env(), *pulumi.runtime.config._SECRET_KEYS.get()},
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
    )


def parse_settings(
    configuration: Mapping[str, object],
    *,
    secret_keys: Iterable[str] = (),
    project: str = "trainyard",
    stack: str = "local",
    now: datetime.datetime | None = None,
) -> Settings:
    """Settings from Pulumi's configuration: full keys (`trainyard:training`) to text, objects as JSON text.

    Of other namespaces only `aws:region`, `aws:allowedAccountIds`, `gcp:project` and `gcp:region` are read: they are
    the providers' own settings, and the platform has to agree with them. Raises SettingsError.

    :param now: What `expires_at` is compared with; by default this moment.
    """
    prefix = f"{project}:"
    texts = {key.removeprefix(prefix): value for key, value in configuration.items() if key.startswith(prefix)}
    secret_fields = {key.removeprefix(prefix) for key in secret_keys}
    tree, problems = _parse_objects(texts, prefix, secret_fields)
    _add_provider_settings(tree, configuration, problems)
    cloud = tree.get("cloud", "local")
    context = {
        "zones": _within(tree, cloud, "network", "zones"),
        "node_autoscaler": _within(tree, "kubernetes", "addons", "node_autoscaler"),
        "teams": _teams(tree),
        "deploys_from_github": bool(_within(tree, cloud, "identity", "github", "repository")),
        "cloud": cloud,
        "environment": tree.get("environment", "dev"),
        "part": tree.get("part", "all"),
        "stack": stack,
        "account_id": _within(tree, "aws", "account_id"),
        "project_id": configuration.get("gcp:project", ""),
        "region": configuration.get(f"{cloud}:region", ""),
        "allowed_account_ids": _parse(configuration.get("aws:allowedAccountIds", "[]")),
        "now": now or datetime.datetime.now(datetime.UTC),
    }
    try:
        settings = Settings.model_validate(tree, context=context)
    except ValidationError as error:
        for details in one_by_one(error.errors(include_url=False)):
            problems.append(describe(details, Settings, tree, prefix, secret_fields))
    if not problems:
        problems += _workload_problems(settings)
    if problems:
        heading = f"Stack {stack} has {len(problems)} problem{'s' if len(problems) > 1 else ''} in its settings:"
        raise SettingsError("\n".join([heading, *(f"  {problem}" for problem in sorted(problems))]))
    return settings


def _workload_problems(settings: Settings) -> list[str]:
    """Why the workloads could never run on the stack's pools."""
    if settings.cloud == "local" or settings.part == "data":
        return []
    # What is in a cluster is no business of a stack without one.
    from infra.kubernetes.workload_fit import workload_problems

    return workload_problems(settings.training, settings.serving, settings.kubernetes, _pools_of(settings))


def _pools_of(settings: Settings) -> "tuple[NodePool, ...]":
    """Every pool of nodes that the stack will have."""
    if settings.cloud == "gcp":
        from infra.gcp import pool_facts as gcp

        return gcp.node_pools(settings.gcp)
    from infra.aws import pool_facts as aws

    return aws.node_pools(settings.aws)


def _parse_objects(
    texts: Mapping[str, object], prefix: str, secret_fields: set[str]
) -> tuple[dict[str, Any], list[str]]:
    """The configuration's objects from their JSON text; keys that are no object's stay as they are."""
    tree: dict[str, Any] = {}
    problems = []
    for key, value in texts.items():
        field = Settings.model_fields.get(key)
        if field is not None and (fields := fields_of(field.annotation)):
            parsed = _parse(value)
            if not isinstance(parsed, dict):
                shown = show(parsed, secret=key in secret_fields)
                problems.append(f"{prefix}{key} = {shown}: must be an object with the fields {', '.join(fields)}")
                continue
            tree[key] = parsed
        else:
            tree[key] = value
    return tree, problems


def _within(tree: object, *path: str) -> Any:
    """What is at a path of the configuration, however wrong the rest is; None if nothing is."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _teams(tree: object) -> set[str]:
    """The names of all teams, as far as they are names."""
    others = _within(tree, "kubernetes", "teams")
    own = _within(tree, "kubernetes", "team") or KubernetesSettings().team
    return {team for team in (own, *(others if isinstance(others, dict) else ())) if isinstance(team, str)}


_OF_PROVIDERS = {"aws": {"region": "region"}, "gcp": {"region": "region", "project_id": "project"}}
"""The settings of each cloud that are its provider's own, by what the platform calls them."""
_IDENTIFIED_BY = {"aws": "account_id", "gcp": "project_number"}
"""The setting of each cloud that has to be set, and says whose it is."""


def _add_provider_settings(tree: dict[str, Any], configuration: Mapping[str, object], problems: list[str]) -> None:
    """Puts the providers' own settings beside the platform's, and defaults where something has to be set."""
    for cloud, names in _OF_PROVIDERS.items():
        own = tree.get(cloud, {})
        for name, of_provider in names.items():
            if name in own:
                own_setting = f"the {name.removesuffix('_id')} is Pulumi's own setting {cloud}:{of_provider}"
                problems.append(f"trainyard:{cloud}.{name}: no such setting; {own_setting}")
        if tree.get("cloud") != cloud:
            continue
        needed: dict[str, Any] = {
            name: configuration.get(f"{cloud}:{of_provider}", "") for name, of_provider in names.items()
        }
        if tree.get("part") != "data":
            network = own.get("network", {})
            network = {"zones": [], **network} if isinstance(network, dict) else network
            needed |= {"cluster": own.get("cluster", {}), "network": network}
        tree[cloud] = {_IDENTIFIED_BY[cloud]: "", **own, **needed}


def _parse(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
