"""Brings a deployment that was asked to stop to its end, also where the program does not notice.

Running steps are waited for as long as they take. A program that then goes on by itself (in a loop, asleep, waiting for
what never comes) is interrupted as by Ctrl-C in Python; one that ignores even that is ended with its process. By then
everything that was done is on disk.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 3.0
"""How long a program may go on, while no step runs, before it is interrupted; and then before its process is ended."""

_LOOK_SECONDS = 0.05


class Stopping:
    """The end of a deployment, once it has been asked for."""

    def __init__(self, *, busy: Callable[[], bool], over: Callable[[], bool], last_words: Callable[[], None]) -> None:
        """`busy`: a provider is at work; `over`: it has ended by itself; `last_words`: run before its process ends."""
        self._busy = busy
        self._over = over
        self._last_words = last_words
        self._begun = threading.Lock()

    def begin(self) -> None:
        """Begins to watch, in a thread; only once."""
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._watch, name="stopping", daemon=True).start()

    def _watch(self) -> None:
        if not self._quiet_for(PATIENCE_SECONDS):
            return
        # Only a program that is running is interrupted by it: elsewhere the signal is ignored (engine.host).
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if self._quiet_for(PATIENCE_SECONDS):
            self._last_words()
            os._exit(1)

    def _quiet_for(self, seconds: float) -> bool:
        """Waits until nothing has been at work for so long; False where the deployment ends before."""
        since = time.monotonic()
        while not self._over():
            if self._busy():
                since = time.monotonic()
            if time.monotonic() - since > seconds:
                return True
            time.sleep(_LOOK_SECONDS)
        return False
