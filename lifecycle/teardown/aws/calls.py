"""Calls to AWS' APIs: the caller's own credentials, one client a service, timeouts, retries, and whole lists."""

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from lifecycle.caller import CallerUnknown

CONNECT_SECONDS, READ_SECONDS = 5, 30
ATTEMPTS = 4
"""How often a call is tried that fails for a moment: botocore's standard mode knows which do, and waits."""

_PAGE_SIZES = dict.fromkeys(
    ("describe_instances", "describe_network_interfaces", "describe_snapshots", "describe_volumes"), 500
)
"""EC2 would answer for all of them at once, which for many takes longer than a call may."""
_ABSENT = ("NotFoundException", "ResourceNotFoundException")


class Calls:
    """One account and region, as the environment's credentials see it. May be used by several threads."""

    def __init__(self, region: str) -> None:
        """`AWS_ENDPOINT_URL`, `AWS_PROFILE` and all that boto3 knows is read from the environment."""
        self._region = region
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session: Any = None

    def client(self, service: str) -> Any:
        """The client of a service, made once. Raises botocore's errors."""
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                self._session = self._session or _session(self._region)
                self._clients[service] = self._session.client(
                    service,
                    config=Config(
                        connect_timeout=CONNECT_SECONDS,
                        read_timeout=READ_SECONDS,
                        retries={"mode": "standard", "max_attempts": ATTEMPTS},
                    ),
                )
            return self._clients[service]

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call. Raises botocore's errors."""
        answer: dict[str, Any] = getattr(self.client(service), operation)(**parameters)
        return answer

    def all(self, service: str, operation: str, key: str = "", **parameters: Any) -> Iterator[Any]:
        """Every item of a list, page by page. Raises botocore's errors.

        :param key: Where the items are in an answer; by default what botocore says of the operation's pages.
        """
        client = self.client(service)
        if not client.can_paginate(operation):
            yield from self.ask(service, operation, **parameters).get(key) or []
            return
        paginator = client.get_paginator(operation)
        wanted = key or paginator.result_keys[0].expression
        pages = {"PageSize": _PAGE_SIZES[operation]} if operation in _PAGE_SIZES else {}
        for page in paginator.paginate(**parameters, PaginationConfig=pages):
            yield from page.get(wanted) or []


@cache
def _definitions() -> Any:
    """What botocore knows of services: reading it takes longer than asking them, and many audits read the same."""
    from botocore.loaders import Loader

    return Loader()


def _session(region: str) -> Any:
    import boto3
    import botocore.session

    session = botocore.session.get_session()
    session.register_component("data_loader", _definitions())
    return boto3.Session(botocore_session=session, region_name=region)


def is_absent(error: Exception) -> bool:
    """Whether a service has answered that there is nothing of the name that it was asked for."""
    from botocore.exceptions import ClientError

    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _ABSENT


def caller_account(region: str) -> str:
    """The account, twelve digits, that the environment's credentials are of. Raises CallerUnknown."""
    return account_of(Calls(region))


def account_of(calls: Calls) -> str:
    """The account, twelve digits, that the calls are made in. Raises CallerUnknown."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

    try:
        return str(calls.ask("sts", "get_caller_identity")["Account"])
    except (NoCredentialsError, ProfileNotFound) as error:
        raise CallerUnknown(
            f"there are no AWS credentials here ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, to the account of the stack"
        ) from None
    except (BotoCoreError, ClientError) as error:
        raise CallerUnknown(f"AWS does not say of which account these credentials are: {error}") from None
