"""Reads quantities as Kubernetes writes them: `100Gi`, `500m`, `4`."""

import re
from typing import Any

from planning.cost.inputs import number_of, text_of

# Source: Kubernetes API reference, "Quantity".
_SUFFIXES = {"": 1.0, "m": 1e-3}
_SUFFIXES |= {letter: 1000.0**power for power, letter in enumerate("kMGTPE", start=1)}
_SUFFIXES |= {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


def quantity_of(value: Any) -> float | None:
    """A quantity in its own unit: bytes for memory and storage. None for what is none, or is not in the plan."""
    matched = _QUANTITY.fullmatch(text_of(value) or "")
    if not matched:
        return number_of(value)
    factor = _SUFFIXES.get(matched[2])
    return None if factor is None else number_of(float(matched[1]) * factor)
