"""States of stacks as Pulumi keeps them in files, for tests of what reads them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.checkpoint import empty_deployment, encode_checkpoint, new_manifest


def write_state(
    project: Path, stack: str, resources: Iterable[Mapping[str, Any]], outputs: Mapping[str, Any] | None = None
) -> Path:
    """Writes the state of a stack of the project `shop`, as it would be after a deployment of these; returns the file.

    :param resources: `type`, `name`, `id`, and what else a resource's state may say.
    """
    root = f"urn:pulumi:{stack}::shop::pulumi:pulumi:Stack::shop-{stack}"
    provider = f"urn:pulumi:{stack}::shop::pulumi:providers:aws::default"
    documents: list[dict[str, Any]] = [
        {"urn": root, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": dict(outputs or {})},
        {"urn": provider, "custom": True, "id": "1234", "type": "pulumi:providers:aws", "inputs": {}, "outputs": {}},
    ]
    for resource in resources:
        fields = dict(resource)
        urn = f"urn:pulumi:{stack}::shop::{fields['type']}::{fields.pop('name')}"
        documents.append(
            {"urn": urn, "custom": True, "parent": root, "provider": f"{provider}::1234", "inputs": {}, "outputs": {}}
            | fields
        )
    file = project / ".pulumi" / "stacks" / "shop" / f"{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    deployment = empty_deployment(new_manifest("v3.0.0", datetime.now(UTC)), None)
    file.write_bytes(encode_checkpoint("shop", stack, deployment, map(json.dumps, documents)))
    meta = project / ".pulumi" / "meta.yaml"
    meta.write_text("version: 1\n")
    return file
