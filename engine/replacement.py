"""What else must go when a resource is deleted before its replacement is made: dependents that would be replaced too.

Source: Pulumi's documentation, "deleteBeforeReplace": a dependent goes first if the change of what it depends on
replaces it, which its provider tells when the inputs in question are unknown.
"""

from collections.abc import Callable, Sequence

from engine import urn as urns
from engine.providers import Provider
from engine.resource_state import ResourceState
from engine.step import complete, replacement_reasons
from engine.values import UNKNOWN


def dependents_to_replace(
    root: ResourceState, candidates: Sequence[ResourceState], provider_of: Callable[[ResourceState], Provider]
) -> list[tuple[ResourceState, list[str]]]:
    """The states among `candidates`, in order of dependency, that must be replaced with `root`, and by which inputs."""
    affected = {root.urn}
    doomed: list[tuple[ResourceState, list[str]]] = []
    for state in candidates:
        if state is root or not state.custom or state.external:
            continue
        reasons = _reasons(state, affected, provider_of)
        if reasons is not None:
            affected.add(state.urn)
            doomed.append((state, reasons))
    return doomed


def _reasons(
    state: ResourceState, affected: set[str], provider_of: Callable[[ResourceState], Provider]
) -> list[str] | None:
    if state.provider and urns.split_provider_reference(state.provider)[0] in affected:
        return ["provider"]
    if state.deleted_with in affected:
        return ["deletedWith"]
    touched = {key for key in state.inputs if not affected.isdisjoint(state.property_dependencies.get(key, ()))}
    if not touched or urns.is_provider(state.type):
        return None
    news = {key: UNKNOWN if key in touched else value for key, value in state.inputs.items()}
    difference = provider_of(state).diff(state.urn, state.id, state.inputs, state.outputs, news)
    difference = complete(difference, state.ignore_changes, state, news)
    return replacement_reasons(difference, state.replace_on_changes, state, news) or None
