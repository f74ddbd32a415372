"""Puts the stack's tags on every resource of the platform that takes tags, in one place, so that none is forgotten.

Not the provider's default tags: those are of a provider's configuration, which an explicit provider would have to
repeat and a default one takes from the stack file, where they can be left out. A resource's own tags win.
"""

import inspect
from collections.abc import Mapping

import pulumi


def tagged(tags: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options of a component with which every AWS resource below it carries `tags`."""

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("aws:") or not _takes_tags(type(args.resource)):
            return None
        own = args.props.get("tags")
        merged = pulumi.Output.from_input(own).apply(lambda own: {**tags, **(own or {})}) if own else dict(tags)
        return pulumi.ResourceTransformationResult({**args.props, "tags": merged}, args.opts)

    return pulumi.ResourceOptions(transformations=[add])


def _takes_tags(resource: type[pulumi.Resource]) -> bool:
    # The constructor itself takes anything and hands it on.
    return "tags" in inspect.signature(resource._internal_init).parameters  # type: ignore[attr-defined]
