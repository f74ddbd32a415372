"""Reads weights from a file of YAML or JSON: one key a criterion."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from planning.errors import PlanningError


def read_weights(path: Path) -> Mapping[str, Any]:
    """What the file says, not yet checked but for being a mapping; `make_weights` checks it.

    Raises PlanningError where it cannot be read, is no YAML, names a criterion twice, or holds anything but a mapping.
    """
    try:
        # JSON is YAML 1.2, and this reader refuses a key that is there twice.
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanningError(f"weights file {path}: cannot be read: {error}") from None
    except YAMLError as error:
        raise PlanningError(f"weights file {path}: is neither YAML nor JSON: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not content:
        raise PlanningError(f"weights file {path}: must name criteria with their weights, such as 'price: 3'")
    return {str(name): value for name, value in content.items()}
