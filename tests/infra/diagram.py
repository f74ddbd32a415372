"""Draws a plan as a Mermaid diagram: what the platform consists of, and what waits for what."""

from tests.infra.plan import Plan, Planned

CLOUDS = ("aws", "gcp")


def diagram(plan: Plan) -> str:
    """One box for each part of the platform, with how many resources of which service are in it.

    An arrow leads from a part to one that it waits for, and is left out where another way leads there as well.
    """
    by_urn = {each.urn: each for each in plan.resources}
    (root,) = (each for each in plan.resources if each.type in [f"trainyard:{cloud}:Platform" for cloud in CLOUDS])
    parts = sorted((each for each in plan.resources if each.parent == root.urn), key=lambda each: each.name)

    def part_of(resource: Planned) -> Planned | None:
        while resource.parent and resource.parent != root.urn:
            if resource.parent not in by_urn:
                return None
            resource = by_urn[resource.parent]
        return resource if resource in parts else None

    services: dict[str, dict[str, int]] = {part.name: {} for part in parts}
    waits: dict[str, set[str]] = {part.name: set() for part in parts}
    for resource in plan.resources:
        part = part_of(resource)
        if part is None:
            continue
        if resource.type.split(":")[0] in CLOUDS:
            service = resource.type.split(":")[1].partition("/")[0]
            services[part.name][service] = services[part.name].get(service, 0) + 1
        for urn in resource.dependencies:
            other = part_of(by_urn[urn]) if urn in by_urn else None
            if other is not None and other.name != part.name:
                waits[part.name].add(other.name)
    lines = ["flowchart LR"]
    for part in parts:
        counts = ", ".join(f"{count} {service}" for service, count in sorted(services[part.name].items()))
        if part.type.startswith("pulumi:providers:"):
            counts = "the way into the cluster"
        if counts:
            lines.append(f'    {_id(part.name)}["<b>{part.name}</b><br/>{counts}"]')
    for name in sorted(waits):
        # What another way leads to as well is left out.
        direct = [each for each in waits[name] if not any(each in _reached(waits, way) for way in waits[name] - {each})]
        lines += [f"    {_id(name)} --> {_id(other)}" for other in sorted(direct)]
    return "\n".join(lines) + "\n"


def _reached(waits: dict[str, set[str]], name: str) -> set[str]:
    found: set[str] = set()
    ways = [*waits[name]]
    while ways:
        one = ways.pop()
        if one not in found:
            found.add(one)
            ways += waits[one]
    return found


def _id(name: str) -> str:
    return name.replace("-", "_")
