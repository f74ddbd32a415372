"""A Kubernetes object as a Pulumi resource, made from its manifest.

Manifests are plain documents, computed apart from Pulumi: what a test applies to a control plane and what `yard render`
writes is to the letter what is deployed. The classes of `pulumi_kubernetes` say the same with other names.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Manifest = dict[str, Any]
"""One object as Kubernetes writes it. Values may be outputs of other resources."""


def namespaced(
    version: str,
    kind: str,
    namespace: str,
    name: str,
    labels: Mapping[str, str],
    content: Mapping[str, Any],
    annotations: Mapping[str, Any] | None = None,
) -> Manifest:
    """The manifest of an object in a namespace.

    :param version: Kubernetes' `apiVersion`.
    :param content: All but the metadata.
    """
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": dict(labels)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def type_token(manifest: Mapping[str, Any]) -> str:
    """Pulumi's name of the object's type: `kubernetes:batch/v1:Job`, `kubernetes:core/v1:Service`."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def pulumi_name(manifest: Mapping[str, Any]) -> str:
    """What the resource is called: the object's name, behind its namespace where it is in one."""
    metadata = manifest["metadata"]
    return "-".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


REPLACED_FOR: Mapping[str, Sequence[str]] = {
    "Job": ["spec.completionMode", "spec.backoffLimitPerIndex", "spec.podFailurePolicy", "spec.maxFailedIndexes"],
    "PriorityClass": ["value", "preemptionPolicy"],
    "StorageClass": ["volumeBindingMode", "reclaimPolicy"],
}
"""Fields that the API server lets nobody change, and the provider does not know of: another value is another object."""


class KubernetesObject(pulumi.CustomResource):
    """One object of the cluster that `opts.provider` leads to."""

    status: pulumi.Output[Mapping[str, Any] | None]
    """What the cluster says of it."""

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        replaced = pulumi.ResourceOptions(
            replace_on_changes=list(REPLACED_FOR.get(manifest["kind"], ())),
            # Its name is taken as long as it is there. The provider knows that where it finds a difference itself.
            delete_before_replace=True,
        )
        # Without the field, nothing of what the cluster answers would be an attribute.
        props = {**manifest, "status": None}
        super().__init__(type_token(manifest), name, props, pulumi.ResourceOptions.merge(replaced, opts))
