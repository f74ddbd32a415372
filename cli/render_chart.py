"""Turns a release of a Helm chart into the file of its values and the `helm` command that installs it."""

import shlex
from collections.abc import Mapping
from typing import Any

from cli.render_manifest import Gaps, filled
from cli.render_order import PreviewedObject
from engine.values import UNKNOWN_SENTINEL

_DEFAULT_NAMESPACE = "default"
_DEFAULT_TIMEOUT_SECONDS = 300


def values_of(release: PreviewedObject, gaps: Gaps) -> dict[str, Any]:
    """The values of a release, placeholders for what is not known or secret, its gaps noted in `gaps`."""
    values = release.inputs.get("values")
    if isinstance(values, Mapping):
        return filled(values, gaps)
    if values is not None:
        gaps.note(("values",), secret=values != UNKNOWN_SENTINEL)
    return {}


def helm_command(release: PreviewedObject, file: str) -> str:
    """The command that installs a release, or brings it up to date, with the values in `file`.

    Source: Helm, "helm upgrade"; what the options are called in Pulumi: Pulumi registry, Kubernetes, helm.v3.Release.
    """
    inputs = release.inputs
    repository = inputs.get("repositoryOpts")
    repository = repository if isinstance(repository, Mapping) else {}
    words = ["helm", "upgrade", "--install", release.name, str(inputs.get("chart", ""))]
    if repository.get("repo"):
        words += ["--repo", str(repository["repo"])]
    if inputs.get("version"):
        words += ["--version", str(inputs["version"])]
    words += ["--namespace", release.namespace or _DEFAULT_NAMESPACE]
    switches = {"createNamespace": "--create-namespace", "skipCrds": "--skip-crds", "atomic": "--atomic"}
    words += [option for name, option in switches.items() if inputs.get(name) is True]
    if inputs.get("skipAwait") is not True:
        words += ["--wait"]
    timeout = inputs.get("timeout")
    if isinstance(timeout, int) and timeout != _DEFAULT_TIMEOUT_SECONDS:
        words += ["--timeout", f"{timeout}s"]
    return shlex.join([*words, "-f", file])
