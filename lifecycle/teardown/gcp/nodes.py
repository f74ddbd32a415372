"""Finds what computes: the cluster, and what GKE makes for it and should take along: groups, machines, templates.

Of a cluster that is still there they are not named one by one: they go with it. Nodes of a queued pool (flex-start) and
of the autoscaler belong to the same groups.
"""

from collections.abc import Iterator
from typing import Any

from lifecycle.google_api import GoogleError
from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.commands import place
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of, path_of
from lifecycle.teardown.gcp.ownership import (
    CLUSTER_LABEL,
    LOCATION_LABEL,
    all_clusters,
    machine_mark,
    mark_of,
    network_mark,
)

_CLUSTER_METADATA = "cluster-name"
"""By which GKE tells a node, and the template of nodes, what cluster it is of."""


def find_clusters(search: Search) -> Iterator[Found]:
    """The GKE cluster with its pools. Raises GoogleError."""
    for each in _clusters(search):
        name, location = each["name"], each["location"]
        if each.get("status") == "STOPPING":
            yield search.going(Stage.CLUSTERS, "GKE cluster", name, "its status is STOPPING")
            continue
        why = f"it has the name of the stack's cluster; nodes: {each.get('currentNodeCount', 0)}"
        line = search.line("container clusters delete {name} --location={location}", name=name, location=location)
        yield search.left(Stage.CLUSTERS, "GKE cluster", name, why, line)


def _clusters(search: Search) -> Iterator[dict[str, Any]]:
    """The cluster of the stack, once for each place in its region that has one of the name. Raises GoogleError."""
    subject = search.subject
    for each in all_clusters(search):
        if each["name"] == subject.cluster_name and subject.holds(each["location"]):
            yield each


def _goes_with_cluster(search: Search, labels: dict[str, str]) -> bool:
    """Whether GKE has made it for a cluster that is known to be there still."""
    if not labels.get(CLUSTER_LABEL):
        return False
    try:
        clusters = list(_clusters(search))
    except GoogleError:
        # Told as what could not be looked at. What costs is better named once too often.
        return False
    return any(
        labels[CLUSTER_LABEL] == each["name"] and labels.get(LOCATION_LABEL, each["location"]) == each["location"]
        for each in clusters
    )


def _template_labels(template: dict[str, Any]) -> dict[str, str]:
    """The labels of the nodes of a template, and their cluster as its metadata tells it."""
    properties = template.get("properties") or {}
    told = {each.get("key"): each.get("value") for each in (properties.get("metadata") or {}).get("items") or ()}
    name = told.get(_CLUSTER_METADATA)
    return ({CLUSTER_LABEL: str(name)} if name else {}) | labels_of(properties)


def find_groups(search: Search) -> Iterator[Found]:
    """Managed groups of machines, which make each machine again that is deleted. Raises GoogleError."""
    templates = {path_of(each["selfLink"]): each for each in search.calls.everywhere("instanceTemplates")}
    for each in search.calls.everywhere("instanceGroupManagers"):
        template = templates.get(path_of(str(each.get("instanceTemplate") or "")), {})
        labels = _template_labels(template)
        why = mark_of(search.subject, labels) or _network_of_template(search, template)
        if not why or _goes_with_cluster(search, labels):
            continue
        words = f"compute instance-groups managed delete {{name}} {place(each['selfLink'])}"
        line = search.line(words, name=each["name"])
        told = f"{why}, of its template; machines: {each.get('targetSize', 0)}"
        yield search.left(Stage.GROUPS, "managed instance group", each["name"], told, line)


def _network_of_template(search: Search, template: dict[str, Any]) -> str:
    interfaces = (template.get("properties") or {}).get("networkInterfaces") or ()
    return next((why for each in interfaces if (why := network_mark(search, each))), "")


def find_machines(search: Search) -> Iterator[Found]:
    """Machines: nodes, and the single one. Raises GoogleError."""
    for each in search.calls.everywhere("instances"):
        name, why = each["name"], machine_mark(search, each)
        if not why or _goes_with_cluster(search, labels_of(each)):
            continue
        where = place(each["selfLink"])
        lines = [search.line(f"compute instances delete {{name}} {where}", name=name)]
        if each.get("deletionProtection"):
            lines.insert(
                0, search.line(f"compute instances update {{name}} {where} --no-deletion-protection", name=name)
            )
        told = f"{why}; {name_of(each.get('machineType', ''))}, {each.get('status', '')}"
        yield search.left(Stage.MACHINES, "machine", name, told, *lines)


def find_templates(search: Search) -> Iterator[Found]:
    """Templates of nodes. Raises GoogleError."""
    for each in search.calls.everywhere("instanceTemplates"):
        labels = _template_labels(each)
        why = mark_of(search.subject, labels) or _network_of_template(search, each)
        if why and not _goes_with_cluster(search, labels):
            where = place(each["selfLink"])
            # A template beyond regions takes no option for where it is.
            words = f"compute instance-templates delete {{name}}{'' if where == '--global' else f' {where}'}"
            line = search.line(words, name=each["name"])
            yield search.left(Stage.TEMPLATES, "instance template", each["name"], why, line)


FINDERS = (
    Finder("GKE clusters", find_clusters),
    Finder("managed instance groups", find_groups),
    Finder("machines", find_machines),
    Finder("instance templates", find_templates),
)
