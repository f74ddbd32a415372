"""How operations are called and marked where people read of them, in Pulumi's words."""

from typing import Final, NamedTuple

from engine.events import Operation


class Label(NamedTuple):
    """The words for one operation; `symbol` is two columns wide, `style` a key of `display_text.STYLES`."""

    symbol: str
    style: str
    plan: str
    running: str
    done: str


_LABELS: Final = {
    str(Operation.SAME): Label("  ", "", "", "", ""),
    str(Operation.CREATE): Label("+ ", "create", "create", "creating", "created"),
    str(Operation.UPDATE): Label("~ ", "update", "update", "updating", "updated"),
    str(Operation.DELETE): Label("- ", "delete", "delete", "deleting", "deleted"),
    str(Operation.REPLACE): Label("+-", "replace", "replace", "replacing", "replaced"),
    str(Operation.CREATE_REPLACEMENT): Label(
        "++", "create", "create replacement", "creating replacement", "created replacement"
    ),
    str(Operation.DELETE_REPLACED): Label("--", "delete", "delete original", "deleting original", "deleted original"),
    str(Operation.READ): Label("> ", "read", "read", "reading", "read"),
    str(Operation.READ_REPLACEMENT): Label(
        ">>", "replace", "read for replacement", "reading for replacement", "read for replacement"
    ),
    str(Operation.DISCARD): Label("< ", "delete", "discard", "discarding", "discarded"),
    str(Operation.DISCARD_REPLACED): Label(
        "<<", "delete", "discard original", "discarding original", "discarded original"
    ),
}

CHANGES: Final = [
    str(operation) for operation in (Operation.CREATE, Operation.UPDATE, Operation.DELETE, Operation.REPLACE)
]
"""Logical operations that change something, in the order in which a summary counts them."""

SHOWN: Final = [*CHANGES, str(Operation.READ), str(Operation.DISCARD)]
"""All logical operations that a summary counts."""


def label(operation: str) -> Label:
    """The words for the operation; one that is not known is called by its own name."""
    return _LABELS.get(operation) or Label("? ", "bold", operation, operation, operation)
