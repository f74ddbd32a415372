"""Tasks and windows that are small enough to be followed by hand."""

from typing import Any

import numpy as np

from planning.simulation.task import Task
from planning.simulation.traces import Trace, Windows, Zone, availability_of, cut_windows

SPOT_USD, ON_DEMAND_USD = 1.0, 3.0


def task_of(work: float, deadline: float, changeover: float = 0.0, **others: Any) -> Task:
    values = {"spot_usd_per_hour": SPOT_USD, "on_demand_usd_per_hour": ON_DEMAND_USD} | others
    return Task(work_hours=work, deadline_hours=deadline, changeover_hours=changeover, **values)


def windows_of(*rows: str, step_hours: float = 1.0, prices: list[list[float]] | None = None) -> Windows:
    """One window a row; `1`: spot is available in that step."""
    availabilities = [
        availability_of(
            Trace(
                name=f"row {index}",
                step_seconds=step_hours * 3600,
                zones=(
                    Zone(
                        name="zone",
                        available=np.array([mark == "1" for mark in row]),
                        usd_per_hour=None if prices is None else np.array(prices[index]),
                    ),
                ),
            )
        )
        for index, row in enumerate(rows)
    ]
    (windows,) = cut_windows(availabilities, len(rows[0]) * step_hours)
    return windows
