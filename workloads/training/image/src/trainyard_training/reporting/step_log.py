"""The step log: one entry an interval, with losses, speed, time waited for data and memory.

An entry is a flat JSON object, so that the log is read by anything that reads JSON Lines:

- ``step``, ``epoch``: steps made, and the epoch (from 1) that the last one was in.
- ``loss``: mean training loss of the interval's steps over all workers.
- ``learning_rate``: of the next step. ``gradient_norm``: of the last step, before clipping; null without clipping.
- ``examples_per_second``: of all workers together.
- ``data_wait_share``: part of the interval's time in which the model waited for data, mean over workers.
- ``checkpoint_stall_seconds``: the interval's time in which training stood still for a checkpoint, first worker.
- ``memory_mib``: most memory so far, of the first worker: its GPU's, else its own (resident).
- ``elapsed_seconds``: the run's time so far, all its attempts together.
- ``test_accuracy``: at the end of an epoch at which it was asked for.
"""

import json
from collections.abc import Iterable
from typing import Any

Entry = dict[str, Any]


def encode_log(entries: Iterable[Entry]) -> bytes:
    """The log as JSON Lines."""
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()
