"""A leash for helper processes: the command at its end does not outlive the process that started it.

The engine starts policy packs and dynamic providers, and may itself be killed at any moment, by a signal that it cannot
catch. No helper must survive that. `tethered(command)` gives the command line of a small supervisor, this very file,
that runs the command and ends it when the supervisor's standard input reaches its end: which happens when the process
that holds the other end of the pipe closes it, exits or is killed. It needs nothing but POSIX, so it works alike on
Linux and macOS, and neither the command nor its programming language need know of it.

Start it with ``stdin=subprocess.PIPE`` and ``start_new_session=True``, and keep the pipe open for as long as the
command is wanted. In a session of its own the command never sees a terminal's Ctrl-C: whoever started it decides when
it ends. The command's standard input is empty; its standard output, standard error, environment and working folder are
those that the supervisor was given; its exit status, or the signal that ended it, becomes the supervisor's.

Run as a script it imports nothing of this project and little of Python, so that it costs some 20 milliseconds.
"""

import contextlib
import errno
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

GRACE_SECONDS = 3.0
"""How long a command that was asked to end may take before it is killed."""

CANNOT_RUN = 127
"""The exit status for a command that cannot be started, as shells use it."""


def tethered(command: Sequence[str], *, grace_seconds: float = GRACE_SECONDS) -> list[str]:
    """The command line that runs `command` until it ends or its standard input does; then SIGTERM, a grace, SIGKILL."""
    return [sys.executable, "-I", "-S", __file__, str(grace_seconds), *command]


def main(arguments: Sequence[str]) -> int:
    """Supervise the command in `arguments` (after the grace in seconds); return the exit status to end with."""
    grace_seconds, command = float(arguments[0]), list(arguments[1:])
    _leave_the_session()
    wakeup_reader, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        child = _spawn(command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN
    _let_go_of_output()
    signal.signal(signal.SIGTERM, lambda *_: _signal(child, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    status = _wait(child, wakeup_reader, grace_seconds)
    _end_with(status)
    return os.waitstatus_to_exitcode(status)


def _leave_the_session() -> None:
    """Become the leader of a session and process group; a caller may have seen to it already."""
    try:
        os.setsid()
    except PermissionError as error:
        if error.errno != errno.EPERM:
            raise


def _spawn(command: Sequence[str]) -> int:
    """Start the command with an empty standard input and every signal as Python found it; return its process id."""
    return os.posix_spawnp(
        command[0],
        list(command),
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsigdef=[signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM],
        setsigmask=[],
    )


def _let_go_of_output() -> None:
    """Leave standard output and error to the command alone, so that their reader sees when the command closes them."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _wait(child: int, wakeup: int, grace_seconds: float) -> int:
    """Wait for the child's end, ending it if standard input does; return its wait status."""
    watched, deadline = [0, wakeup], None
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        remaining = None if deadline is None else deadline - time.monotonic()
        if remaining is not None and remaining <= 0:
            # The whole group, this process with it: nothing that the command has started may stay either.
            os.killpg(os.getpgrp(), signal.SIGKILL)
        readable, _, _ = select.select(watched, [], [], remaining)
        if wakeup in readable:
            os.read(wakeup, 512)
        if 0 in readable and not os.read(0, 4096):
            watched.remove(0)
            deadline = time.monotonic() + grace_seconds
            _signal(child, signal.SIGTERM)


def _signal(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _end_with(status: int) -> None:
    """Take along what the command left running in its group, then die of the signal that it died of, if one did."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgrp(), signal.SIGTERM)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
