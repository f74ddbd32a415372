"""What a program asks for when it registers or reads a resource, decoded and checked.

Options that the embedded engine cannot honour are refused here by name, before anything happens.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi.runtime.proto import alias_pb2, resource_pb2

from engine import property_paths
from engine import urn as urns
from engine.errors import Unsupported
from engine.values import Properties, decode_struct

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|h|m|s)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name that this resource had: a whole URN, or the parts that differ from its present one."""

    urn: str = ""
    name: str = ""
    type: str = ""
    project: str = ""
    stack: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """The state that a registration asks for. Field meanings are those of Pulumi's RegisterResourceRequest."""

    type: str
    name: str
    custom: bool
    parent: str = ""
    inputs: Properties = field(default_factory=dict)
    protect: bool | None = None
    dependencies: list[str] = field(default_factory=list)
    provider: str = ""
    providers: dict[str, str] = field(default_factory=dict)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds by operation: create, update, delete, read."""
    retain_on_delete: bool | None = None
    deleted_with: str = ""
    version: str = ""
    plugin_download_url: str = ""
    id: str = ""
    """The id to read; empty for a registration."""
    opaque: dict[str, Any] = field(default_factory=dict)
    """Checkpoint fields that the engine only passes on."""


def inherit(goal: Goal, parent: Goal | None) -> Goal:
    """The goal with the options that a parent hands down to its children where they say nothing of them."""
    if parent is None:
        return goal
    handed_down: dict[str, Any] = {
        name: getattr(parent, name)
        for name in ("protect", "retain_on_delete", "deleted_with")
        if getattr(goal, name) in (None, "") and getattr(parent, name) not in (None, "")
    }
    return replace(goal, **handed_down) if handed_down else goal


def with_plugin(goal: Goal) -> Goal:
    """The goal of a provider resource with the plugin that it names among its inputs, where Pulumi records it."""
    if not urns.is_provider(goal.type) or not (goal.version or goal.plugin_download_url):
        return goal
    plugin: Properties = {"__internal": {}}
    if goal.version:
        plugin["version"] = goal.version
    if goal.plugin_download_url:
        plugin["__internal"] = {"pluginDownloadURL": goal.plugin_download_url}
    return replace(goal, inputs={**goal.inputs, **plugin})


def from_register_request(request: resource_pb2.RegisterResourceRequest, root: str = "") -> Goal:
    """The goal of a registration. Raises Unsupported for what the embedded engine cannot honour.

    `root` is the project folder's URI: source positions are recorded relative to it.
    """
    who = f"{request.type} {request.name!r}"
    for name, present in (
        ("a remote component (its provider would construct it)", request.remote),
        ("the import option", request.importId),
        ("resource transforms", request.transforms),
        ("state migrations", request.state_migrations),
        ("a parameterized package", request.packageRef),
        ("the replaceWith option", request.replace_with),
        ("the replacementTrigger option", request.HasField("replacement_trigger")),
        ("resource hooks", any(getattr(request.hooks, hook) for hook in request.hooks.DESCRIPTOR.fields_by_name)),
    ):
        if present:
            raise Unsupported(f"{who} uses {name}, which the embedded engine does not support; use the pulumi command")
    for path in (*request.ignoreChanges, *request.replaceOnChanges, *request.hideDiffs):
        property_paths.parse(path)
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=decode_struct(request.object),
        protect=request.protect if request.HasField("protect") else None,
        dependencies=sorted(request.dependencies),
        provider=request.provider,
        providers=dict(request.providers),
        property_dependencies={key: sorted(value.urns) for key, value in request.propertyDependencies.items()},
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=[*(Alias(urn=urn) for urn in request.aliasURNs), *map(_alias, request.aliases)],
        custom_timeouts=_timeouts(who, request.customTimeouts),
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        deleted_with=request.deletedWith,
        version=request.version,
        plugin_download_url=request.pluginDownloadURL,
        opaque=_opaque(request, root),
    )


def from_read_request(request: resource_pb2.ReadResourceRequest, root: str = "") -> Goal:
    """The goal of a read: a resource that exists already and is not managed. Raises Unsupported, as above."""
    if request.packageRef:
        raise Unsupported(
            f"{request.type} {request.name!r} uses a parameterized package, which the embedded engine does not "
            "support; use the pulumi command"
        )
    return Goal(
        type=request.type,
        name=request.name,
        custom=True,
        parent=request.parent,
        inputs=decode_struct(request.properties),
        dependencies=sorted(request.dependencies),
        provider=request.provider,
        additional_secret_outputs=list(request.additionalSecretOutputs),
        version=request.version,
        plugin_download_url=request.pluginDownloadURL,
        id=request.id,
        opaque=_source_position(request, root),
    )


def _opaque(request: resource_pb2.RegisterResourceRequest, root: str) -> dict[str, Any]:
    fields = _source_position(request, root)
    if request.hideDiffs:
        fields["hideDiff"] = list(request.hideDiffs)
    return fields


def _source_position(
    request: resource_pb2.RegisterResourceRequest | resource_pb2.ReadResourceRequest, root: str
) -> dict[str, Any]:
    position = request.sourcePosition
    if root and position.uri.startswith(root):
        return {"sourcePosition": f"project://{position.uri[len(root) :]}#{position.line}"}
    return {}


def _alias(alias: alias_pb2.Alias) -> Alias:
    if alias.WhichOneof("alias") == "urn":
        return Alias(urn=alias.urn)
    spec = alias.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        project=spec.project,
        stack=spec.stack,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


def _timeouts(who: str, timeouts: resource_pb2.RegisterResourceRequest.CustomTimeouts) -> dict[str, float]:
    named = (
        ("create", timeouts.create),
        ("update", timeouts.update),
        ("delete", timeouts.delete),
        ("read", timeouts.read),
    )
    return {operation: seconds(f"customTimeouts.{operation} of {who}", text) for operation, text in named if text}


def seconds(setting: str, text: str) -> float:
    """A duration as Go writes it (``1h5m``, ``90s``) in seconds. Raises ValueError naming `setting` where malformed."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{setting} is {text!r}; expected a duration such as 90s, 5m or 1h30m")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
