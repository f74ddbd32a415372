"""Pulumi's Analyzer messages about rules: what the pack says of itself, of its configuration, and of what it finds.

The policy SDK would write them, but it takes longer to import than all else here together, and longer than a preview of
a hundred resources should wait. Source of their meaning: Pulumi's protocol, pulumi/analyzer.proto.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from policies import configuration
from policies.resources import Resource
from policies.rules import Rule

VERSION = "0.0.1"
"""Pulumi takes the version of PulumiPolicy.yaml in its place."""
LEVELS: Mapping[str, Any] = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
}
_SEVERITIES: Mapping[str, Any] = {
    "low": analyzer_pb2.POLICY_SEVERITY_LOW,
    "medium": analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    "high": analyzer_pb2.POLICY_SEVERITY_HIGH,
    "critical": analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


def analyzer_info(
    name: str, rules: Sequence[Rule], content: Mapping[str, Any], settings: Mapping[str, configuration.Setting]
) -> Any:
    """What the pack says of itself; `content` is the stack's own configuration file, `settings` what that comes to."""
    exemptions = _struct({"exemptions": json.loads(json.dumps(configuration.EXEMPTIONS_SCHEMA))})
    info = analyzer_pb2.AnalyzerInfo(
        name=name,
        version=VERSION,
        supportsConfig=True,
        policies=[_policy_info(rule, exemptions) for rule in rules],
    )
    for rule in rules:
        own = content.get(rule.id)
        properties = {key: own[key] for key in own if key != "enforcementLevel"} if isinstance(own, Mapping) else {}
        level = settings[rule.id].level
        if properties or level != rule.level:
            config = analyzer_pb2.PolicyConfig(enforcementLevel=LEVELS[level], properties=_struct(properties))
            info.initialConfig[rule.id].CopyFrom(config)
    return info


def _policy_info(rule: Rule, exemptions: Struct) -> Any:
    schema = analyzer_pb2.PolicyConfigSchema(properties=exemptions)
    schema.properties.update({name: parameter.schema() for name, parameter in rule.parameters.items()})
    kind = analyzer_pb2.POLICY_TYPE_RESOURCE if rule.kind == "resource" else analyzer_pb2.POLICY_TYPE_STACK
    return analyzer_pb2.PolicyInfo(
        name=rule.id,
        description=rule.title,
        enforcementLevel=LEVELS[rule.level],
        configSchema=schema,
        policy_type=kind,
        severity=_SEVERITIES[rule.severity],
        framework=analyzer_pb2.PolicyComplianceFramework(name=", ".join(rule.frameworks)),
        tags=[rule.topic],
        remediation_steps=rule.mend,
    )


def diagnostic(pack: str, rule: Rule, message: str, resource: Resource | None, level: str) -> Any:
    """What the pack objects to in a resource or, None, in the stack."""
    return analyzer_pb2.AnalyzeDiagnostic(
        policyName=rule.id,
        policyPackName=pack,
        policyPackVersion=VERSION,
        description=rule.title,
        message=f"{rule.title}\n{message}",
        urn=resource.urn if resource else "",
        enforcementLevel=LEVELS[level],
        severity=_SEVERITIES[rule.severity],
    )


def _struct(content: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(content)
    return struct
