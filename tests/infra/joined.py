"""Outputs of a resource, as providers answer them."""

from collections.abc import Mapping
from typing import Any


def joined(computed: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs and what is computed; of objects that are in both what either has."""
    outputs = dict(computed)
    for name, value in inputs.items():
        both = isinstance(value, Mapping) and isinstance(outputs.get(name), Mapping)
        outputs[name] = joined(outputs[name], value) if both else value
    return outputs
