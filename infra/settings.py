"""The settings of a stack: one frozen tree, and the only reader of Pulumi's configuration.

A setting is a key of the stack file, such as `trainyard:owner`, or a field of an object there:

    config:
      trainyard:training:
        epochs: 20

`pulumi config set --path trainyard:training.epochs 20` writes the same. Pulumi.yaml describes every key; what is left
out has the default given here. `load_settings` stops the program before any resource, with one error that lists every
problem.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, cast, get_args

import pulumi
import pulumi.runtime.config
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError


class SettingsError(pulumi.RunError):
    """Settings that cannot be used. The message lists every problem, a line each."""


def _refuse_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number_expected", "a truth value is not a number")
    return value


def _refuse_number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("truth_value_expected", "a number is not a truth value")
    return value


# `pulumi config set --path` stores some numbers as text, so text that reads as a number is one.
Whole = Annotated[int, BeforeValidator(_refuse_truth_value)]
Real = Annotated[float, BeforeValidator(_refuse_truth_value), Field(allow_inf_nan=False)]
Truth = Annotated[bool, BeforeValidator(_refuse_number)]
Port = Annotated[Whole, Field(ge=0, le=65535)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


class TrainingSettings(_Group):
    """The training job."""

    processes: Whole = Field(default=2, ge=1, le=64)
    """Data-parallel workers."""
    epochs: Whole = Field(default=12, ge=1, le=1000)
    """Passes over the training images."""
    global_batch_size: Whole = Field(default=64, ge=1, le=65536)
    """Images in one step, over all workers; a multiple of `dataset_shards`."""
    learning_rate: Real = Field(default=0.01, gt=0, le=1)
    """Step size of the optimiser."""
    checkpoint_every_steps: Whole = Field(default=50, ge=1, le=1_000_000)
    """Steps between two checkpoints: what an interruption costs at most."""
    keep_checkpoints: Whole = Field(default=3, ge=1, le=100)
    """Checkpoints kept; older ones are removed."""
    max_runtime_minutes: Whole = Field(default=15, ge=1, le=10_080)
    """Minutes after which the job stops, leaving a checkpoint."""
    target_accuracy: Real = Field(default=0.97, ge=0, le=1)
    """Fraction of the test images that a model must label rightly to be released."""
    seed: Whole = Field(default=7, ge=0, le=2**32 - 1)
    """Seed of everything random."""
    dataset_shards: Whole = Field(default=8, ge=1, le=64)
    """Objects that the training images are stored as; a multiple of `processes`."""

    @model_validator(mode="after")
    def _shares_are_even(self) -> Self:
        if self.dataset_shards % self.processes:
            raise PydanticCustomError(
                "uneven",
                "{shards} shards cannot be shared evenly by {processes} processes; must be a multiple of processes",
                {"shards": self.dataset_shards, "processes": self.processes, "field": "dataset_shards"},
            )
        if self.global_batch_size % self.dataset_shards:
            raise PydanticCustomError(
                "uneven",
                "{batch} images cannot be drawn evenly from {shards} shards; must be a multiple of dataset_shards",
                {"batch": self.global_batch_size, "shards": self.dataset_shards, "field": "global_batch_size"},
            )
        return self


class ServingSettings(_Group):
    """The inference service."""

    enabled: Truth = True
    """Whether to serve the trained model."""
    http_port: Port = 0
    """TCP port of the KServe v2 protocol over HTTP; 0 chooses a free one."""
    grpc_port: Port = 0
    """TCP port of the KServe v2 protocol over gRPC; 0 chooses a free one."""
    metrics_port: Port = 0
    """TCP port of the Prometheus metrics; 0 chooses a free one."""
    max_batch_size: Whole = Field(default=64, ge=1, le=4096)
    """Images that the service may put into one batch."""
    queue_delay_microseconds: Whole = Field(default=500, ge=0, le=1_000_000)
    """Microseconds that a request may wait for others to share its batch."""

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        chosen = [port for port in (self.http_port, self.grpc_port, self.metrics_port) if port]
        if len(chosen) != len(set(chosen)):
            raise PydanticCustomError("ports_differ", "http_port, grpc_port and metrics_port must differ (or be 0)")
        return self


class LocalSettings(_Group):
    """This machine as a cloud."""

    cloud_port: Port = 0
    """TCP port on 127.0.0.1 where the AWS-compatible cloud listens; 0 chooses a free one."""


Label = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.@+=:/-]*$")]
"""Text that every cloud accepts as the value of a tag."""


def _refuse_cloud_to_come(cloud: str) -> str:
    if cloud != "local":
        raise PydanticCustomError("not_built", "the platform for {cloud} is not built yet; use local", {"cloud": cloud})
    return cloud


Cloud = Annotated[Literal["local", "aws", "gcp"], AfterValidator(_refuse_cloud_to_come)]


class Settings(_Group):
    """Every setting of a stack."""

    cloud: Cloud = "local"
    """Where to run."""
    owner: Label = "unassigned"
    """Who answers for the stack: a name or an e-mail address. A tag of every resource."""
    cost_centre: Label = "unassigned"
    """Who pays for the stack. A tag of every resource."""
    training: TrainingSettings = TrainingSettings()
    serving: ServingSettings = ServingSettings()
    local: LocalSettings = LocalSettings()

    @field_validator("local")
    @classmethod
    def _cloud_has_a_port_of_its_own(cls, local: LocalSettings, info: ValidationInfo) -> LocalSettings:
        # Not a validator of the whole: that would be silent as long as any other setting is wrong.
        serving = info.data.get("serving")
        for name in ("http_port", "grpc_port", "metrics_port"):
            if local.cloud_port and getattr(serving, name, 0) == local.cloud_port:
                raise PydanticCustomError(
                    "ports_differ",
                    "is serving.{port}, too; must be a port of its own (or 0)",
                    {"port": name, "field": "cloud_port"},
                )
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
) -> Settings:
    """Settings from Pulumi's configuration: full keys (`trainyard:training`) to text, objects as JSON text.

    Keys of other namespaces are other programs' and providers' business and are left alone. Raises SettingsError.
    """
    prefix = f"{project}:"
    texts = {key.removeprefix(prefix): value for key, value in configuration.items() if key.startswith(prefix)}
    secret_fields = {key.removeprefix(prefix) for key in secret_keys}
    tree, problems = _parse_objects(texts, prefix, secret_fields)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problems.append(_describe(details, tree, prefix, secret_fields))
    if problems:
        heading = f"Stack {stack} has {len(problems)} problem{'s' if len(problems) > 1 else ''} in its settings:"
        raise SettingsError("\n".join([heading, *(f"  {problem}" for problem in sorted(problems))]))
    return settings


def _parse_objects(
    texts: Mapping[str, object], prefix: str, secret_fields: set[str]
) -> tuple[dict[str, Any], list[str]]:
    """The configuration's objects from their JSON text; keys that are no object's stay as they are."""
    tree: dict[str, Any] = {}
    problems = []
    for key, value in texts.items():
        field = Settings.model_fields.get(key)
        if field is not None and (fields := _fields(field)):
            parsed = _parse(value)
            if not isinstance(parsed, dict):
                shown = _show(parsed, key in secret_fields)
                problems.append(f"{prefix}{key} = {shown}: must be an object with the fields {', '.join(fields)}")
                continue
            tree[key] = parsed
        else:
            tree[key] = value
    return tree, problems


def _parse(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _describe(details: ErrorDetails, tree: Mapping[str, Any], prefix: str, secret_fields: set[str]) -> str:
    """One problem in one line: the key as the user wrote it, the value, and what would be valid."""
    location = [str(part) for part in details["loc"]]
    if isinstance(field := details.get("ctx", {}).get("field"), str):
        location.append(field)
    key = prefix + ".".join(location)
    if details["type"] == "extra_forbidden":
        return f"{key}: no such setting{_suggest(location, prefix)}"
    valid = details["msg"] if details["type"] in _SELF_EXPLAINING else f"must be {_valid_values(location)}"
    value: Any = tree
    for part in location:
        value = value.get(part, value) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return f"{key}: {valid}"
    return f"{key} = {_show(value, location[0] in secret_fields)}: {valid}"


_SELF_EXPLAINING = {"not_built", "uneven", "ports_differ"}


def _suggest(location: list[str], prefix: str) -> str:
    *parents, name = location
    path = prefix + "".join(f"{part}." for part in parents)
    known = _group_at(parents).model_fields
    group, _, field_name = name.partition(".")
    if not parents and group in known and field_name in _fields(known[group]):
        return f"; a field of an object is set with: pulumi config set --path {path}{name} VALUE"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near and not parents:
        # A field written without its object is the likeliest other mistake.
        near = [f"{group}.{name}" for group, field in known.items() if name in _fields(field)]
    return f"; did you mean {path}{near[0]}?" if near else f"; known are {', '.join(path + other for other in known)}"


def _valid_values(location: list[str]) -> str:
    """What a setting may be, told from its type and its constraints."""
    *parents, name = location
    field = _group_at(parents).model_fields[name]
    limits = {
        limit: value
        for constraint in field.metadata
        for limit in ("ge", "gt", "le")
        if (value := getattr(constraint, limit, None)) is not None
    }
    if fields := _fields(field):
        return f"an object with the fields {', '.join(fields)}"
    if choices := get_args(field.annotation):
        return "one of " + ", ".join(choices)
    if field.annotation is bool:
        return "true or false"
    if field.annotation is int:
        return f"a whole number from {limits['ge']} to {limits['le']}"
    if field.annotation is float:
        least = f"above {limits['gt']}" if "gt" in limits else f"from {limits['ge']}"
        return f"a number {least} up to {limits['le']}"
    return "1 to 63 characters: letters, digits, spaces and _.@+=:/-, with a letter or digit first"


def _group_at(location: list[str]) -> type[_Group]:
    group: type[_Group] = Settings
    for part in location:
        group = cast(type[_Group], group.model_fields[part].annotation)
    return group


def _fields(field: FieldInfo) -> list[str]:
    """The names of the fields of a setting that is an object; none of any other."""
    annotation = field.annotation
    return list(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, _Group) else []


def _show(value: object, secret: bool) -> str:
    if secret:
        return "(secret)"
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text if len(text) <= 60 else text[:57] + "...") if isinstance(value, str) else text
