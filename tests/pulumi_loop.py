"""An event loop for a Pulumi program within the test's own process, of which nothing is left.

Pulumi's mocks answer in the loop's threads, and make an event loop in each of them that nobody closes: its sockets
would be found by the garbage collector in the middle of another test. Here each thread is given a loop that is closed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pulumi.runtime.settings import SETTINGS

Result = TypeVar("Result")


def run_in_loop(program: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """What the coroutine function returns, run to its end in an event loop of its own."""
    loops: list[asyncio.AbstractEventLoop] = []

    def give_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    async def with_threads() -> Result:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=give_loop))
        return await program()

    try:
        # Waits for the threads, too.
        return asyncio.run(with_threads())
    finally:
        for loop in loops:
            loop.close()
        # What a program that failed was waiting for would be waited for by the next.
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
