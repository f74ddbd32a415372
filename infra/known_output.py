"""Outputs that wait for what makes them true, whether their value is known in a preview or not."""

import asyncio
from collections.abc import Iterable

import pulumi


def known_after(text: str, resource: pulumi.Resource) -> pulumi.Output[str]:
    """A text that is known beforehand, such as a name: whatever takes it as an input waits for the resource."""

    async def value() -> str:
        return text

    async def known() -> bool:
        return True

    return pulumi.Output({resource}, asyncio.ensure_future(value()), asyncio.ensure_future(known()))


def known_when(identifier: pulumi.Output[str], ready: Iterable[pulumi.Resource]) -> pulumi.Output[str]:
    """An identifier that is known once all of what makes its bearer usable is there: routes, grants and so on."""
    ids = [resource.id for resource in ready if isinstance(resource, pulumi.CustomResource)]
    return pulumi.Output.all(identifier, *ids).apply(lambda known: str(known[0]))
