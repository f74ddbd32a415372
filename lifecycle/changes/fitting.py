"""A document that must not be longer than so many characters: what is left out for that, and how it is said. Pure.

A document consists of sections, and a section of items between a beginning and an end, such as the rows of a table. An
item is there as a whole or not at all, so that no table, list or quotation is ever cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

_NOTE = "_… and {count} more, left out for length._"
_LONGEST_NOTE = len(_NOTE) + 12


@dataclass(frozen=True, slots=True)
class Item:
    """One line, or several that belong together."""

    text: str
    importance: int
    """0 is the most important; of equals, the earlier one is."""
    below: int | None = None
    """The place, in the same section, of the item that it belongs to: it is never there without that one."""


@dataclass(frozen=True, slots=True)
class Section:
    """Items with what stands before and after them."""

    before: str = ""
    items: Sequence[Item] = field(default_factory=tuple)
    after: str = ""
    note_before: str = ""
    """What has to stand before the note that something was left out, such as an empty line that ends a table."""


def length(text: str) -> int:
    """The characters of a text as most services count them: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def fit(sections: Sequence[Section], most: int, ending: str) -> str:
    """The document: all of it if that has at most so many characters, else what is most important and fits.

    :param ending: What is added where a section was left out as a whole.
    """
    whole = "".join(_render(each, set(range(len(each.items)))) for each in sections)
    if length(whole) <= most:
        return whole
    kept = _choose(sections, most - length(ending) - 1)
    parts = [_render(each, chosen) for each, chosen in zip(sections, kept, strict=True) if chosen is not None]
    return "".join(parts) + (ending + "\n" if None in kept else "")


def _choose(sections: Sequence[Section], room: int) -> list[set[int] | None]:
    """The items that are kept of each section; None: not even what stands around them."""
    kept: list[set[int] | None] = [None for _ in sections]
    order = sorted(
        (item.importance, number, place)
        for number, section in enumerate(sections)
        for place, item in enumerate(section.items)
    )
    for number, section in enumerate(sections):
        if not section.items and length(section.before + section.after) <= room:
            kept[number] = set()
            room -= length(section.before + section.after)
    for _, number, place in order:
        section, item = sections[number], sections[number].items[place]
        chosen = kept[number]
        if item.below is not None and (chosen is None or item.below not in chosen):
            continue
        needed = length(item.text)
        if chosen is None:
            needed += length(section.before + section.note_before + section.after) + _LONGEST_NOTE
        if needed > room:
            continue
        room -= needed
        kept[number] = {*(chosen or ()), place}
    return kept


def _render(section: Section, chosen: set[int]) -> str:
    text = "".join(item.text for place, item in enumerate(section.items) if place in chosen)
    left_out = len(section.items) - len(chosen)
    note = f"{section.note_before}{_NOTE.format(count=f'{left_out:,}')}\n" if left_out else ""
    return f"{section.before}{text}{note}{section.after}"
