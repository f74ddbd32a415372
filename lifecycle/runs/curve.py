"""The learning curve of a run, kept small beside its record, so that runs are compared after their buckets are gone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.durable_files import replace_file
from lifecycle.runs.folder import RunFolder

FILE = "curve.json"
MOST_POINTS = 500


class CurvePoint(BaseModel):
    """One entry of the step log."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int = Field(ge=0)
    epoch: int = Field(default=0, ge=0)
    loss: float = Field(allow_inf_nan=False)
    accuracy: float | None = Field(default=None, allow_inf_nan=False)
    """On the test split; None where it was not measured then."""
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Of training, all attempts together."""


def curve_of(entries: Sequence[Mapping[str, Any]], most: int = MOST_POINTS) -> tuple[CurvePoint, ...]:
    """The curve that a step log describes.

    :param most: Points at most; of more, those at equal distances are kept, and the last.
    """
    points = []
    for entry in entries:
        try:
            point = CurvePoint.model_validate(
                {**entry, "accuracy": entry.get("test_accuracy"), "seconds": entry.get("elapsed_seconds", 0.0)}
            )
        except ValidationError:
            continue
        points.append(point)
    if len(points) <= most:
        return tuple(points)
    stride = -(-len(points) // most)
    last = len(points) - 1
    return tuple(point for number, point in enumerate(points) if number % stride == 0 or number == last)


def keep_curve(folder: RunFolder, points: Sequence[CurvePoint]) -> None:
    """Writes the curve into the run's folder. Raises OSError."""
    document = [point.model_dump() for point in points]
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder.path / FILE, (json.dumps(document) + "\n").encode(), mode=0o600)


def read_curve(path: Path) -> tuple[CurvePoint, ...]:
    """The curve in a run's folder; none where there is no such file or it is damaged.

    :param path: The folder.
    """
    try:
        document = json.loads((path / FILE).read_bytes())
        return tuple(CurvePoint.model_validate(each) for each in document)
    except (OSError, ValueError, TypeError):
        return ()
