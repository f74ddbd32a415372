"""Prices what a Kubernetes cluster asks its cloud for: load balancers and volumes. What runs in it runs on nodes.

What a chart installs is not in a plan, only its values are: load balancers and volumes that these ask for are counted,
those that a chart makes by its own defaults are not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.cost.inputs import choice_of, is_hidden, mapping_of, mappings_of, number_of, text_of, truth_of
from planning.cost.kubernetes_quantity import quantity_of
from planning.cost.lines import Context, Line
from planning.cost.price_aws_network import load_balancer_lines
from planning.cost.price_gcp_compute import DISK_SERVICES
from planning.cost.price_gcp_network import forwarding_lines
from planning.quantities import BYTES_PER_GIB

_ALB_CLASS = "alb"
_GCE_CLASSES = ("gce", "gce-internal")
_STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_ENVOY_PROXY = "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"
_TAKEN_FOR = "taken for a gp3 volume; the storage class decides"
_GCP_TAKEN_FOR = "taken for a balanced persistent disk; the storage class decides"
_GCP_CLASSES = {"standard": "pd-standard", "standard-rwo": "pd-balanced", "premium-rwo": "pd-ssd"}
"""Storage classes that GKE brings. Source: GKE, "Persistent volumes and dynamic provisioning"."""
_RELEASE_NOTE = (
    "what a chart runs, runs on nodes that are counted; what it makes by its own defaults is not in the plan"
)


def price_service(context: Context) -> list[Line]:
    """A service costs nothing, unless it is a load balancer outside the cluster."""
    spec = context.resource.inputs.get("spec")
    kind = choice_of(mapping_of(spec).get("type"), "ClusterIP")
    if kind is None or is_hidden(spec):
        return [context.unknown("service", "whether it is a load balancer is not in the plan")]
    if kind != "LoadBalancer":
        return [context.free("a service inside the cluster costs nothing", "Kubernetes documentation, Service")]
    return _network_load_balancer(context)


def price_ingress(context: Context) -> list[Line]:
    """An application load balancer, where its class is the cloud's own controller's."""
    spec = context.resource.inputs.get("spec")
    kind = text_of(mapping_of(spec).get("ingressClassName"))
    if kind is None:
        return [context.unknown("ingress", "its class, which decides what it makes, is not in the plan")]
    if context.cloud == "gcp" and kind in _GCE_CLASSES:
        return [context.unknown("ingress", "application load balancers of Google Cloud have no price")]
    if kind != _ALB_CLASS or context.cloud != "aws":
        reason = f"the controller of class {kind} answers for it, by a service that is counted"
        return [context.free(reason, "Kubernetes documentation, Ingress controllers")]
    return load_balancer_lines(context, "application", "load_balancer_hour", "load_balancer_capacity_hour")


def price_gateway(context: Context) -> list[Line]:
    """The service that Envoy Gateway makes for each gateway: a load balancer, unless the plan says otherwise.

    Source: Envoy Gateway, "Customize EnvoyProxy"; its service is of type LoadBalancer by default.
    """
    spec = mapping_of(context.resource.inputs.get("spec"))
    reference = text_of(mapping_of(mapping_of(spec.get("infrastructure")).get("parametersRef")).get("name"))
    for each in context.resources:
        name = text_of(mapping_of(each.inputs.get("metadata")).get("name"))
        if each.type != _ENVOY_PROXY or name != reference:
            continue
        envoy = mapping_of(mapping_of(mapping_of(each.inputs.get("spec")).get("provider")).get("kubernetes"))
        if choice_of(mapping_of(envoy.get("envoyService")).get("type"), "LoadBalancer") != "LoadBalancer":
            return [context.free("its service stays inside the cluster", "Envoy Gateway, Customize EnvoyProxy")]
    return _network_load_balancer(context)


def price_claim(context: Context) -> list[Line]:
    """A claimed volume, by its storage class as far as that is known."""
    return [_volume(context, mapping_of(context.resource.inputs.get("spec")), 1)]


def price_stateful_set(context: Context) -> list[Line]:
    """Its pods run on nodes; each has a volume of its own for each template of a claim."""
    spec = mapping_of(context.resource.inputs.get("spec"))
    templates = list(mappings_of(spec.get("volumeClaimTemplates")))
    if not templates:
        return [context.free("its pods run on nodes that are counted", "Kubernetes documentation, StatefulSets")]
    replicas = number_of(spec.get("replicas", 1))
    if replicas is None:
        return [context.unknown("volumes of its pods", "how many pods it has is not in the plan")]
    return [_volume(context, mapping_of(each.get("spec")), replicas) for each in templates]


def price_release(context: Context) -> list[Line]:
    """What the values of a chart ask a cloud for."""
    values = context.resource.inputs.get("values")
    if is_hidden(values):
        return [context.unknown("chart", "its values are not in the plan")]
    lines = [line for asked in _asked(mapping_of(values)) for line in _lines_of_value(context, asked)]
    return lines or [context.free(_RELEASE_NOTE, "Kubernetes documentation, Workloads")]


def _asked(values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object of a chart's values, however deep, that is not switched off."""
    if values.get("enabled") is False:
        return
    yield values
    for value in values.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                yield from _asked(each)


def _lines_of_value(context: Context, value: Mapping[str, Any]) -> list[Line]:
    if value.get("type") == "LoadBalancer":
        return _network_load_balancer(context)
    if mapping_of(value.get("resources")).get("requests") and value.get("accessModes"):
        return [_volume(context, value, 1)]
    # As most charts have it: persistence or persistentVolume, with enabled and size.
    if value.get("enabled") is True and isinstance(value.get("size"), str):
        return [_volume(context, {"resources": {"requests": {"storage": value["size"]}}}, 1)]
    return []


def _volume(context: Context, claim: Mapping[str, Any], count: float) -> Line:
    asked = quantity_of(mapping_of(mapping_of(claim.get("resources")).get("requests")).get("storage"))
    if asked is None:
        return context.unknown("volume", "its size is not in the plan")
    gibibytes = asked / BYTES_PER_GIB
    what = f"{'' if count == 1 else f'{count:g} x '}claimed volume, {gibibytes:g} GiB"
    if context.cloud != "gcp":
        return context.fixed(what, "block_storage_gib_month", count * gibibytes, note=_TAKEN_FOR)
    kind = _gcp_disk(context, text_of(claim.get("storageClassName")))
    if kind is not None and kind not in DISK_SERVICES:
        return context.unknown(what, f"disks of type {kind} have no price")
    service, note = DISK_SERVICES[kind or "pd-balanced"], "" if kind else _GCP_TAKEN_FOR
    return context.fixed(what, service, count * gibibytes, note=note)


def _gcp_disk(context: Context, storage_class: str | None) -> str | None:
    """The kind of disk that a storage class makes, or the default one; None where the plan does not tell."""
    for each in context.resources:
        if each.type == _STORAGE_CLASS and _is_class(mapping_of(each.inputs.get("metadata")), storage_class):
            return text_of(mapping_of(each.inputs.get("parameters")).get("type"))
    return _GCP_CLASSES.get(storage_class or "")


def _is_class(metadata: Mapping[str, Any], name: str | None) -> bool:
    if name is not None:
        return text_of(metadata.get("name")) == name
    return truth_of(mapping_of(metadata.get("annotations")).get(_DEFAULT_CLASS)) is True


def _network_load_balancer(context: Context) -> list[Line]:
    if context.cloud == "gcp":
        return forwarding_lines(context, "network load balancer")
    return load_balancer_lines(context, "network", "network_load_balancer_hour", "network_load_balancer_capacity_hour")


PRICERS = {
    "kubernetes:apps/v1:StatefulSet": price_stateful_set,
    "kubernetes:core/v1:PersistentVolumeClaim": price_claim,
    "kubernetes:core/v1:Service": price_service,
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": price_gateway,
    "kubernetes:helm.sh/v3:Release": price_release,
    "kubernetes:networking.k8s.io/v1:Ingress": price_ingress,
}
