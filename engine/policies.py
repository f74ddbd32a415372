"""Lets every policy pack judge every resource and the whole stack, and tells the user what they object to.

A mandatory violation stops a deployment before the resource is touched, and fails a preview; an advisory one is shown.
A preview goes on while the packs start and judge, and tells of all violations at its end, resource by resource.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine import analyzer_messages, values
from engine import urn as urns
from engine.analyzers import PolicyPack, Remediation
from engine.errors import Cancelled, EngineError, StepError
from engine.events import Event, PolicyPackFailed, PolicyViolation
from engine.goal import Goal
from engine.policy_project import PolicyPackError
from engine.policy_queue import PolicyQueue
from engine.resource_state import ResourceState


class PolicyPacks:
    """Policy packs as one judge; whoever launched them closes them."""

    def __init__(self, packs: Sequence[PolicyPack], emit: Callable[[Event], None], *, dry_run: bool) -> None:
        """The packs may still be starting; for an update they are waited for, and may fail, here."""
        self.failed = False
        """Whether a pack failed to judge: it crashed, or a policy in it raised."""
        self._packs = packs
        self._emit = emit
        self._queues: list[PolicyQueue] = []
        self._queued: list[str] = []
        """URNs of the resources that are in the queues, in their order."""
        self._queueing = threading.Lock()
        if dry_run:
            self._queues = [PolicyQueue(pack) for pack in packs]
        else:
            self._introduce()

    def remediate(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> values.Properties:
        """The inputs as the packs' remediations leave them."""
        for pack in self._packs:
            if not pack.may_remediate:
                continue
            try:
                pack.ready()
            except EngineError:
                # `conclude` tells of it.
                raise Cancelled(f"{state.urn} was not touched: a policy pack cannot judge it") from None
            if not pack.remediates:
                continue
            request = self._request(goal, state, provider)
            with self._noticing(pack):
                remediations = pack.remediate(request)
            for remediation in remediations:
                self._emit(_remediation_event(state, remediation))
                if remediation.properties is not None:
                    state = state.changed(inputs={**state.inputs, **remediation.properties})
        return state.inputs

    def check_resource(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> bool:
        """Reports what the packs object to; True where nothing mandatory is violated.

        In a preview that is only found out later, by `conclude`.
        """
        request = self._request(goal, state, provider)
        if not self._queues:
            return self._report(lambda pack: pack.analyze(request))
        with self._queueing:
            for queue in self._queues:
                queue.add(request)
            self._queued.append(state.urn)
        return True

    def conclude(self, states: Sequence[ResourceState] | None, stop: Callable[[], bool]) -> bool:
        """Reports what the packs object to in a preview's resources, and in all of these `states` together, if any.

        True where nothing mandatory is violated. Waits for the packs, unless told to `stop`. Raises StepError for a
        resource that a pack could not judge, and PolicyPackError for the stack.
        """
        with self._queueing:
            for queue in self._queues:
                queue.close()
        resources = self._resources(states) if states is not None else None
        if not all(queue.wait(stop) for queue in self._queues):
            return True
        allowed = self._report_queued()
        if resources is not None:
            allowed = self._report(lambda pack: pack.analyze_stack(resources)) and allowed
        return allowed

    def _introduce(self) -> None:
        for pack in self._packs:
            pack.ready()
        for pack in self._packs:
            self._emit(pack.loaded)

    def _report_queued(self) -> bool:
        if not self._queues:
            return True
        self._introduce()
        allowed = True
        for index in range(len(self._queued)):
            for queue in self._queues:
                # What one pack cannot judge, another may have.
                if index < len(queue.verdicts):
                    allowed = self._emit_all(queue.verdicts[index]) and allowed
        self._refuse_unjudged()
        return allowed

    def _refuse_unjudged(self) -> None:
        """Tells of every pack that has failed; raises StepError for the resource that the first of them left out."""
        failed = [queue for queue in self._queues if len(queue.verdicts) < len(self._queued)]
        for queue in failed:
            self._emit_failure(queue.pack)
        if failed:
            first = min(failed, key=lambda queue: len(queue.verdicts))
            reasons = dict.fromkeys(str(queue.failure or f"{queue.pack.name}: it did not judge") for queue in failed)
            raise StepError(self._queued[len(first.verdicts)], "\n".join(reasons))

    @contextmanager
    def _noticing(self, pack: PolicyPack) -> Iterator[None]:
        try:
            yield
        except PolicyPackError:
            self._emit_failure(pack)
            raise

    def _emit_failure(self, pack: PolicyPack) -> None:
        self.failed = True
        self._emit(PolicyPackFailed(pack.name, pack.version))

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
            allowed = self._emit_all(violations) and allowed
        return allowed

    def _emit_all(self, violations: Sequence[PolicyViolation]) -> bool:
        """Tells of the violations; True where none is mandatory."""
        for violation in violations:
            self._emit(violation)
        return all(violation.level != "mandatory" for violation in violations)

    def _resources(self, states: Sequence[ResourceState]) -> list[Any]:
        by_urn = {state.urn: state for state in states}
        return [
            analyzer_messages.analyzer_resource(state, state.outputs or state.inputs, provider=_provider(state, by_urn))
            for state in states
            if not urns.is_provider(state.type)
        ]


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
