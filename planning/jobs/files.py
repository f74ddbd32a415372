"""Reads files of jobs from the disk."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from planning.errors import PlanningError
from planning.jobs.documents import read_workload
from planning.jobs.model import Node, Workload


def read_jobs(path: Path, nodes: Sequence[Node] = ()) -> Workload:
    """The workload in a JSON or YAML file, told apart by the name's ending. Raises PlanningError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanningError(f"{path}: cannot be read as jobs: {error}") from None
    return read_workload(str(path), _parsed(path, text), nodes)


def _parsed(path: Path, text: str) -> Any:
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise PlanningError(f"{path}:{error.lineno}: is no JSON: {error.msg}") from None
    if path.suffix in (".yaml", ".yml"):
        try:
            return yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise PlanningError(f"{path}:{line}: is no YAML: {error.problem}") from None
        except (yaml.YAMLError, ValueError) as error:
            raise PlanningError(f"{path}: is no YAML: {error}") from None
    raise PlanningError(f"{path}: must end in .json, .yaml or .yml")
