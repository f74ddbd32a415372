"""What tests of single components make them from, and what is seen of them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pulumi

from infra.gcp.naming import Names
from policies.judging import judge
from policies.resources import Resource, Stack
from policies.rules import Rule
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.recorder import Resources, record

NAMES = Names("trainyard", "gcp-dev", PROJECT, NUMBER, REGION)


@dataclass(frozen=True)
class Made:
    """What a component registered."""

    resources: Resources
    options: dict[tuple[str, str], pulumi.ResourceOptions]
    """By type and name."""

    def protected(self) -> set[str]:
        """Names of what Pulumi refuses to delete."""
        return {name for (_, name), options in self.options.items() if options.protect}

    def awaited(self, type_: str, name: str) -> set[tuple[str, str]]:
        """Types and names of what a resource says that it waits for, beside what its inputs come from."""
        awaited = self.options[type_, name].depends_on
        assert isinstance(awaited, list)
        return {(each.pulumi_resource_type, each.pulumi_resource_name) for each in awaited}


def made(build: Callable[[pulumi.ResourceOptions], object]) -> Made:
    """What `build` registers with the options that it is given."""
    options: dict[tuple[str, str], pulumi.ResourceOptions] = {}

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        options[args.type_, args.name] = args.opts

    resources = record(lambda: build(pulumi.ResourceOptions(transformations=[see])), stack="gcp-dev")
    return Made(resources, options)


def sources(output: Callable[[pulumi.ResourceOptions], pulumi.Output[str]]) -> set[tuple[str, str]]:
    """Types and names of what has to be there before the output that a component hands on is known."""
    told: list[asyncio.Future[set[pulumi.Resource]]] = []
    made(lambda opts: told.append(asyncio.ensure_future(output(opts).resources())))
    return {(each.pulumi_resource_type, each.pulumi_resource_name) for each in told[0].result()}


def objections(rules: Iterable[Rule], of: Made) -> list[str]:
    """What rules of the policy pack object to, or cannot decide."""
    protected = of.protected()
    judged = [
        Resource(each.type, each.name, each.inputs, protected=each.name in protected)
        for each in of.resources.registered
    ]
    findings = (finding for rule in rules for finding in judge(rule, Stack(judged)))
    return [f"{finding.rule.id}: {finding.objection or finding.unknown}" for finding in findings]
