"""Puts the stack's labels on every resource of the platform that takes labels, in one place, so that none is forgotten.

Google Cloud has two things called tags, and neither is what AWS calls so: what tells project, stack, owner, cost centre
and expiry are labels. A resource's own labels win. Source: Resource Manager, "Requirements for labels".
"""

import inspect
import re
from collections.abc import Mapping

import pulumi

NAME_OF_LABELS = {
    "gcp:container/cluster:Cluster": "resourceLabels",
    "gcp:monitoring/notificationChannel:NotificationChannel": "userLabels",
}
"""The property of those types that call it otherwise, or have it beside another: `labels` of a notification channel are
where it leads."""


def label_value(text: str) -> str:
    """A text as the value of a label: at most 63 of a-z, 0-9, _ and -. What cannot be written so becomes a -."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels that say what the tags of a stack say."""
    return {label_value(name): label_value(value) for name, value in tags.items()}


def labelled(labels: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options of a component with which every resource of Google Cloud below it that can carries `labels`."""

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("gcp:"):
            return None
        name = NAME_OF_LABELS.get(args.type_, "labels")
        parameter = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if parameter not in _parameters(type(args.resource)):
            return None
        key = name if name in args.props else parameter
        own = args.props.get(key)
        merged = pulumi.Output.from_input(own).apply(lambda own: {**labels, **(own or {})}) if own else dict(labels)
        return pulumi.ResourceTransformationResult({**args.props, key: merged}, args.opts)

    return pulumi.ResourceOptions(transformations=[add])


def _parameters(resource: type[pulumi.Resource]) -> frozenset[str]:
    # The constructor itself takes anything and hands it on.
    return frozenset(inspect.signature(resource._internal_init).parameters)  # type: ignore[attr-defined]
