"""The configuration that a run deploys with: the stack's own file, copied, with the run's limits in it.

The copy lies in the run's folder, so the user's file is never edited, and a run that is taken up again by another
process deploys the same as before.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config_values import Secret
from engine.project import load_project
from engine.stack_settings import load_stack_settings, set_config
from lifecycle.runs.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What a run changes of its stack's settings."""

    expires_at: str
    """Moment with its zone, as settings have it."""
    training_minutes: int
    """For how long the training may run."""
    with_service: bool = False
    """Whether the inference service is deployed, too, if the stack has one."""
    maximum_cost_usd: float = 0.0
    """US dollars at which the training stops by itself; 0: never."""
    usd_per_hour: float = 0.0
    """What it counts with."""


def run_settings(config: Mapping[str, Any], project: str, limits: RunLimits) -> dict[str, Any]:
    """What the run sets, by full key: whole values, the stack's own with the limits in them. Pure. Raises RunError.

    :param config: The stack's own configuration by full key.
    """
    training = _object(config, f"{project}:training")
    training["max_runtime_minutes"] = limits.training_minutes
    # What interruptions have cost is told by the training's log; one that says no is left alone.
    training["reporting"] = {"write_log": True, **(training.get("reporting") or {})}
    if limits.usd_per_hour > 0:
        own = training.get("limits") or {}
        cost = min(filter(None, (float(own.get("maximum_cost_usd") or 0), limits.maximum_cost_usd)))
        training["limits"] = {**own, "maximum_cost_usd": cost, "usd_per_hour": round(limits.usd_per_hour, 4)}
    found: dict[str, Any] = {f"{project}:expires_at": limits.expires_at, f"{project}:training": training}
    if not limits.with_service:
        found[f"{project}:serving"] = {**_object(config, f"{project}:serving"), "enabled": False}
    return found


def write_run_configuration(directory: Path, stack: str, path: Path, limits: RunLimits) -> None:
    """Copies the stack's file to `path` and sets the run's limits in it. Raises EngineError."""
    project = load_project(directory)
    own = load_stack_settings(project, stack)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if own.file.is_file():
            shutil.copyfile(own.file, path)
        else:
            path.write_text("config: {}\n", encoding="utf-8")
        # It may hold secrets, encrypted.
        path.chmod(0o600)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from None
    settings = load_stack_settings(project, stack, str(path))
    for key, value in run_settings(own.config, project.name, limits).items():
        settings = set_config(settings, key, value)


def leave_service_out(directory: Path, stack: str, path: Path) -> None:
    """Switches the inference service off in a run's configuration. Raises EngineError."""
    project = load_project(directory)
    settings = load_stack_settings(project, stack, str(path))
    key = f"{project.name}:serving"
    set_config(settings, key, {**_object(settings.config, key), "enabled": False})


def _object(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key) or {}
    if isinstance(value, Secret) or not isinstance(value, dict):
        raise RunError(f"{key} is no object in clear text, so a run cannot set its limits in it: must be one")
    return dict(value)
