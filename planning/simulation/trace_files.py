"""Reads trace files from the disk."""

from pathlib import Path

from planning.errors import PlanningError
from planning.simulation.trace_format import parse_trace
from planning.simulation.traces import Trace


def read_trace(path: Path, instances: int = 1) -> Trace:
    """The trace in a file; see `trace_format` for what may be in it. Raises PlanningError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanningError(f"{path}: cannot be read as a trace: {error}") from None
    return parse_trace(str(path), text, instances)
