"""The step log as TensorBoard's events."""

import io
from collections.abc import Iterable

from trainyard_training.reporting.step_log import Entry

_NOT_SCALARS = {"step", "time"}


def encode_events(entries: Iterable[Entry]) -> bytes:
    """An event file, to be named ``events.out.tfevents.…``; equal logs are equal bytes."""
    # Imported here: most runs do without.
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
    for entry in entries:
        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in entry.items()
            if name not in _NOT_SCALARS and value is not None
        ]
        event = Event(wall_time=float(entry["time"]), step=entry["step"], summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return file.getvalue()
