"""moto beside the other motos of a test process, which share their memory: nothing of theirs is forgotten."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from moto import mock_aws
from moto.backends import get_backend


@contextmanager
def aws_in_this_process(services: Sequence[str], config: dict[str, Any] | None = None) -> Iterator[None]:
    """While the block lasts, boto3 in this process reaches moto, in which these services are empty and no others are.

    `mock_aws` by itself empties all of them, also those that a server of another test, in the same process, has.
    """
    mock = mock_aws(config=config)  # type: ignore[arg-type]
    mock.start(reset=False)
    try:
        _empty(services)
        yield
    finally:
        _empty(services)
        mock.stop(remove_data=False)


def _empty(services: Sequence[str]) -> None:
    for service in services:
        for account in list(get_backend(service).values()):  # type: ignore[call-overload]
            account.reset()
