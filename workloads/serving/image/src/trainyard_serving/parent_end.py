"""Having a child process end with its parent, however the parent ends."""

import ctypes
import os
import signal
import sys

# Source: prctl(2).
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, number: signal.Signals) -> None:
    """Have this process sent a signal when its parent ends; a program that it becomes by exec keeps that.

    Args:
        parent: the parent's process id, asked for by itself before the fork.
        number: the signal. It is this process's own end at once where the parent has ended already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os._exit(1)
