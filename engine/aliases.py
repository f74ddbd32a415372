"""Which earlier URNs a resource may have had: its own aliases, and those that its parents' renaming implies.

Source: Pulumi's documentation, "aliases"; a child is found again when its parent has moved.
"""

from collections.abc import Mapping

from engine import urn as urns
from engine.goal import Alias, Goal


def candidates(goal: Goal, stack: str, project: str, moved: Mapping[str, str]) -> list[str]:
    """Every earlier URN of the resource, most explicit first.

    `moved` maps the URN of a resource that was found under an alias to the URN it had before.
    """
    found: dict[str, None] = {}
    own = [_resolve(alias, goal, stack, project, moved) for alias in goal.aliases]
    for urn in own:
        found[urn] = None
    before = moved.get(goal.parent)
    if before:
        parent_name = urns.name_of(goal.parent)
        found[_inherited(goal.type, goal.name, parent_name, before, stack, project)] = None
        for urn in own:
            found[_inherited(urns.type_of(urn), urns.name_of(urn), parent_name, before, stack, project)] = None
    return list(found)


def _resolve(alias: Alias, goal: Goal, stack: str, project: str, moved: Mapping[str, str]) -> str:
    if alias.urn:
        return alias.urn
    parent = moved.get(alias.parent, alias.parent) if alias.parent else goal.parent
    if alias.no_parent:
        parent = ""
    return urns.make(
        alias.stack or stack, alias.project or project, parent, alias.type or goal.type, alias.name or goal.name
    )


def _inherited(child_type: str, child_name: str, parent_name: str, parent_before: str, stack: str, project: str) -> str:
    # A child is usually named after its parent ("app-function" of "app"); it was renamed together with it.
    if child_name.startswith(parent_name):
        child_name = urns.name_of(parent_before) + child_name[len(parent_name) :]
    return urns.make(stack, project, parent_before, child_type, child_name)
