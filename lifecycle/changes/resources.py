"""What a deployment of the head would do to the resources that the base had deployed. Pure.

Resources are the same by URN. Which changes replace one is told by `lifecycle.changes.replacing` and by the options
`replaceOnChanges`, `ignoreChanges` and `deletedWith`. What is made from something that is replaced changes with it, as
in Pulumi's preview: a value that nobody knows yet, made from the outputs of a new resource, is another value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from engine import property_paths
from engine.property_paths import Path
from engine.urn import STACK_TYPE
from lifecycle.changes import replacing
from lifecycle.changes.difference import change_at, leaves, property_changes
from lifecycle.changes.plan import Plan, Planned
from lifecycle.changes.report import SECRET, UNKNOWN, GraphNode, Operation, PropertyChange
from lifecycle.changes.stateful import loss_of

Kind = Literal["added", "removed", "changed"]

OPTIONS = ("protect", "provider", "retainOnDelete", "deletedWith")
"""Resource options whose changes are told, by a path in brackets such as `[protect]`."""


@dataclass(slots=True)
class Compared:
    """One resource at both revisions, and what happens to it."""

    before: Planned | None
    after: Planned | None
    operation: Operation
    changes: dict[str, PropertyChange] = field(default_factory=dict)
    """By path."""

    @property
    def resource(self) -> Planned:
        """As it will be; as it was, where it goes."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def loss(self) -> str:
        """What is lost if it is deleted or replaced; empty: nothing, or it is kept."""
        there = self.before or self.resource
        return "" if there.retain_on_delete else loss_of(there.type)

    @property
    def protected(self) -> bool:
        """Whether Pulumi would refuse to delete what is there."""
        return (self.before or self.resource).protect

    def add(self, change: PropertyChange) -> bool:
        """Takes note of a change, and of what it does to the resource; whether that is news."""
        known = self.changes.get(change.path)
        if known is not None and (known.replaces or not change.replaces):
            return False
        self.changes[change.path] = replace(known, replaces=True) if known is not None else change
        if change.replaces:
            self.operation = "replace"
        elif self.operation == "same":
            self.operation = "update"
        return True


def compare(before: Plan, after: Plan) -> dict[str, Compared]:
    """Every resource of both, by URN: the head's in its order, then those that go."""
    found = {urn: _compare(before.resources.get(urn), resource) for urn, resource in after.resources.items()}
    for urn, resource in before.resources.items():
        if urn not in after.resources:
            found[urn] = Compared(resource, None, "delete")
    for compared in found.values():
        if compared.resource.type == STACK_TYPE and compared.before and compared.after:
            for path, change in property_changes({"outputs": before.outputs}, {"outputs": after.outputs}):
                compared.add(replace(change, path=property_paths.render(path)))
    _follow_replacements(found)
    return found


def graph(compared: Mapping[str, Compared]) -> tuple[GraphNode, ...]:
    """How the resources hang together, without the stack itself: what lies directly in it has no parent."""
    roots = {urn for urn, each in compared.items() if each.resource.type == STACK_TYPE}
    return tuple(
        GraphNode(
            urn=urn,
            type=each.resource.type,
            name=each.resource.name,
            parent="" if each.resource.parent in roots else each.resource.parent,
            operation=each.operation,
            depends_on=tuple(one for one in each.resource.dependencies if one in compared and one not in roots),
        )
        for urn, each in compared.items()
        if urn not in roots
    )


def unknown_types(compared: Iterable[Compared]) -> list[str]:
    """Types of changed resources of which nobody here knows what replaces them."""
    found = [each.resource for each in compared if each.operation == "update" and each.resource.type != STACK_TYPE]
    return sorted({each.type for each in found if not replacing.is_known(each.type, custom=each.custom)})


def _compare(before: Planned | None, after: Planned) -> Compared:
    if before is None:
        return Compared(None, after, "create")
    compared = Compared(before, after, "same")
    patterns = replacing.patterns(after.type, after.replace_on_changes)
    ignored = [property_paths.parse(path) for path in after.ignore_changes]
    for path, change in (*property_changes(before.inputs, after.inputs), *_other_origins(before, after)):
        if not any(property_paths.covers(pattern, path) for pattern in ignored):
            compared.add(replace(change, replaces=replacing.replaces(path, change, patterns)))
    for option in OPTIONS:
        was, now = _option(before, option), _option(after, option)
        if was != now:
            kind: Kind = "changed" if was and now else "added" if now else "removed"
            compared.add(PropertyChange(path=f"[{option}]", kind=kind, before=was, after=now, replaces=False))
    return compared


def _option(resource: Planned, name: str) -> bool | str | None:
    values: dict[str, bool | str] = {
        "protect": resource.protect,
        "provider": resource.provider,
        "retainOnDelete": resource.retain_on_delete,
        "deletedWith": resource.deleted_with,
    }
    return values[name] or None


def _other_origins(before: Planned, after: Planned) -> Iterable[tuple[Path, PropertyChange]]:
    """Values that nobody knows on either side, and that are made from other resources than before."""
    for key in sorted(before.inputs.keys() & after.inputs.keys()):
        was, now = before.property_dependencies.get(key, ()), after.property_dependencies.get(key, ())
        if was == now:
            continue
        hidden = [path for path, value in leaves(after.inputs[key], (key,)) if value == UNKNOWN]
        there = dict(leaves(before.inputs[key], (key,)))
        for path in hidden:
            if there.get(path) == UNKNOWN:
                yield path, change_at(path, _from(was, now), _from(now, was))


def _from(urns: tuple[str, ...], others: tuple[str, ...]) -> str:
    """An unknown value, with the names of what it alone is made from."""
    names = sorted({urn.rpartition("::")[2] for urn in set(urns) - set(others)})
    return f"{UNKNOWN} of {', '.join(names)}" if names else UNKNOWN


def _follow_replacements(found: Mapping[str, Compared]) -> None:
    """Carries on what a replacement does to whatever is made from the resource, until nothing more is touched."""
    dependents: dict[str, list[Compared]] = {}
    for each in found.values():
        if each.before is not None and each.after is not None:
            made_from = {one for named in each.after.property_dependencies.values() for one in named}
            for one in {*made_from, each.after.provider, each.after.deleted_with} - {""}:
                dependents.setdefault(one, []).append(each)
    waiting = [urn for urn, each in found.items() if each.operation == "replace"]
    done = set(waiting)
    while waiting:
        urn = waiting.pop()
        for each in dependents.get(urn, ()):
            _touch(each, urn)
            if each.operation == "replace" and each.resource.urn not in done:
                done.add(each.resource.urn)
                waiting.append(each.resource.urn)


def _touch(dependent: Compared, replaced: str) -> None:
    after = dependent.after
    assert after is not None
    name = replaced.rpartition("::")[2]
    if replaced in (after.provider, after.deleted_with):
        option = "provider" if replaced == after.provider else "deletedWith"
        text = f"{name}, which is replaced"
        dependent.add(PropertyChange(path=f"[{option}]", kind="changed", before=name, after=text, replaces=True))
    patterns = replacing.patterns(after.type, after.replace_on_changes)
    ignored = [property_paths.parse(path) for path in after.ignore_changes]
    for key, urns in after.property_dependencies.items():
        if replaced not in urns:
            continue
        for path, value in leaves(after.inputs.get(key), (key,)):
            if value not in (UNKNOWN, SECRET) or any(property_paths.covers(each, path) for each in ignored):
                continue
            change = change_at(path, value, f"{value} of the new {name}")
            dependent.add(replace(change, replaces=replacing.replaces(path, change, patterns)))
