"""Ends the server when the process of its backend that this is imported by is killed.

The server does not start its backend again. It would go on to say that it is ready, and fail every request; ended, it
is noticed and started anew by whoever started it. Asked to end, it waits for clients that keep a connection, for up to
its whole time to drain; so it gets two seconds, in which its other models answer what they have, and is then killed.
"""

import os
import subprocess
import sys

# Waits for a byte from the backend's process or for its end, and on the latter ends the server, too. The server is
# known by a descriptor: its number could be another process's by then.
_GUARD = """
import contextlib, select, signal, sys
if not sys.stdin.buffer.read(1):
    server = int(sys.argv[1])
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(server, signal.SIGTERM)
        if not select.select([server], [], [], 2.0)[0]:
            signal.pidfd_send_signal(server, signal.SIGKILL)
"""


class ServerGuard:
    """A process that watches this one, from the start to ``dismiss``."""

    def __init__(self) -> None:
        """Start it."""
        if sys.platform != "linux":
            raise RuntimeError("tritonserver runs on Linux only")
        server = os.pidfd_open(os.getppid())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GUARD, str(server)],
                stdin=subprocess.PIPE,
                pass_fds=(server,),
                start_new_session=True,
            )
        finally:
            os.close(server)

    def dismiss(self) -> None:
        """Let it go: this process's end is one that the server asked for."""
        self._process.communicate(b".")
