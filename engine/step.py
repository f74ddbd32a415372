"""What is to be done to one resource: the plan that a registration, a read or a deletion comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine import property_paths, values
from engine.events import Operation
from engine.goal import Goal
from engine.providers import Difference
from engine.resource_state import ResourceState


@dataclass(frozen=True, slots=True)
class Decision:
    """The operation on a registered resource, and the reasons to show."""

    operation: Operation
    """SAME, CREATE, UPDATE or REPLACE."""
    replace_reasons: list[str] = field(default_factory=list)
    diff_reasons: list[str] = field(default_factory=list)
    detailed: dict[str, dict[str, object]] | None = None
    delete_before_replace: bool = False


def decide(goal: Goal, old: ResourceState | None, inputs: values.Properties, difference: Difference) -> Decision:
    """The operation that takes `old` to `goal`, given the checked `inputs` and what the provider made of them.

    Implements Pulumi's rules: a pending replacement is carried on; `replaceOnChanges` turns a change into a
    replacement; the option `deleteBeforeReplace` overrules the provider.
    """
    if old is None:
        return Decision(Operation.CREATE)
    difference = complete(difference, goal.ignore_changes, old, inputs)
    replaces = replacement_reasons(difference, goal.replace_on_changes, old, inputs)
    before = difference.delete_before_replace
    if goal.delete_before_replace is not None:
        before = goal.delete_before_replace
    detailed = _marked(difference.detailed, goal.replace_on_changes)
    if replaces or old.pending_replacement:
        return Decision(Operation.REPLACE, replaces, difference.changed_keys, detailed, delete_before_replace=before)
    if difference.changes or old.init_errors:
        return Decision(Operation.UPDATE, [], difference.changed_keys, detailed)
    return Decision(Operation.SAME)


def complete(
    difference: Difference, ignore_changes: Sequence[str], old: ResourceState, inputs: values.Properties
) -> Difference:
    """The provider's difference, or the engine's own comparison of inputs where the provider leaves it open."""
    if difference.changes is not None:
        return difference
    compared = property_paths.restore(inputs, old.inputs, [property_paths.parse(path) for path in ignore_changes])
    if values.same(old.inputs, compared):
        return Difference(changes=False)
    detailed: dict[str, dict[str, object]] = {
        path: {"kind": kind, "inputDiff": True}
        for path, kind in property_paths.difference(old.inputs, compared).items()
    }
    return Difference(
        True,
        difference.replaces,
        _changed_keys(old.inputs, compared),
        difference.delete_before_replace,
        detailed or None,
    )


def replacement_reasons(
    difference: Difference, replace_on_changes: Sequence[str], old: ResourceState, inputs: values.Properties
) -> list[str]:
    """The properties that make the change a replacement: what the provider says, and what `replaceOnChanges` adds.

    A provider that only says that something changed (a Python dynamic provider can say no more) is believed to mean the
    inputs that differ.
    """
    if not difference.changes:
        return []
    changed = [*(difference.detailed or property_paths.difference(old.inputs, inputs)), *difference.changed_keys]
    patterns = [property_paths.parse(path) for path in replace_on_changes]
    matching = [path for path in changed if _is_covered(path, patterns)]
    return list(dict.fromkeys([*difference.replaces, *property_paths.top_level_keys(matching)]))


def _marked(
    detailed: dict[str, dict[str, object]] | None, replace_on_changes: Sequence[str]
) -> dict[str, dict[str, object]] | None:
    """The detailed difference with the kinds of what `replaceOnChanges` names turned into replacements."""
    patterns = [property_paths.parse(path) for path in replace_on_changes]
    if not detailed or not patterns:
        return detailed
    return {
        path: {**entry, "kind": f"{entry['kind']}-replace"} if _is_covered(path, patterns) else entry
        for path, entry in detailed.items()
    }


def _is_covered(path: str, patterns: Sequence[property_paths.Path]) -> bool:
    return any(property_paths.covers(pattern, property_paths.parse(path)) for pattern in patterns)


def _changed_keys(old: values.Properties, new: values.Properties) -> list[str]:
    absent = object()
    return [
        key for key in sorted(old.keys() | new.keys()) if not values.same(old.get(key, absent), new.get(key, absent))
    ]
