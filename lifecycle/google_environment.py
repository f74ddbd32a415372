"""The environment by which clients reach Google Cloud as the user: some look for credentials in few places only."""

import os

from engine.errors import EngineError

TOKEN = "GOOGLE_BEARER_TOKEN"  # noqa: S105  # the name of a variable
"""Variable by which obstore takes an access token, which is good for an hour. Source: obstore, `GCSConfig`."""


def user_environment() -> dict[str, str]:
    """The user's own token for Google Cloud, whichever way they have signed on; holds a secret.

    obstore by itself knows service accounts and users, and not an identity of others' that is let in, such as that of
    a workflow of GitHub. `google-auth` knows them all. Empty where there are no credentials.

    Raises EngineError where there are credentials and they cannot be used.
    """
    if os.environ.get(TOKEN):
        return {TOKEN: os.environ[TOKEN]}
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.auth.transport.requests import Request

    from lifecycle.google_api import SCOPE

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())
    except DefaultCredentialsError:
        return {}
    except GoogleAuthError as error:
        raise EngineError(f"the credentials for Google Cloud cannot be used: {' '.join(str(error).split())}") from None
    return {TOKEN: str(credentials.token)}
