"""Outputs whose value is known in a preview, and which still wait for what makes them true."""

import asyncio

import pulumi


def known_after(text: str, resource: pulumi.Resource) -> pulumi.Output[str]:
    """A text that is known beforehand, such as a name: whatever takes it as an input waits for the resource."""

    async def value() -> str:
        return text

    async def known() -> bool:
        return True

    return pulumi.Output({resource}, asyncio.ensure_future(value()), asyncio.ensure_future(known()))
