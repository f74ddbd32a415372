"""onnxruntime as this subpackage uses it: on one thread, telling nobody, and timed."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

WARM_UP_CALLS = 3
_FEWEST_CALLS = 5
_MOST_CALLS = 50
_SECONDS = 0.5
_SILENT_BUT_FOR_ERRORS = 3


def forbid_telemetry() -> None:
    """To be called before onnxruntime is imported: shapes and timings of a training are nobody else's business."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def open_session(model: bytes) -> Any:
    """An inference session for the ONNX file on one thread of the CPU."""
    forbid_telemetry()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT_BUT_FOR_ERRORS
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def median_milliseconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """The median time of a call once it is warm: of 50 calls, or of as many, but at least 5, as half a second takes."""
    for _ in range(WARM_UP_CALLS):
        call()
    times: list[float] = []
    while len(times) < _FEWEST_CALLS or (len(times) < _MOST_CALLS and sum(times) < _SECONDS):
        before = clock()
        call()
        times.append(clock() - before)
    return statistics.median(times) * 1000


def first_line(error: Exception) -> str:
    """An error of another library, which may be pages long, in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
