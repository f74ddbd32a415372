"""What the finders of an audit find, how they are run, and what their results come to, in any cloud."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from lifecycle.teardown.audit import Leftover

_Search = TypeVar("_Search")
AT_ONCE = 6
"""How many finders ask at the same time."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is there, and what it is to the audit."""

    stage: int
    """When it can be removed: after everything of the earlier stages, which needs or makes it."""
    leftover: Leftover
    fate: Literal["left", "retained", "going"] = "left"


def run_all(
    finders: Sequence[tuple[str, Callable[[_Search], Iterable[Found]]]], search: _Search
) -> list[tuple[list[Found], str]]:
    """For each finder what it has found, and why it could not look on; empty: it could.

    :param finders: What each looks for, in words, and the finder.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: _run(each[0], each[1], search), finders))


def of_fate(found: Iterable[Found], fate: str) -> tuple[Leftover, ...]:
    """What has that fate, each once, in the order in which it can be removed."""
    ordered = sorted(found, key=lambda each: (each.stage, each.leftover.kind, each.leftover.id))
    return tuple(dict.fromkeys(each.leftover for each in ordered if each.fate == fate))


def problem_of(words: str, error: Exception) -> str:
    """Why something could not be looked at, on one line."""
    text = str(error).strip().splitlines()
    return f"{words}: {text[0] if text else type(error).__name__}"


def _run(words: str, find: Callable[[_Search], Iterable[Found]], search: _Search) -> tuple[list[Found], str]:
    """What the finder has found until its end or until it could not look on, and why that was."""
    found: list[Found] = []
    try:
        found.extend(find(search))
    except Exception as error:
        # Whatever it is, such as a page of a proxy instead of an answer: nobody knows then what is there.
        return found, problem_of(words, error)
    return found, ""
