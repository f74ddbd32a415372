"""The document that `pulumi preview --json` prints, made from a preview's events.

Rules, as observed of the Pulumi CLI 3.260:

- Keys in this order: config, steps, diagnostics, duration, changeSummary, maybeCorrupt; each is left out where it is
  empty, also a duration of zero and a false maybeCorrupt. Indented by four spaces; ``<``, ``>`` and ``&`` are escaped
  as Go's encoder does. duration is in whole nanoseconds.
- steps: what changes, in the order in which it was decided, and always the stack, also when it stays the same. Other
  unchanged resources are left out unless their protection changes, as are the physical halves of a replacement
  (``replace`` stands for it) and the engine's own default providers.
- A step: op, urn, provider, oldState, newState, diffReasons, replaceReasons, detailedDiff; left out where empty but
  for detailedDiff, which is null where the provider gave none. A state is the one before the step runs: a new
  resource's has inputs and no outputs. It has the keys of a checkpoint's resource.
- Secrets are ``[secret]``; an unknown value is the string 04da6b54-80e4-46f7-96ec-b56ff0331ba9; NaN and infinities are
  written as in a checkpoint.
- diagnostics: no debug message and nothing ephemeral; the text begins with its severity unless that is info, and ends
  with a newline. urn is left out where there is none.
- changeSummary counts logical operations, sorted by name, unchanged ones and the stack included.

`policyViolations` is this engine's own addition, present only where a policy objects.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from engine import urn as urns
from engine.events import Diagnostic, Event, Finished, Operation, PolicyViolation, Severity, StepStarted
from engine.values import as_json

_PHYSICAL: Final = {
    Operation.CREATE_REPLACEMENT,
    Operation.DELETE_REPLACED,
    Operation.READ_REPLACEMENT,
    Operation.DISCARD_REPLACED,
}
_HTML: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_NANOSECONDS_PER_SECOND: Final = 1_000_000_000


def preview_document(events: Iterable[Event]) -> dict[str, Any]:
    """The document for the events of a preview that was asked for every state."""
    steps: list[dict[str, Any]] = []
    diagnostics: list[dict[str, str]] = []
    violations: list[dict[str, str]] = []
    finished = Finished("failed", {}, 0.0)
    for event in events:
        match event:
            case StepStarted() if _is_shown(event):
                steps.append(_step(event))
            case Diagnostic() if not event.ephemeral and event.severity != Severity.DEBUG:
                diagnostics.append(_diagnostic(event))
            case PolicyViolation():
                violations.append(_violation(event))
            case Finished():
                finished = event
            case _:
                pass
    document = {
        "config": dict(sorted(finished.config.items())),
        "steps": steps,
        "diagnostics": diagnostics,
        "duration": round(finished.seconds * _NANOSECONDS_PER_SECOND),
        "changeSummary": {operation: count for operation, count in sorted(finished.changes.items()) if count},
        "maybeCorrupt": finished.maybe_corrupt,
        "policyViolations": violations,
    }
    return {key: value for key, value in document.items() if value}


def render(document: dict[str, Any]) -> str:
    """The document as text, a newline at its end, byte for byte as Go's encoder writes it."""
    text = json.dumps(document, indent=4, ensure_ascii=False, allow_nan=False)
    for character, escaped in _HTML.items():
        text = text.replace(character, escaped)
    return _LONE_SURROGATES.sub("\ufffd", text) + "\n"


def _is_shown(step: StepStarted) -> bool:
    if urns.is_default_provider(step.urn) or (step.operation in _PHYSICAL and not step.logical):
        return False
    if step.operation != Operation.SAME or urns.type_of(step.urn) == urns.STACK_TYPE:
        return True
    return (step.old_state or {}).get("protect", False) != (step.new_state or {}).get("protect", False)


def _step(step: StepStarted) -> dict[str, Any]:
    optional = {
        "provider": step.provider,
        "oldState": as_json(step.old_state),
        "newState": as_json(step.new_state),
        "diffReasons": step.diff_reasons,
        "replaceReasons": step.replace_reasons,
    }
    return {
        "op": str(step.operation),
        "urn": step.urn,
        **{key: value for key, value in optional.items() if value},
        "detailedDiff": step.detailed_diff,
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, str]:
    prefix = "" if diagnostic.severity == Severity.INFO else f"{diagnostic.severity}: "
    message = prefix + diagnostic.message
    fields = {"urn": diagnostic.urn} if diagnostic.urn else {}
    return {
        **fields,
        "message": message if message.endswith("\n") else f"{message}\n",
        "severity": str(diagnostic.severity),
    }


def _violation(violation: PolicyViolation) -> dict[str, str]:
    fields = {
        "urn": violation.urn,
        "policyPack": violation.pack,
        "policyPackVersion": violation.pack_version,
        "policy": violation.policy,
        "enforcementLevel": violation.level,
        "severity": violation.severity,
        "message": violation.message,
    }
    return {key: value for key, value in fields.items() if value}
