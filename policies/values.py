"""What a rule reads: plain values, secrets that say so, and unknown values that cannot be read by accident.

A preview cannot know every value. Whoever uses an unknown one, in whatever way, raises `Undecided`: a rule cannot pass
by mistake because of it. The connectives below follow Kleene's strong logic of three values (S. C. Kleene, Introduction
to Metamathematics, 1952, section 64): one good example proves that there is one, whatever the unknown others are.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

Element = TypeVar("Element")

MASK = "[secret]"
_SHORTEST_SECRET = 3
"""In characters. To replace a shorter one would make messages unreadable, and tells no more than its length."""


class Undecided(Exception):
    """A rule needs a value that this preview cannot know; `path` says which one."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Unknown:
    """A value that this preview cannot know. To use it raises Undecided; `is` and `isinstance` do not.

    Neither does writing it into a message: what is wrong with a resource can be told without its name.
    """

    __slots__ = ("path",)

    def __init__(self, path: str = "") -> None:
        self.path: Final = path

    def _undecided(self, *_: object, **__: object) -> NoReturn:
        raise Undecided(self.path)

    __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = __call__ = _undecided
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _undecided
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _undecided
    __int__ = __float__ = _undecided

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Undecided(self.path)

    def __str__(self) -> str:
        return "(not known yet)"

    def __repr__(self) -> str:
        return f"<unknown {self.path}>"


class SecretText(str):
    """A text that the engine keeps encrypted; a message that it is written into does not show it.

    Everything else that a rule sees is in clear text in the state.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, _: str) -> str:
        return MASK


def secrets_within(value: Any) -> Iterator[str]:
    """The secrets that are anywhere in a value, as plain texts, to be kept out of messages that quote a part of one."""
    if isinstance(value, SecretText):
        plain = "".join(value)
        if len(plain) >= _SHORTEST_SECRET:
            yield plain
    elif isinstance(value, Mapping):
        for element in value.values():
            yield from secrets_within(element)
    elif isinstance(value, list):
        for element in value:
            yield from secrets_within(element)


def get(value: Any, *path: str | int, default: Any = None) -> Any:
    """What is at `path` within `value`, or `default` where nothing is or where it is null.

    Where a name is asked of a list, its first element is looked at: providers write a block that may occur once either
    way. An unknown value on the way is returned, so that whoever uses it finds out.
    """
    for key in path:
        if isinstance(value, Unknown):
            return value
        if isinstance(key, str) and isinstance(value, list):
            value = value[0] if value else None
            if isinstance(value, Unknown):
                return value
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key] if -len(value) <= key < len(value) else None
        else:
            return default
    return default if value is None else value


def as_list(value: Any) -> Sequence[Any]:
    """The elements of a list; of one value, that value alone; of null, nothing. Raises Undecided if it is unknown."""
    if value is None:
        return ()
    if isinstance(value, Unknown):
        raise Undecided(value.path)
    return value if isinstance(value, list | tuple) else (value,)


def is_true(value: Any) -> bool:
    """Whether a switch is on; null is off. Raises Undecided if it is unknown."""
    if isinstance(value, Unknown):
        raise Undecided(value.path)
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_text(value: Any) -> bool:
    """Whether it is a text that is not empty. Raises Undecided if it is unknown."""
    if isinstance(value, Unknown):
        raise Undecided(value.path)
    return isinstance(value, str) and value != ""


def known(value: Any) -> Any:
    """The value itself. Raises Undecided if it is unknown; write it before `is` and `isinstance`, which do not."""
    if isinstance(value, Unknown):
        raise Undecided(value.path)
    return value


def parsed(value: Any) -> Any:
    """A JSON document that is written as text, or is one already. Raises Undecided, or ValueError if it is no JSON."""
    return json.loads(known(value)) if isinstance(known(value), str) else value


def any_holds(holds: Callable[[Element], bool], elements: Iterable[Element]) -> bool:
    """Whether `holds` is true of an element. Raises Undecided where it is of none, and unknown of some."""
    undecided: Undecided | None = None
    for element in elements:
        try:
            if holds(element):
                return True
        except Undecided as error:
            undecided = undecided or error
    if undecided:
        raise undecided
    return False


def all_hold(holds: Callable[[Element], bool], elements: Iterable[Element]) -> bool:
    """Whether `holds` is true of every element. Raises Undecided where it is false of none, and unknown of some."""
    return not any_holds(lambda element: not holds(element), elements)
