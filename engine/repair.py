"""Puts right what an interrupted run left unfinished: its pending operations, before anything new is planned.

A create that was under way may or may not have happened; the provider is asked to find what it left, and what it finds
is taken over; what it was to replace is marked for deletion, as it would have been. A provider that finds nothing, or
that raises when it is asked with an empty id, leaves nothing to go by: the create is planned anew. A delete that was
under way is believed once the provider no longer finds the resource. An update may have been done in part, so it is
done again, whatever the program now asks for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine import urn as urns
from engine import values
from engine.errors import EngineError, Uncertain, Unsupported
from engine.offline_provider import OfflineProvider
from engine.operations import timestamp, with_instance
from engine.providers import Provider
from engine.resource_state import ResourceState


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """What was under way when the last run ended: creating, updating, deleting or reading, and on what."""

    type: str
    resource: ResourceState


@dataclass(frozen=True, slots=True)
class Repaired:
    """The states to go on with, and what was done, in sentences for the user."""

    states: list[ResourceState]
    messages: list[str]


class RepairFailed(EngineError):
    """It could not be found out what an interrupted run left; everything stays on record for the next one."""


def repair(
    states: Sequence[ResourceState],
    pending: Sequence[PendingOperation],
    provider_of: Callable[[ResourceState], Provider],
) -> Repaired:
    """Resolves every pending operation. Raises RepairFailed where a provider is not there to be asked."""
    repaired = list(states)
    messages: list[str] = []
    for operation in pending:
        state = operation.resource
        interrupted = f"the last run was interrupted while {operation.type} {state.urn}"
        try:
            provider = provider_of(state)
            result = _resolve(repaired, operation, provider)
        except Unsupported as error:
            raise RepairFailed(f"{interrupted}: {error}, and refresh the stack with it") from None
        except Uncertain as error:
            raise RepairFailed(f"{interrupted}, and it cannot be found out what became of it: {error}") from None
        messages.append(f"{interrupted}; {result}")
    return Repaired(repaired, messages)


def _resolve(states: list[ResourceState], operation: PendingOperation, provider: Provider) -> str:
    state = operation.resource
    if urns.is_provider(state.type) or operation.type not in ("creating", "updating", "deleting"):
        return "nothing was changed by that"
    if operation.type == "updating":
        return _repair_update(states, state)
    if isinstance(provider, OfflineProvider) or values.contains_unknowns(state.inputs):
        return "only an update of the stack, which knows its secrets and has its plugins, can tell what became of it"
    return (_repair_create if operation.type == "creating" else _repair_delete)(states, state, provider)


def _repair_create(states: list[ResourceState], state: ResourceState, provider: Provider) -> str:
    try:
        # Dynamic providers find their code in the properties, so the inputs stand for the outputs that never came.
        found = provider.read(state.urn, "", state.inputs, state.outputs or state.inputs)
    except Uncertain:
        raise
    except EngineError as error:
        return f"its provider cannot look for it ({error}), so it is created anew where it is still wanted"
    if found is None:
        return "nothing of it was found, so it is created anew where it is still wanted"
    if any(other.urn == state.urn and other.id == found.id and not other.pending_replacement for other in states):
        return "what was found is the resource that it was to replace, which stays on record"
    now = timestamp()
    adopted = with_instance(state, found).changed(created=now, modified=now)
    place = next((at for at, other in enumerate(states) if other.urn == state.urn and not other.delete), None)
    if place is not None and states[place].pending_replacement:
        # In its place: what depends on the one that was deleted stands behind it.
        states[place] = adopted
        return f"it was found (id {found.id}) and is taken over"
    states.append(adopted)
    if place is None:
        return f"it was found (id {found.id}) and is taken over"
    replaced = states[place]
    states[place] = replaced.changed(delete=True)
    return f"it was found (id {found.id}) and is taken over, and {replaced.id}, which it replaces, is deleted"


def _repair_delete(states: list[ResourceState], state: ResourceState, provider: Provider) -> str:
    place = next((at for at, other in enumerate(states) if other.urn == state.urn and other.id == state.id), None)
    if place is None:
        return "it is gone, and no longer on record"
    try:
        found = provider.read(state.urn, state.id, state.inputs, state.outputs)
    except Uncertain:
        raise
    except EngineError as error:
        return f"its provider cannot look for it ({error}), so it stays on record until it is deleted"
    if found is not None:
        return "it is still there, or was not asked for, and stays on record until it is deleted"
    if not any(state.urn in other.all_dependencies for other in states):
        del states[place]
    elif not states[place].delete:
        # What depends on it needs its record, which now says that it is no longer there.
        states[place] = states[place].changed(pending_replacement=True)
    return "it is gone, and struck from the record"


def _repair_update(states: list[ResourceState], state: ResourceState) -> str:
    for place, other in enumerate(states):
        if other.urn == state.urn and other.id == state.id and not other.delete:
            # Pulumi's own mark for a resource that is not as it should be: it is updated in any case.
            states[place] = other.changed(init_errors=["an update was interrupted"])
    return "it is updated once more"
