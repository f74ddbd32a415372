"""Whose account a run would deploy to, and whether the caller is in it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from lifecycle.runs.errors import RunError, RunRefused


def account_of(config: Mapping[str, Any], project: str) -> str:
    """The account that a stack on AWS names; empty where it names none. Pure.

    :param config: The stack's resolved configuration by full key; an object may be JSON text.
    """
    value = config.get(f"{project}:aws") or {}
    try:
        aws = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return ""
    return str(aws.get("account_id", "")) if isinstance(aws, dict) else ""


def caller_account() -> str:
    """The account of whoever runs this, asked of AWS STS (GetCallerIdentity). Raises RunError."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # Any region answers, so a caller without one need not be asked for it.
        session = boto3.session.Session()
        client = session.client("sts", region_name=session.region_name or "us-east-1")
        return str(client.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise RunError(f"AWS does not tell who you are ({error}): log in, or set AWS_PROFILE") from None


def check_account(cloud: str, named: str, caller: Callable[[], str] = caller_account) -> None:
    """Raises RunRefused where the stack's account is not the caller's; there is none on this machine."""
    if cloud != "aws":
        return
    if not named:
        raise RunRefused("aws.account_id is not set: must be the 12 digits of the account that the stack is for")
    own = caller()
    if own != named:
        raise RunRefused(
            f"aws.account_id is {named}, and you are in account {own}: must be the same; log in to {named}, or set the "
            "stack's account"
        )
