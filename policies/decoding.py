"""Reads Pulumi's Analyzer messages: properties as plain values, unknown ones and secrets marked. Pure."""

from collections.abc import Mapping
from typing import Any

from policies.local.types import DYNAMIC
from policies.resources import Resource, Stack
from policies.values import SecretText, Unknown

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark in Pulumi's protocol
# Pulumi's sentinels for unknown values: boolean, number, string, array, asset, archive, object.
_SENTINELS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


def resource(message: Any) -> Resource:
    """The resource of an AnalyzeRequest or an AnalyzerResource."""
    options = message.options
    dependencies = getattr(message, "propertyDependencies", {})
    return Resource(
        type=message.type,
        name=message.name,
        properties=_mapping(message.properties, "", secret=False),
        urn=message.urn,
        parent=options.parent,
        property_dependencies={name: list(each.urns) for name, each in dependencies.items()},
        secret_outputs=list(options.additionalSecretOutputs),
        protected=options.protect,
    )


def stack(message: Any, name: str, inputs: Mapping[str, Any], *, dry_run: bool) -> Stack:
    """The stack of an AnalyzeStackRequest.

    A provider's plugin fills in what a preview cannot know, or says nothing at all before its cluster is there
    (Kubernetes). So a preview shows what the program says and, beside it, what is known of the rest; an update shows
    what is there.

    :param inputs: By URN, the properties with which the resources were analyzed before.
    """
    resources = [resource(each) for each in message.resources]
    providers: dict[str, dict[str, Any]] = {}
    for each, found in zip(message.resources, resources, strict=True):
        if each.provider.urn:
            if each.provider.urn not in providers:
                providers[each.provider.urn] = plain(each.provider.properties)
            found.provider = providers[each.provider.urn]
        told = inputs.get(each.urn)
        if told is None or told == each.properties or each.type.startswith(DYNAMIC):
            continue
        said = plain(told)
        if dry_run:
            known = {key: value for key, value in found.properties.items() if not isinstance(value, Unknown)}
            found.properties = {**known, **said}
        else:
            found.properties = {**said, **found.properties}
    return Stack(resources, name)


def plain(struct: Any) -> dict[str, Any]:
    """The content of a struct of plain values."""
    return _mapping(struct, "", secret=False)


def _mapping(struct: Any, path: str, *, secret: bool) -> dict[str, Any]:
    prefix = f"{path}." if path else ""
    # Providers keep notes of their own beside the properties, such as `__defaults`.
    return {
        key: _value(value, f"{prefix}{key}", secret) for key, value in struct.fields.items() if not key.startswith("__")
    }


def _value(value: Any, path: str, secret: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        if text in _SENTINELS:
            return Unknown(path)
        return SecretText(text) if secret else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_value(each, f"{path}[{index}]", secret) for index, each in enumerate(value.list_value.values)]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE not in fields:
            return _mapping(value.struct_value, path, secret=secret)
        if fields[_SIGNATURE].string_value == _SECRET:
            return _value(fields["value"], path, secret=True)
        # An asset or an archive, files that a program hands to a resource: rules see what they are, not what they hold.
        return {key: _value(each, f"{path}.{key}", secret) for key, each in fields.items() if key != _SIGNATURE}
    return None
