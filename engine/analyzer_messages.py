"""Pulumi's Analyzer messages: what a policy pack is told of a resource, and what its answers mean. Pure conversions.

A pack sees plain values: internal properties (names beginning with two underscores, such as a dynamic resource's
pickled provider) are left out, a reference to a resource is its id, or its URN where it has none. An unknown value
keeps Pulumi's sentinel; the pack's own SDK turns a policy that touches one into an advisory "can't run policy during
preview".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import Struct

from engine import urn as urns
from engine.events import PolicyViolation
from engine.policy_config import Policy, PolicySetting
from engine.resource_state import ResourceState
from engine.values import Properties, ResourceReference, Secret, Value, decode_struct, encode_struct

_LEVELS = ("advisory", "mandatory", "disabled", "remediate")
_SEVERITIES = ("", "low", "medium", "high", "critical")
_KINDS = ("", "resource", "stack")
_INTERNAL = "__"


@dataclass(frozen=True, slots=True)
class Remediation:
    """What a policy made of a resource's inputs, or (`diagnostic`) why it could not; `properties` is None then."""

    pack: str
    pack_version: str
    policy: str
    description: str
    properties: Properties | None
    diagnostic: str = ""


def analyze_request(
    state: ResourceState,
    properties: Properties,
    *,
    provider: ResourceState | None = None,
    delete_before_replace: bool | None = None,
    aliases: Sequence[str] = (),
) -> Any:
    """The AnalyzeRequest for a resource: `properties` are its inputs, `provider` is the state of its provider."""
    from pulumi.runtime.proto import analyzer_pb2

    return analyzer_pb2.AnalyzeRequest(**_described(state, properties, provider, delete_before_replace, aliases))


def analyzer_resource(
    state: ResourceState,
    properties: Properties,
    *,
    provider: ResourceState | None = None,
    delete_before_replace: bool | None = None,
    aliases: Sequence[str] = (),
) -> Any:
    """The AnalyzerResource for AnalyzeStack: `properties` are the resource's outputs."""
    from pulumi.runtime.proto import analyzer_pb2

    return analyzer_pb2.AnalyzerResource(
        **_described(state, properties, provider, delete_before_replace, aliases),
        parent=state.parent,
        dependencies=state.dependencies,
        propertyDependencies={
            name: analyzer_pb2.AnalyzerPropertyDependencies(urns=dependencies)
            for name, dependencies in state.property_dependencies.items()
            if dependencies
        },
    )


def as_resource(request: Any) -> Any:
    """The AnalyzerResource that says what an AnalyzeRequest says: the fields of both have the same numbers."""
    from pulumi.runtime.proto import analyzer_pb2

    return analyzer_pb2.AnalyzerResource.FromString(request.SerializeToString())


def _described(
    state: ResourceState,
    properties: Properties,
    provider: ResourceState | None,
    delete_before_replace: bool | None,
    aliases: Sequence[str],
) -> dict[str, Any]:
    from pulumi.runtime.proto import analyzer_pb2

    options = analyzer_pb2.AnalyzerResourceOptions(
        protect=state.protect,
        ignoreChanges=state.ignore_changes,
        deleteBeforeReplace=bool(delete_before_replace),
        deleteBeforeReplaceDefined=delete_before_replace is not None,
        additionalSecretOutputs=state.additional_secret_outputs,
        aliases=aliases,
        customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(**state.custom_timeouts),
        parent=state.parent,
    )
    return {
        "type": state.type,
        "properties": encode_properties(properties),
        "urn": state.urn,
        "name": urns.name_of(state.urn),
        "options": options,
        "provider": None
        if provider is None
        else analyzer_pb2.AnalyzerProviderResource(
            type=provider.type,
            properties=encode_properties(provider.inputs),
            urn=provider.urn,
            name=urns.name_of(provider.urn),
        ),
    }


def encode_properties(properties: Properties) -> Struct:
    """The properties as a policy pack may read them; secrets keep their mark."""
    return encode_struct({key: _plain(value) for key, value in properties.items() if not key.startswith(_INTERNAL)})


def _plain(value: Value) -> Value:
    match value:
        case dict():
            return {key: _plain(element) for key, element in value.items()}
        case list():
            return [_plain(element) for element in value]
        case Secret(value=inner):
            return Secret(_plain(inner))
        case ResourceReference(urn=urn, id=identifier):
            return urn if identifier is None else identifier
        case _:
            return value


def policies(info: Any) -> list[Policy]:
    """The policies that an AnalyzerInfo describes, by name."""
    described = [
        Policy(
            name=policy.name,
            level=_one_of(_LEVELS, policy.enforcementLevel),
            kind=_one_of(_KINDS, policy.policy_type),
            severity=_one_of(_SEVERITIES, policy.severity),
            description=policy.description,
            properties=decode_struct(policy.configSchema.properties),
            required=list(policy.configSchema.required),
        )
        for policy in info.policies
    ]
    return sorted(described, key=lambda policy: policy.name)


def initial_settings(info: Any) -> dict[str, PolicySetting]:
    """The configuration that the pack brings along."""
    return {
        name: PolicySetting(_one_of(_LEVELS, config.enforcementLevel), decode_struct(config.properties))
        for name, config in info.initialConfig.items()
    }


def configure_request(settings: Mapping[str, PolicySetting]) -> Any:
    """The request that hands the pack its configuration."""
    from pulumi.runtime.proto import analyzer_pb2

    return analyzer_pb2.ConfigureAnalyzerRequest(
        policyConfig={
            name: analyzer_pb2.PolicyConfig(
                enforcementLevel=analyzer_pb2.EnforcementLevel.Value((setting.level or "advisory").upper()),
                properties=encode_struct(dict(setting.properties)),
            )
            for name, setting in settings.items()
        }
    )


def violations(
    response: Any, *, version: str, severities: Mapping[str, str], urn: str = "", known_urns: Iterable[str] = ()
) -> list[PolicyViolation]:
    """The violations in an AnalyzeResponse, in the pack's order.

    Those of a resource's analysis concern `urn`, whatever the pack says; those of a stack's concern the resource that
    the pack names, if it is among `known_urns`, and else the stack. `version`, if any, replaces what the pack calls
    itself. What is still violated after a remediation is mandatory.
    """
    known = frozenset(known_urns)
    return [
        PolicyViolation(
            pack=found.policyPackName,
            pack_version=version or found.policyPackVersion,
            policy=found.policyName,
            message=found.message,
            level="mandatory" if (level := _one_of(_LEVELS, found.enforcementLevel)) == "remediate" else level,
            severity=_one_of(_SEVERITIES, found.severity) or severities.get(found.policyName, ""),
            urn=urn or (found.urn if found.urn in known else ""),
            description=found.description,
        )
        for found in response.diagnostics
    ]


def remediations(request: Any, response: Any, *, version: str) -> list[Remediation]:
    """The remediations in the response to `request`, in the order in which they build on each other.

    Pulumi's SDKs hand a policy the content of a secret without its mark; what was secret stays so.
    """
    before = decode_struct(request.properties)
    return [
        Remediation(
            pack=found.policyPackName,
            pack_version=version or found.policyPackVersion,
            policy=found.policyName,
            description=found.description,
            properties=None if found.diagnostic else _keep_secrets(before, decode_struct(found.properties)),
            diagnostic=found.diagnostic,
        )
        for found in response.remediations
    ]


def _one_of(names: Sequence[str], number: int) -> str:
    """The name of an enumeration's value. Raises ValueError: a level that is not known must not pass as a lower one."""
    if not 0 <= number < len(names):
        raise ValueError(f"{number} is none of {', '.join(filter(None, names))}")
    return names[number]


def _keep_secrets(before: Value, after: Value) -> Value:
    """`after` with every value marked secret that is one in `before`, at the same place."""
    match before, after:
        case _, Secret():
            return after
        case Secret(), _:
            return Secret(after)
        case dict(), dict():
            return {key: _keep_secrets(before.get(key), value) for key, value in after.items()}
        case list(), list():
            padded = before + [None] * len(after)
            return [_keep_secrets(old, new) for old, new in zip(padded, after, strict=False)]
        case _:
            return after
