"""What is printed once a deployment is over: diagnostics, policies, outputs, counts and duration. Pure."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from engine import urn as urns
from engine.display_difference import difference_lines, property_lines
from engine.display_operations import CHANGES, SHOWN, label
from engine.display_record import SAME, Record
from engine.display_text import Line, Span, clean, clean_line, counted, whole_duration
from engine.events import Diagnostic, PolicyViolation, Severity

_SEVERITY_STYLES: Final = {
    str(Severity.ERROR): "error",
    str(Severity.WARNING): "warning",
    str(Severity.INFO): "",
    str(Severity.DEBUG): "dim",
}
_LEVELS: Final = ("mandatory", "remediate", "advisory")
_SENTENCE_END: Final = re.compile(r"\.\s+|\n")


def summary_lines(record: Record, *, action: str, planned: bool) -> list[Line]:
    """All sections that have something to say, with a blank line after each.

    `action` is the noun for the end of it all (``update``, ``preview``, ``destroy``); `planned` tells a preview.
    """
    sections = [
        diagnostic_lines(record),
        policy_lines(record),
        output_lines(record, planned=planned),
        resource_lines(record, planned=planned),
        duration_lines(record, planned=planned),
        outcome_lines(record, action=action, planned=planned),
    ]
    return [line for section in sections if section for line in [*section, []]]


def diagnostic_lines(record: Record) -> list[Line]:
    """The messages, grouped by resource in the order of each one's first message."""
    groups: dict[str, list[Diagnostic]] = {}
    for diagnostic in record.diagnostics:
        groups.setdefault(diagnostic.urn or record.stack, []).append(diagnostic)
    lines: list[Line] = []
    for urn, diagnostics in groups.items():
        if lines:
            lines.append([])
        if urn:
            lines.append([Span("  "), Span(f"{display_type(urn)} ({display_name(urn)}):", "resource")])
        for diagnostic in diagnostics:
            lines += message_lines(diagnostic, "    ")
    return [[Span("Diagnostics:", "heading")], *lines] if lines else []


def message_lines(diagnostic: Diagnostic, indent: str) -> list[Line]:
    """A message, its severity before its first line unless it only informs."""
    severity = str(diagnostic.severity)
    texts = clean(diagnostic.message).strip("\n").split("\n")
    prefix = [] if severity == Severity.INFO else [Span(f"{severity}: ", _SEVERITY_STYLES.get(severity, ""))]
    return [[Span(indent), *prefix, Span(texts[0])], *([Span(indent + text)] for text in texts[1:])]


def policy_lines(record: Record) -> list[Line]:
    """The violations, by policy pack and policy, mandatory ones first; packs without any on one line each.

    The rules for the whole stack come last: where it did not get that far, a pack without a violation is not decided.
    """
    succeeded = record.finished is not None and record.finished.outcome == "succeeded"
    decided = succeeded or (not record.failed_packs and any(not violation.urn for violation in record.violations))
    packs: dict[tuple[str, str], list[PolicyViolation]] = {(pack.name, pack.version): [] for pack in record.packs}
    for violation in record.violations:
        packs.setdefault((violation.pack, violation.pack_version), []).append(violation)
    policies = {(pack.name, pack.version): pack.policies for pack in record.packs}
    lines: list[Line] = []
    for pack, violations in packs.items():
        name = clean_line(f"{pack[0]}@v{pack[1].removeprefix('v')}" if pack[1] else pack[0])
        levels = [(level, sum(one.level == level for one in violations)) for level in _LEVELS]
        found = ", ".join(f"{count} {level}" for level, count in levels if count)
        checked = ""
        if pack in policies:
            checked = f" ({policies[pack]} {'policy' if policies[pack] == 1 else 'policies'})"
        verdict, style = found, "warning"
        if any(one.level == "mandatory" for one in violations):
            style = "error"
        if pack in record.failed_packs:
            verdict, style = ", ".join(filter(None, ["failed", found])), "error"
        elif not violations:
            verdict, style = ("no violation", "create") if decided else ("not decided", "warning")
        lines.append([Span("    "), Span(f"{name}{checked}: {verdict}", style)])
        by_policy: dict[tuple[str, str], list[PolicyViolation]] = {}
        for violation in sorted(violations, key=_severity_order):
            by_policy.setdefault((violation.level, violation.policy), []).append(violation)
        for alike in by_policy.values():
            lines += _violation_lines(alike[0]) if len(alike) == 1 else _alike_lines(alike)
    return [[Span("Policies:", "heading")], *lines] if lines else []


def _severity_order(violation: PolicyViolation) -> tuple[int, str, str]:
    level = _LEVELS.index(violation.level) if violation.level in _LEVELS else len(_LEVELS)
    return level, violation.policy, violation.urn


def _violation_lines(violation: PolicyViolation) -> list[Line]:
    texts = [text for text in (violation.description, violation.message) if text]
    lines = [line for text in texts for line in clean(text).strip("\n").split("\n")]
    return [_head(violation, _subject(violation)), *([Span(f"        {line}")] for line in dict.fromkeys(lines))]


def _alike_lines(violations: Sequence[PolicyViolation]) -> list[Line]:
    """What one policy says of several resources: once what it says of all of them, and a line for each."""
    first = violations[0]
    texts = [clean(each.message.removeprefix(f"{each.description}\n")).strip("\n") for each in violations]
    ending = _shared_ending(texts)
    common = [text for text in (clean(first.description).strip("\n"), ending) if text]
    lines: list[Line] = [_head(first, counted(len(violations), "finding"))]
    lines += [[Span(f"        {line}")] for line in dict.fromkeys("\n".join(common).split("\n")) if line]
    for violation, text in zip(violations, texts, strict=True):
        own, *more = text.removesuffix(ending).strip().split("\n")
        lines.append([Span("          "), Span(_subject(violation), "resource"), Span(f": {own}" if own else "")])
        lines += [[Span(f"            {line}")] for line in more]
    return lines


def _head(violation: PolicyViolation, whom: str) -> Line:
    style = "error" if violation.level == "mandatory" else "warning"
    severity = f" {clean_line(violation.severity)}" if violation.severity else ""
    return [
        Span("      - "),
        Span(f"[{clean_line(violation.level)}]{severity}", style),
        Span(f" {clean_line(violation.policy)} "),
        Span(f"({whom})", "resource"),
    ]


def _subject(violation: PolicyViolation) -> str:
    return f"{display_type(violation.urn)}: {display_name(violation.urn)}" if violation.urn else "stack"


def _shared_ending(texts: Sequence[str]) -> str:
    """The whole sentences or lines with which all texts end."""
    columns = zip(*(reversed(text) for text in texts), strict=False)
    length = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    shared = texts[0][len(texts[0]) - length :]
    if all(text == shared for text in texts):
        return shared
    start = _SENTENCE_END.search(shared)
    return shared[start.end() :] if start else ""


def output_lines(record: Record, *, planned: bool) -> list[Line]:
    """The stack's outputs, changed ones marked; in a preview only those. Nothing where the program failed."""
    outcome = record.finished.outcome if record.finished else "failed"
    old, new = record.old_outputs, record.new_outputs
    lines: list[Line] = []
    if new is not None and outcome == "succeeded":
        lines = difference_lines(old, new, 4, only_changes=planned) if old else property_lines(new, 4)
    elif record.finished is not None and outcome == "succeeded" and not planned:
        lines = property_lines(record.finished.outputs, 4)
    return [[Span("Outputs:", "heading")], *lines] if lines else []


def resource_lines(record: Record, *, planned: bool) -> list[Line]:
    """How many resources each operation concerns."""
    counts = record.counts(planned=planned)
    lines: list[Line] = []
    changes = kinds = 0
    for operation in SHOWN:
        count = counts.get(operation, 0)
        if count:
            text = f"to {label(operation).plan}" if planned else label(operation).done
            lines.append([Span("    "), Span(f"{label(operation).symbol}{count} {text}", label(operation).style)])
            if operation in CHANGES:
                changes, kinds = changes + count, kinds + 1
    same = counts.get(SAME, 0)
    if kinds > 1 or (changes and same):
        rest = [Span(f". {same} unchanged")] if same else []
        lines.append([Span("    "), Span(counted(changes, "change"), "bold"), *rest])
    elif same:
        lines.append([Span(f"    {same} unchanged")])
    if not record.parents and record.finished is not None and record.finished.outcome == "succeeded":
        # Anything but a destroy has the stack itself.
        lines.append([Span("    nothing to destroy")])
    if record.failures:
        lines.append([Span("    "), Span(f"{record.failures} failed", "error")])
    return [[Span("Resources:", "heading")], *lines] if lines else []


def duration_lines(record: Record, *, planned: bool) -> list[Line]:
    """How long it took."""
    if record.finished is None or planned:
        return []
    return [[Span("Duration:", "heading"), Span(f" {whole_duration(record.finished.seconds)}")]]


def outcome_lines(record: Record, *, action: str, planned: bool) -> list[Line]:
    """In words where it did not succeed."""
    finished = record.finished
    if finished is None or finished.outcome == "failed":
        return [[Span("error: ", "error"), Span(f"{action} failed")]]
    if finished.outcome == "cancelled":
        hint = "" if planned else "; what was done is recorded, run it again to go on"
        return [[Span("warning: ", "warning"), Span(f"{action} cancelled{hint}")]]
    return []


def display_type(urn: str) -> str:
    """The resource's type as `short_type` shows it."""
    return short_type(urns.type_of(urn))


def short_type(resource_type: str) -> str:
    """The type, harmless to print; like Pulumi, ``aws:s3:Bucket`` for ``aws:s3/bucket:Bucket``."""
    resource_type = clean_line(resource_type)
    package, _, rest = resource_type.partition(":")
    module, _, name = rest.partition(":")
    shorter, _, last = module.rpartition("/")
    return f"{package}:{shorter}:{name}" if shorter and last.lower() == name.lower() else resource_type


def display_name(urn: str) -> str:
    """The resource's name, harmless to print."""
    return clean_line(urns.name_of(urn))
