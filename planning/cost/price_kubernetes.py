"""Prices what a Kubernetes cluster asks its cloud for: load balancers and volumes. What runs in it runs on nodes.

What a chart installs is not in a plan, only its values are: load balancers and volumes that these ask for are counted,
those that a chart makes by its own defaults are not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.cost.inputs import choice_of, is_hidden, mapping_of, mappings_of, number_of, text_of
from planning.cost.kubernetes_quantity import quantity_of
from planning.cost.lines import Context, Line
from planning.cost.price_aws_network import load_balancer_lines
from planning.quantities import BYTES_PER_GIB

_ALB_CLASS = "alb"
_ENVOY_PROXY = "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"
_TAKEN_FOR = "taken for a gp3 volume; the storage class decides"
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
    """An application load balancer, where its class is the AWS Load Balancer Controller's."""
    spec = context.resource.inputs.get("spec")
    kind = text_of(mapping_of(spec).get("ingressClassName"))
    if kind is None:
        return [context.unknown("ingress", "its class, which decides what it makes, is not in the plan")]
    if kind != _ALB_CLASS:
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
    """A claimed volume, as gp3."""
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
    return context.fixed(what, "block_storage_gib_month", count * gibibytes, note=_TAKEN_FOR)


def _network_load_balancer(context: Context) -> list[Line]:
    return load_balancer_lines(context, "network", "network_load_balancer_hour", "network_load_balancer_capacity_hour")


PRICERS = {
    "kubernetes:apps/v1:StatefulSet": price_stateful_set,
    "kubernetes:core/v1:PersistentVolumeClaim": price_claim,
    "kubernetes:core/v1:Service": price_service,
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": price_gateway,
    "kubernetes:helm.sh/v3:Release": price_release,
    "kubernetes:networking.k8s.io/v1:Ingress": price_ingress,
}
