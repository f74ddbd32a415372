"""Starts the process that a deployment runs in (engine.host), and does nothing else.

That process takes longer to start than its parent, so the parent starts it before it imports anything that it needs
itself: this module imports only what starting a process takes.
"""

import os
import subprocess
import sys
from collections.abc import Mapping


class HostProcess:
    """The process, and the pipe that its events come through. Whoever starts it hands it to `engine.session.Host`."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        """:param variables: The process's environment variables, beside those that it needs itself."""
        self.receiver, sender = os.pipe()
        """File descriptor to read the events from."""
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  # pathlib is slow
        search_path = os.pathsep.join([root, *filter(None, [variables.get("PYTHONPATH")])])
        try:
            self.process = subprocess.Popen(
                # -P: what lies in the current folder must not take the place of a module.
                [sys.executable, "-P", "-m", "engine.host", str(sender), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(sender,),
                start_new_session=True,
                env={**variables, "PYTHONPATH": search_path, "PYTHONUNBUFFERED": "1"},
            )
        finally:
            os.close(sender)
