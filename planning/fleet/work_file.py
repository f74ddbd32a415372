"""Reads work from a file of YAML or JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from planning.errors import PlanningError


def read_document(path: Path) -> Mapping[str, Any]:
    """What a file of YAML or JSON says. Raises PlanningError where it cannot be read or is no mapping."""
    try:
        # JSON is YAML 1.2, and this reader refuses a key that is there twice.
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanningError(f"work = {str(path)!r}: cannot be read: {error}") from None
    except YAMLError as error:
        raise PlanningError(f"work = {str(path)!r}: is neither YAML nor JSON: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not content:
        raise PlanningError(f"work = {str(path)!r}: must be a mapping of fields, such as 'gpu_hours: 500'")
    return {str(name): value for name, value in content.items()}
