"""Reads manifests for tests: outputs resolved, checked by Kubernetes' own schemas, written as a person reads them."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import kubernetes_validate
import pulumi
import yaml

from infra.kubernetes.object import Manifest
from tests.pulumi_loop import run_in_loop

VERSIONS = ("1.34", "1.35", "1.36")
"""As in `infra.aws.settings.KUBERNETES_VERSIONS`."""
_WITHOUT_SCHEMA = (".x-k8s.io", ".sh/", "karpenter.k8s.aws", "gateway.networking.k8s.io", "envoyproxy.io")


def resolved(build: Callable[[], Sequence[Manifest]]) -> list[Manifest]:
    """The manifests that `build` returns, with every output known."""

    async def read() -> list[Manifest]:
        return list(await pulumi.Output.all(*build()).future() or [])

    return run_in_loop(read)


def schema_problems(manifests: Sequence[Manifest]) -> list[str]:
    """What Kubernetes' schemas of three versions have against the manifests; objects of other APIs are left out."""
    problems = []
    for version in VERSIONS:
        for manifest in manifests:
            if any(part in manifest["apiVersion"] for part in _WITHOUT_SCHEMA):
                continue
            try:
                kubernetes_validate.validate(json.loads(json.dumps(manifest)), version, strict=True)
            except kubernetes_validate.ValidationError as error:
                problems.append(f"{version} {manifest['kind']} {manifest['metadata']['name']}: {error.message}")
    return problems


def as_yaml(manifests: Sequence[Manifest]) -> str:
    """All of them in one text, in their order."""
    return yaml.dump_all(manifests, Dumper=_Literal, sort_keys=False, width=110)


class _Literal(yaml.SafeDumper):
    """Writes texts of several lines as they are, and no list in another one's flow."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Literal.add_representer(str, _represent_text)
