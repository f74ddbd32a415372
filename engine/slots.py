"""How many steps may run at the same time: first come, first served.

Python's own semaphore sends a waiting thread to the end of the queue when a newcomer is faster; among many steps one
could then wait for all of the others.
"""

import threading
from collections import deque


class Slots:
    """A number of places; inside a `with` block a thread holds one, and waits for it in order of arrival."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
