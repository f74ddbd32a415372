"""Lets every policy pack judge every resource and the whole stack, and tells the user what they object to.

A mandatory violation stops a deployment before the resource is touched, and fails a preview; an advisory one is shown.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine import analyzer_messages, values
from engine import urn as urns
from engine.analyzers import PolicyPack, Remediation
from engine.events import Event, PolicyPackFailed, PolicyViolation
from engine.goal import Goal
from engine.policy_project import PolicyPackError
from engine.resource_state import ResourceState


class PolicyPacks:
    """Running policy packs as one judge; close it to end their processes."""

    def __init__(self, packs: Sequence[PolicyPack], emit: Callable[[Event], None]) -> None:
        self.failed = False
        """Whether a pack failed to judge: it crashed, or a policy in it raised."""
        self._packs = packs
        self._emit = emit
        for pack in packs:
            emit(pack.loaded)

    def remediate(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> values.Properties:
        """The inputs as the packs' remediations leave them."""
        for pack in self._packs:
            request = self._request(goal, state, provider)
            with self._noticing(pack):
                remediations = pack.remediate(request)
            for remediation in remediations:
                self._emit(_remediation_event(state, remediation))
                if remediation.properties is not None:
                    state = state.changed(inputs={**state.inputs, **remediation.properties})
        return state.inputs

    def check_resource(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> bool:
        """Reports what the packs object to; True where nothing mandatory is violated."""
        request = self._request(goal, state, provider)
        return self._report(lambda pack: pack.analyze(request))

    def check_stack(self, states: Sequence[ResourceState]) -> bool:
        """Reports what the packs object to in the resources together; True where nothing mandatory is violated."""
        by_urn = {state.urn: state for state in states}
        resources = [
            analyzer_messages.analyzer_resource(state, state.outputs or state.inputs, provider=_provider(state, by_urn))
            for state in states
            if not urns.is_provider(state.type)
        ]
        return self._report(lambda pack: pack.analyze_stack(resources))

    def cancel(self) -> None:
        """Asks every pack to give up what it is doing."""
        for pack in self._packs:
            pack.cancel()

    def close(self) -> None:
        """Ends every pack's process."""
        for pack in self._packs:
            pack.close()

    @contextmanager
    def _noticing(self, pack: PolicyPack) -> Iterator[None]:
        try:
            yield
        except PolicyPackError:
            self.failed = True
            self._emit(PolicyPackFailed(pack.name, pack.version))
            raise

    def _request(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> Any:
        return analyzer_messages.analyze_request(
            state,
            state.inputs,
            provider=provider,
            delete_before_replace=goal.delete_before_replace,
            aliases=[alias.urn for alias in goal.aliases if alias.urn],
        )

    def _report(self, judge: Callable[[PolicyPack], Sequence[PolicyViolation]]) -> bool:
        allowed = True
        for pack in self._packs:
            with self._noticing(pack):
                violations = judge(pack)
            for violation in violations:
                self._emit(violation)
                allowed = allowed and violation.level != "mandatory"
        return allowed


def _provider(state: ResourceState, by_urn: dict[str, ResourceState]) -> ResourceState | None:
    return by_urn.get(urns.split_provider_reference(state.provider)[0]) if state.provider else None


def _remediation_event(state: ResourceState, remediation: Remediation) -> PolicyViolation:
    return PolicyViolation(
        pack=remediation.pack,
        pack_version=remediation.pack_version,
        policy=remediation.policy,
        message=remediation.diagnostic or f"changed the inputs of {urns.name_of(state.urn)}",
        level="advisory" if remediation.diagnostic else "remediate",
        urn=state.urn,
        description=remediation.description,
    )
