"""Deployment checkpoints as JSON: their envelope, their manifest, and whether one holds together; pure functions.

The format is deployment version 3 (sdk/go/common/apitype in Pulumi's source): `{"version": 3, "checkpoint": {"stack":
"organization/PROJECT/STACK", "latest": DEPLOYMENT}}`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

VERSION = 3
PENDING_OPERATIONS = ("creating", "updating", "deleting", "reading", "importing")

_PROVIDER_TYPE_PREFIX = "pulumi:providers:"
_UNKNOWN_ID = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def go_time(moment: datetime) -> str:
    """RFC 3339 in UTC, with only the digits of the fraction that count, as the pulumi command writes times."""
    text = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return f"{text}.{moment.microsecond:06d}".rstrip("0").rstrip(".") + "Z" if moment.microsecond else f"{text}Z"


def new_manifest(version: str, time: datetime) -> dict[str, Any]:
    """A deployment's manifest: when and by which version it was written. The magic lets a damaged one be noticed."""
    return {"time": go_time(time), "magic": magic(version), "version": version}


def magic(version: str) -> str:
    """The SHA-256 of the version in hexadecimal digits; empty for an empty version."""
    return hashlib.sha256(version.encode()).hexdigest() if version else ""


def passphrase_provider(salt_state: str) -> dict[str, Any]:
    """What a deployment says of the secrets in it: `secrets_providers`."""
    return {"type": "passphrase", "state": {"salt": salt_state}}


def empty_deployment(manifest: dict[str, Any], secrets_provider: dict[str, Any] | None) -> dict[str, Any]:
    """A deployment without resources."""
    deployment: dict[str, Any] = {"manifest": manifest}
    if secrets_provider is not None:
        deployment["secrets_providers"] = secrets_provider
    deployment["metadata"] = {}
    return deployment


def encode_checkpoint(
    project: str,
    stack: str,
    deployment: dict[str, Any],
    resources: Iterable[str] = (),
    pending_operations: Iterable[str] = (),
) -> bytes:
    """The checkpoint file's content.

    `deployment` holds everything but resources and pending operations, which are given as JSON texts, so that those
    that did not change need not be encoded again.
    """
    parts = [f"{json.dumps(key)}:{_compact(value)}" for key, value in deployment.items() if key != "metadata"]
    for key, texts in (("resources", resources), ("pending_operations", pending_operations)):
        joined = ",".join(texts)
        if joined:
            parts.append(f'"{key}":[{joined}]')
    parts.append(f'"metadata":{_compact(deployment.get("metadata", {}))}')
    name = json.dumps(f"organization/{project}/{stack}")
    return f'{{"version":{VERSION},"checkpoint":{{"stack":{name},"latest":{{{",".join(parts)}}}}}}}'.encode()


def state_salt(deployment: dict[str, Any] | None) -> str:
    """The salt that the passphrase of a deployment's secrets goes with; empty where it has none."""
    provider = (deployment or {}).get("secrets_providers") or {}
    state = provider.get("state") if provider.get("type") == "passphrase" else None
    salt = state.get("salt") if isinstance(state, dict) else None
    return salt if isinstance(salt, str) else ""


def find_misshapen(deployment: Any) -> str:
    """What makes a JSON value no deployment, in words; empty where it is one."""
    if not isinstance(deployment, dict):
        return "the deployment is not an object"
    if not isinstance(deployment.get("manifest", {}), dict):
        return "the manifest is not an object"
    for key in ("resources", "pending_operations"):
        entries = deployment.get(key)
        if entries is not None and not (isinstance(entries, list) and all(isinstance(each, dict) for each in entries)):
            return f"{key} is not a list of objects"
    for index, resource in enumerate(deployment.get("resources") or ()):
        problem = _misshapen_resource(resource)
        if problem:
            return f"resource {index}: {problem}"
    for index, operation in enumerate(deployment.get("pending_operations") or ()):
        resource = operation.get("resource")
        problem = _misshapen_resource(resource) if isinstance(resource, dict) else "it has no resource"
        if not problem and operation.get("type") not in PENDING_OPERATIONS:
            problem = f"its type is not one of {', '.join(PENDING_OPERATIONS)}"
        if problem:
            return f"pending operation {index}: {problem}"
    return ""


def _misshapen_resource(resource: dict[str, Any]) -> str:
    for key, kind, required in _FIELDS:
        value = resource.get(key)
        if value is None and not required:
            continue
        if not isinstance(value, kind):
            return f"'{key}' is missing" if value is None else f"'{key}' is not {_KIND_NAMES[kind]}"
    property_dependencies = (resource.get("propertyDependencies") or {}).values()
    for urns in (resource.get("dependencies"), *property_dependencies):
        if urns and not (isinstance(urns, list) and all(isinstance(urn, str) for urn in urns)):
            return "its dependencies are not lists of URNs"
    return ""


_KIND_NAMES: dict[type, str] = {str: "text", dict: "an object", list: "a list", bool: "true or false"}
_FIELDS: tuple[tuple[str, type, bool], ...] = (
    ("urn", str, True),
    ("type", str, True),
    ("custom", bool, True),
    ("id", str, False),
    ("parent", str, False),
    ("provider", str, False),
    ("inputs", dict, False),
    ("outputs", dict, False),
    ("dependencies", list, False),
    ("propertyDependencies", dict, False),
    ("delete", bool, False),
    ("deletedWith", str, False),
)


def verify_integrity(deployment: dict[str, Any]) -> list[str]:
    """What makes a deployment unusable, one sentence each; empty where it holds together.

    The rules are those by which the pulumi command refuses a state: whatever a resource refers to (parent,
    dependencies, provider, deletedWith) stands before it, and of all resources with one URN at most one is not marked
    for deletion.
    The deployment must have the right shape (`find_misshapen`).
    """
    problems = []
    manifest = deployment.get("manifest") or {}
    if (manifest.get("magic") or "") != magic(manifest.get("version") or ""):
        problems.append("the manifest's magic does not belong to its version: the file was changed or is damaged")
    resources = deployment.get("resources") or []
    everywhere = {resource["urn"] for resource in resources}
    seen: set[str] = set()
    providers: set[str] = set()
    alive: dict[str, int] = {}
    for resource in resources:
        urn = resource["urn"]
        if not urn or not resource["type"]:
            problems.append(f"a resource has no {'type' if urn else 'URN'}{f': {urn}' if urn else ''}")
        if not resource["custom"] and resource.get("id"):
            problems.append(f"{urn} is a component and has an ID")
        if resource["type"].startswith(_PROVIDER_TYPE_PREFIX):
            providers.add(f"{urn}::{resource.get('id') or _UNKNOWN_ID}")
        provider = resource.get("provider")
        if provider and provider not in providers and not resource.get("pendingReplacement"):
            problems.append(f"{urn} refers to a provider that does not stand before it: {provider}")
        for relation, other in _references(resource):
            if other not in seen:
                how = "stands after it" if other in everywhere else "is missing"
                problems.append(f"{urn} {relation} {other}, which {how}")
        seen.add(urn)
        if not resource.get("delete"):
            alive[urn] = alive.get(urn, 0) + 1
    problems += [f"{urn} stands there {count} times" for urn, count in alive.items() if count > 1]
    return problems


def _references(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if resource.get("parent"):
        yield "has the parent", resource["parent"]
    for other in resource.get("dependencies") or ():
        yield "depends on", other
    for key, others in (resource.get("propertyDependencies") or {}).items():
        for other in others or ():
            yield f"depends in '{key}' on", other
    if resource.get("deletedWith"):
        yield "is deleted with", resource["deletedWith"]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
