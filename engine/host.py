"""The child process: one deployment of one stack, with its program beside the engine.

Started as ``python -m engine.host DESCRIPTOR PARENT``: a request comes as one line on standard input, events go to the
given file descriptor, and the end of standard input means that the parent, whose process id it is given, is gone. See
engine.session for the other side.
A terminal's Ctrl-C reaches the parent alone; SIGTERM, from whoever knows this process from the lock, asks to stop.
"""

import atexit
import gc
import io
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from engine.deferred_imports import deferred_imports

if TYPE_CHECKING:
    from engine.stack_deployment import StackDeployment

# Running steps get this long to finish once the parent is gone; what they leave unfinished the next run repairs.
_ORPHAN_SECONDS = 5.0


def main() -> None:
    """Runs the deployment that standard input asks for."""
    descriptor = int(sys.argv[1])
    over = threading.Event()
    # Whoever registers first is called last, when the program's threads have ended and its own handlers are done.
    atexit.register(lambda: _leave() if over.is_set() else None)
    # Nothing that this process starts may hold the pipe: its end tells the parent that the deployment is over.
    os.set_inheritable(descriptor, False)
    control = _take_standard_input()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    began = time.monotonic()
    # What imports make is there to stay; apply() switches the collector on again.
    gc.disable()
    with deferred_imports():
        from engine import sdk_speed
        from engine.events import Event, encode
        from engine.lock import note_parent
        from engine.redaction import RedactedStream
        from engine.session import Request
        from engine.stack_deployment import StackDeployment
    note_parent(int(sys.argv[2]))
    phases = {"start": time.monotonic() - began}

    line = control.readline()
    if not line:
        return
    request = Request.decode(line)
    sdk_speed.apply(debug=request.debug)
    writing = threading.Lock()

    def emit(event: Event) -> None:
        data = (encode(event) + "\n").encode()
        with writing, suppress(BrokenPipeError):
            while data:
                data = data[os.write(descriptor, data) :]

    deployment = StackDeployment(request, emit, phases=phases)
    threading.Thread(target=_obey, args=(control, deployment), daemon=True).start()
    # From a thread: the handler may interrupt the very code whose locks it would need.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=deployment.cancel, daemon=True).start())
    for name in ("stdout", "stderr"):
        setattr(sys, name, RedactedStream(getattr(sys, name), deployment.redactor.redact))
    deployment.run()
    over.set()


def _take_standard_input() -> IO[str]:
    """The pipe from the parent; the program, and whatever it starts, finds an empty standard input instead."""
    control = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(control, encoding="utf-8")


def _obey(control: IO[str], deployment: "StackDeployment") -> None:
    for line in control:
        if line.strip() == "cancel":
            deployment.cancel()
    # The parent is gone, or has seen the end of the deployment and this process would not exit by itself.
    deployment.cancel()
    time.sleep(_ORPHAN_SECONDS)
    os._exit(1)


def _leave() -> None:
    """Ends the process without taking every object apart before, which takes long where there are many resources."""
    for each in gc.get_objects():
        if isinstance(each, io.TextIOWrapper | io.BufferedWriter | io.BufferedRandom):
            # A file that the program has left open would be written out when it is taken apart.
            with suppress(OSError, ValueError):
                each.flush()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
