"""The difference of two values, property by property, as deep as it is. Pure.

Lists are compared by index, as Pulumi does. A text that holds a JSON object or list on both sides is compared by its
content, and its path goes on into that. Equality is JSON's: true is not 1. A secret tells nothing but that it is one.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from engine.property_paths import Path, render
from engine.values import parsed_text, same
from lifecycle.changes.report import SECRET, PropertyChange

NOT_SECRET = "[not secret]"  # noqa: S105
"""What stands for a value that is a secret on the other side: it is likely to be the same."""
_ABSENT: Final = object()


def property_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Path, PropertyChange]]:
    """What differs, by path; nothing of it replaces anything yet."""
    return list(_members(before, after, ()))


def change_at(
    path: Path, before: Any, after: Any, kind: Literal["added", "removed", "changed"] = "changed"
) -> PropertyChange:
    """A change of what lies there."""
    return PropertyChange(path=render(path), kind=kind, before=before, after=after, replaces=False)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What a value consists of: everything in it that holds nothing else."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from leaves(each, (*path, index))
    else:
        yield path, value


def _members(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, PropertyChange]]:
    for key in sorted(before.keys() | after.keys()):
        yield from _compare(before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, key))


def _elements(before: list[Any], after: list[Any], path: Path) -> Iterator[tuple[Path, PropertyChange]]:
    for index in range(max(len(before), len(after))):
        was = before[index] if index < len(before) else _ABSENT
        now = after[index] if index < len(after) else _ABSENT
        yield from _compare(was, now, (*path, index))


def _compare(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, PropertyChange]]:
    if before is _ABSENT:
        yield path, change_at(path, None, after, "added")
        return
    if after is _ABSENT:
        yield path, change_at(path, before, None, "removed")
        return
    if same(before, after):
        return
    if SECRET in (before, after):
        was, now = (SECRET if each == SECRET else NOT_SECRET for each in (before, after))
        yield path, change_at(path, was, now)
        return
    was, now = parsed_text(before), parsed_text(after)
    # Where only the layout of the text differs, it is the text that does.
    if was is None or now is None or same(was, now):
        was, now = before, after
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _members(was, now, path)
    elif isinstance(was, list) and isinstance(now, list):
        yield from _elements(was, now, path)
    else:
        yield path, change_at(path, before, after)
