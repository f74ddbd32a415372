"""The difference between two states of a resource, property by property, as `pulumi preview --diff` lays it out.

``~ name: "a" => "b"`` for a change, ``+`` and ``-`` for what comes and goes, ``+-`` for a change that replaces the
resource; nested objects and lists are indented, texts of several lines are compared by lines, texts that hold JSON by
their content. States are blinded before they get here: ``[secret]`` stays ``[secret]``, also where a secret changes;
an unknown value is ``[unknown]``. Keys with two leading underscores are the engine's own and not for people.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine import property_paths
from engine.display_text import Line, Span, clean, clean_line, quote
from engine.values import SIGNATURE, UNKNOWN_SENTINEL, parsed_text, same

_ABSENT: Final = object()
_MOST_CHARACTERS: Final = 400
"""Longer texts are cut where they have not changed."""
_MOST_LINES_TO_COMPARE: Final = 2000
_STYLES: Final = {"+": "create", "-": "delete", "~": "update", "+-": "replace", "": ""}
_MARKS: Final = {"add": "+", "delete": "-", "update": "~"}


@dataclass(slots=True)
class _Tree:
    """The marks by the first step of their path, so that unchanged branches cost nothing."""

    kind: str = ""
    below: dict[str | int, "_Tree"] = field(default_factory=dict)

    def child(self, step: str | int) -> "_Tree | None":
        return self.below.get(step)


def property_lines(properties: Mapping[str, Any], indent: int, mark: str = "") -> list[Line]:
    """All properties of a resource that is created, deleted or unchanged; `indent` in columns."""
    return _members(_visible(properties), indent, mark)


def difference_lines(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    indent: int,
    detailed: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    only_changes: bool = False,
) -> list[Line]:
    """The properties of `old` and `new`, changed ones marked; with `only_changes`, unchanged top-level ones left out.

    `detailed` marks further places as changed, and which changes replace the resource; see `StepStarted.detailed_diff`.
    """
    return _compare_members(_visible(old), _visible(new), indent, _marks(detailed or {}), only_changes=only_changes)


def changed_keys(
    old: Mapping[str, Any], new: Mapping[str, Any], detailed: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, str]:
    """The top-level properties that change: key to ``+``, ``-`` or ``~``. A detailed difference is believed."""
    if detailed:
        keys: dict[str, str] = {}
        for path, entry in detailed.items():
            steps = property_paths.parse(path)
            kind = str(entry.get("kind", "update")).removesuffix("-replace")
            mark = _MARKS.get(kind, "~") if len(steps) == 1 else "~"
            key = str(steps[0])
            keys[key] = mark if keys.get(key, mark) == mark else "~"
        return keys
    return {
        key: "-" if key not in new else "+" if key not in old else "~"
        for key in sorted(old.keys() | new.keys())
        if not key.startswith("__") and not same(old.get(key, _ABSENT), new.get(key, _ABSENT))
    }


def short_difference(keys: Mapping[str, str]) -> str:
    """``+added,another-gone~changed``: what the tree shows of a difference."""
    text = ""
    for mark in ("+", "-", "~"):
        named = sorted(clean_line(key) for key, own in keys.items() if own == mark)
        if named:
            text += mark + ",".join(named)
    return text


def complete_for(
    detailed: Mapping[str, Mapping[str, Any]] | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to compare of two resource states: their inputs, and of the outputs what the detailed difference names."""
    old_inputs, new_inputs = dict(old.get("inputs") or {}), dict(new.get("inputs") or {})
    old_outputs, new_outputs = old.get("outputs") or {}, new.get("outputs") or {}
    for path in detailed or {}:
        key = str(property_paths.parse(path)[0])
        if key not in old_inputs and key not in new_inputs:
            if key in old_outputs:
                old_inputs[key] = old_outputs[key]
            if key in new_outputs:
                new_inputs[key] = new_outputs[key]
    return old_inputs, new_inputs


def _marks(detailed: Mapping[str, Mapping[str, Any]]) -> _Tree:
    root = _Tree()
    for path, entry in detailed.items():
        node = root
        for step in property_paths.parse(path):
            node = node.below.setdefault(step, _Tree())
        node.kind = str(entry.get("kind", "update"))
    return root


def _visible(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if not key.startswith("__")}


def _compare_members(
    old: Mapping[str, Any], new: Mapping[str, Any], indent: int, marks: _Tree | None, *, only_changes: bool = False
) -> list[Line]:
    named = [step for step in marks.below if isinstance(step, str) and not step.startswith("__")] if marks else []
    keys = sorted({*old, *new, *named})
    if only_changes:
        keys = [
            key
            for key in keys
            if (marks and marks.child(key)) or not same(old.get(key, _ABSENT), new.get(key, _ABSENT))
        ]
    width = max((len(clean_line(key)) for key in keys), default=0)
    lines: list[Line] = []
    for key in keys:
        child = marks.child(key) if marks else None
        title = f"{clean_line(key):<{width}}: "
        lines += _compare(title, old.get(key, _ABSENT), new.get(key, _ABSENT), indent, child)
    return lines


def _compare_elements(old: list[Any], new: list[Any], indent: int, marks: _Tree | None) -> list[Line]:
    last = max((step for step in marks.below if isinstance(step, int)), default=-1) if marks else -1
    lines: list[Line] = []
    # A mark beyond both ends still names a change; a provider's index is not to be trusted with a loop's length.
    for index in range(min(max(len(old), len(new), last + 1), max(len(old), len(new)) + 1)):
        was = old[index] if index < len(old) else _ABSENT
        now = new[index] if index < len(new) else _ABSENT
        lines += _compare(f"[{index}]: ", was, now, indent, marks.child(index) if marks else None)
    return lines


def _compare(title: str, old: Any, new: Any, indent: int, marks: _Tree | None) -> list[Line]:
    if marks is None and same(old, new):
        return [] if old is _ABSENT else _value(title, old, indent, "")
    replaces = marks is not None and marks.kind.endswith("-replace")
    if old is _ABSENT and new is _ABSENT:
        # A provider names a change in something that neither state has.
        kind = marks.kind.removesuffix("-replace") if marks else ""
        return [_line(indent, "+-" if replaces else _MARKS.get(kind, "~"), f"{title}[unknown]")]
    if old is _ABSENT:
        return _value(title, new, indent, "+-" if replaces else "+")
    if new is _ABSENT:
        return _value(title, old, indent, "+-" if replaces else "-")
    mark = "+-" if replaces else "~"
    prefix = ""
    before, after = parsed_text(old), parsed_text(new)
    if before is not None and after is not None and not same(before, after):
        old, new, prefix = before, after, "(json) "
    if isinstance(old, dict) and isinstance(new, dict) and SIGNATURE not in old and SIGNATURE not in new:
        members = _compare_members(old, new, indent + 4, marks)
        return [_line(indent, mark, f"{title}{prefix}{{"), *members, _line(indent, "", "}")]
    if isinstance(old, list) and isinstance(new, list):
        elements = _compare_elements(old, new, indent + 4, marks)
        return [_line(indent, mark, f"{title}{prefix}["), *elements, _line(indent, "", "]")]
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new and old != new:
        compared = _compare_texts(old, new, indent + 4)
        if compared:
            return [_line(indent, mark, title.rstrip()), *compared]
    if _is_scalar(old) and _is_scalar(new):
        return [_line(indent, mark, f"{title}{_scalar(old)} => {_scalar(new)}")]
    return [*_value(title, old, indent, "-"), *_value(title, new, indent, "+-" if replaces else "+")]


def _compare_texts(old: str, new: str, indent: int) -> list[Line]:
    """Nothing where the texts are too long to compare, or differ in how lines end only."""
    if old.endswith("\n") and new.endswith("\n"):
        old, new = old[:-1], new[:-1]
    before, after = old.split("\n"), new.split("\n")
    if len(before) + len(after) > _MOST_LINES_TO_COMPARE:
        return []
    lines: list[Line] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [_line(indent, "", clean_line(text)) for text in before[i1:i2]]
        else:
            lines += [_line(indent, "-", clean_line(text)) for text in before[i1:i2]]
            lines += [_line(indent, "+", clean_line(text)) for text in after[j1:j2]]
    return lines


def _value(title: str, value: Any, indent: int, mark: str) -> list[Line]:
    prefix = ""
    parsed = parsed_text(value)
    if parsed is not None:
        value, prefix = parsed, "(json) "
    if _is_scalar(value):
        return [_line(indent, mark, f"{title}{prefix}{_scalar(value, shorten=mark in ('', '+'))}")]
    if isinstance(value, dict):
        members = _members(value, indent + 4, mark)
        return [_line(indent, mark, f"{title}{prefix}{{"), *members, _line(indent, "", "}", mark)]
    lines = [_line(indent, mark, f"{title}{prefix}[")]
    for index, element in enumerate(value):
        lines += _value(f"[{index}]: ", element, indent + 4, mark)
    return [*lines, _line(indent, "", "]", mark)]


def _members(properties: Mapping[str, Any], indent: int, mark: str) -> list[Line]:
    width = max((len(clean_line(key)) for key in properties), default=0)
    lines: list[Line] = []
    for key in sorted(properties):
        lines += _value(f"{clean_line(key):<{width}}: ", properties[key], indent, mark)
    return lines


def _line(indent: int, mark: str, text: str, colour: str = "") -> Line:
    """The mark stands in the columns before the indent, so that marked and unmarked names align."""
    style = _STYLES[mark or colour]
    return [Span(" " * max(indent - 2, 0)), Span(f"{mark:<2}{text}", style)]


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list) or not value or (isinstance(value, dict) and SIGNATURE in value)


def _scalar(value: Any, *, shorten: bool = False) -> str:
    match value:
        case str():
            if value == UNKNOWN_SENTINEL:
                return "[unknown]"
            if value == "[secret]":
                return value
            if shorten and len(value) > _MOST_CHARACTERS:
                return f"{quote(value[:_MOST_CHARACTERS])}… ({len(value)} characters)"
            return quote(value)
        case None:
            return "<null>"
        case dict() if value:
            return _signed(value)
        case _:
            return json.dumps(value)


def _signed(value: Mapping[str, Any]) -> str:
    """An asset, an archive or a resource reference on one line."""
    if "urn" in value:
        return quote(str(value["urn"]))
    kind = "archive" if "assets" in value else "asset"
    for key in ("path", "uri", "text"):
        if value.get(key):
            return f"{kind}({key}: {quote(str(value[key])[:_MOST_CHARACTERS])}){_hash(value)}"
    return f"{kind}{_hash(value)}"


def _hash(value: Mapping[str, Any]) -> str:
    return f" sha256:{clean(str(value['hash']))[:7]}" if value.get("hash") else ""
