"""Environments by which clients reach AWS, or the cloud on this machine: some look for credentials nowhere else."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.errors import EngineError

_LOOPBACK = "127.0.0.1,localhost"


@contextmanager
def acting_with(environment: Mapping[str, str]) -> Iterator[None]:
    """Inside the block, this process's environment has these variables, and no others for AWS.

    No other thread may deploy or fetch meanwhile.
    """
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def local_environment(*, endpoint: str, region: str, key_id: str, secret: str) -> dict[str, str]:
    """The variables for an identity of the cloud on this machine; holds a secret."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        # Neither the user's own files nor a machine's metadata may answer for credentials or settings.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # No proxy reaches this machine's own cloud and service. Some clients read only one of the two.
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }


def user_environment(region: str = "") -> dict[str, str]:
    """The user's own variables for AWS, with the credentials of their profile or sign-on; holds a secret.

    :param region: Where to work unless the environment says otherwise; empty: nothing is said.

    Raises EngineError where there are credentials and they cannot be read.
    """
    own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    if region:
        own = {"AWS_REGION": region, **own}
    if "AWS_ACCESS_KEY_ID" in own:
        return own
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        credentials = boto3.session.Session().get_credentials()
        frozen = None if credentials is None else credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as error:
        raise EngineError(f"the credentials for AWS cannot be read: {error}") from None
    if frozen is None:
        return own
    found = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
    return {**own, **found, **({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {})}
