"""What Ctrl-C and SIGTERM mean to an ephemeral run: to stop it and destroy its stack, and to hand it over as it is.

The embedded engine has its own handlers while it deploys, and is told to stop by either. The Pulumi CLI hears a
terminal's Ctrl-C itself; everything else has to be passed on to it, or it goes on by itself.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class HandedOver(BaseException):
    """Somebody else goes on with the run; what was running has been asked to stop in good order."""


@contextmanager
def run_signals() -> Iterator[None]:
    """Inside the block, SIGTERM ends it by HandedOver, and Ctrl-C stops what is being deployed, or else ends it.

    Whoever waits for a CLI waits until it has stopped.
    """
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _hand_over),
        signal.SIGINT: signal.signal(signal.SIGINT, _stop),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hand_over(_number: int, _frame: FrameType | None) -> None:
    from lifecycle.deployer_automation import interrupt_deployments

    interrupt_deployments()
    raise HandedOver


def _stop(_number: int, _frame: FrameType | None) -> None:
    from lifecycle.deployer_automation import deployments, interrupt_deployments

    if not deployments():
        raise KeyboardInterrupt
    if not sys.stdin.isatty():
        interrupt_deployments()
