"""The training's launcher, asked to stop as soon as the supervisor that has started it is gone.

``python -m workloads.training.jobs.guarded_launch PARENT_PID ARGUMENTS`` is ``python -m trainyard_training.launch
ARGUMENTS``. The workers watch the launcher; killed outright, a supervisor would otherwise leave all of them at work
with nobody to count time and cost.
"""

import os
import runpy
import signal
import sys
import threading
import time

LAUNCHER = "trainyard_training.launch"
_LOOK_SECONDS = 0.5


def main(arguments: list[str], launcher: str = LAUNCHER) -> None:
    """Becomes the launcher, a module that is run, in this process."""
    threading.Thread(target=_stop_without, args=(int(arguments[0]),), daemon=True).start()
    sys.argv = [launcher, *arguments[1:]]
    runpy.run_module(launcher, run_name="__main__", alter_sys=True)


def _stop_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    print("the supervisor of this job is gone: stopping", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
