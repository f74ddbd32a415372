"""The credentials for AWS of whoever runs a command, for clients that look for them in the environment only."""

import os

from engine.errors import EngineError


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
