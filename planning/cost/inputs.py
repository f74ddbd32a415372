"""Takes values out of a planned resource's inputs. What is unknown or secret in a preview is None, never a number."""

from collections.abc import Iterator, Mapping
from typing import Any

from planning.quantities import is_number

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a preview writes for a value that is known only once something exists. Source: Pulumi's SDK, `rpc.py`."""
_BLINDED = "[secret]"


def is_known(value: Any) -> bool:
    """Whether a value is there and is neither unknown nor secret."""
    return value is not None and value not in (UNKNOWN, _BLINDED)


def number_of(value: Any) -> float | None:
    """A finite number that is not negative; None for anything else, text that reads as a number included."""
    if not is_number(value) or value < 0:
        return None
    return float(value)


def text_of(value: Any) -> str | None:
    """A text that is known; None for anything else."""
    return value if isinstance(value, str) and is_known(value) else None


def is_hidden(value: Any) -> bool:
    """Whether there is a value that the preview does not show, or a list with one."""
    if isinstance(value, list):
        return any(is_hidden(each) for each in value)
    return isinstance(value, str) and not is_known(value)


def choice_of(value: Any, default: str) -> str | None:
    """A text, or the cloud's default where none is set; None where there is one that is not known."""
    return default if value is None else text_of(value)


def truth_of(value: Any) -> bool | None:
    """A truth value, also as the text that launch templates have; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def texts_of(value: Any) -> list[str] | None:
    """A list of texts that are all known; None for anything else."""
    if not isinstance(value, list):
        return None
    found = [text_of(each) for each in value]
    return None if None in found else [each for each in found if each is not None]


def mapping_of(value: Any) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; none for anything else."""
    yield from (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()
