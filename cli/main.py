"""The `yard` command: reads the command line, and turns every error into one line and an exit code.

A deployment's process takes longer to start than anything else here, so it is started before anything is imported.
"""

import os
import sys
from typing import NoReturn

_DEPLOYING = ("up", "preview", "destroy")


def main() -> int:
    """Runs the command in `sys.argv`; returns the exit code."""
    arguments = sys.argv[1:]
    started = None
    # A report on a change starts processes of its own, with another environment.
    if deploys(arguments) and not any(each.partition("=")[0] == "--base" for each in arguments):
        from engine.host_process import HostProcess

        started = HostProcess()
    from engine.errors import EngineError
    from engine.session import Host

    host = Host(started) if started is not None else None
    try:
        from cli.application import run

        return run(arguments, host)
    except EngineError as error:
        print(f"yard: {error}", file=sys.stderr)
        return 1
    finally:
        if host is not None:
            host.close()


def main_and_exit() -> NoReturn:
    """Runs the command in `sys.argv` and ends the process with its exit code."""
    status = main()
    if not deploys(sys.argv[1:]):
        sys.exit(status)
    # All that is left to do: taking every object apart first takes a tenth of a short preview's time.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            status = status or 1
    os._exit(status)


def deploys(arguments: list[str]) -> bool:
    """Whether the command line asks for a deployment or a preview."""
    return bool(arguments) and arguments[0] in _DEPLOYING and "--help" not in arguments
