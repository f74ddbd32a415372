"""Prices what a Kubernetes cluster asks its cloud for: load balancers and volumes. What runs in it runs on nodes."""

import re

from planning.cost.inputs import choice_of, is_hidden, mapping_of, text_of
from planning.cost.lines import Context, Line
from planning.cost.price_aws_network import load_balancer_lines
from planning.quantities import BYTES_PER_GIB

# Bytes of a quantity's suffix. Source: Kubernetes documentation, "Resource Management", memory units.
_SUFFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([kMGT]|[KMGT]i)?")


def price_service(context: Context) -> list[Line]:
    """A service costs nothing, unless it is a load balancer outside the cluster."""
    spec = context.resource.inputs.get("spec")
    kind = choice_of(mapping_of(spec).get("type"), "ClusterIP")
    if kind is None or is_hidden(spec):
        return [context.unknown("service", "whether it is a load balancer is not in the plan")]
    if kind != "LoadBalancer":
        return [context.free("a service inside the cluster costs nothing", "Kubernetes documentation, Service")]
    return load_balancer_lines(context, "network", "network_load_balancer_hour", "network_load_balancer_capacity_hour")


def price_claim(context: Context) -> list[Line]:
    """A claimed volume, as gp3."""
    spec = mapping_of(context.resource.inputs.get("spec"))
    asked = text_of(mapping_of(mapping_of(spec.get("resources")).get("requests")).get("storage")) or ""
    matched = _QUANTITY.fullmatch(asked)
    if not matched:
        return [context.unknown("volume", "its size is not in the plan")]
    gibibytes = float(matched[1]) * _SUFFIXES[matched[2] or ""] / BYTES_PER_GIB
    note = "taken for a gp3 volume; the storage class decides"
    return [context.fixed(f"claimed volume, {gibibytes:g} GiB", "block_storage_gib_month", gibibytes, note=note)]


PRICERS = {"kubernetes:core/v1:Service": price_service, "kubernetes:core/v1:PersistentVolumeClaim": price_claim}
