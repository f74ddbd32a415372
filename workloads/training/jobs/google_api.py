"""Requests to Google's REST APIs as the environment's identity, with errors in one line.

``google-auth`` finds the credentials (``GOOGLE_APPLICATION_CREDENTIALS``, ``gcloud auth application-default login``,
or the machine's own). The SDK of Vertex AI, ``google-cloud-aiplatform``, would bring clients of BigQuery, Cloud Storage
and generative models along for four requests, and is not used.
"""

from collections.abc import Mapping
from typing import Any

import google.auth
import requests
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from trainyard_artifacts.errors import one_line_reason
from workloads.training.jobs.errors import JobError, JobRefusedError, PlatformUnavailableError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 60
ASKED_AGAIN = Retry(
    total=3,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods={"GET"},
    raise_on_status=False,
)
"""Creating is asked for once: a second job would cost a second time."""


class NotFoundError(JobError):
    """There is no such thing."""


def authorized_session() -> requests.Session:
    """A session with the environment's identity.

    Raises:
        JobRefusedError: there is none.
    """
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except DefaultCredentialsError:
        raise JobRefusedError(
            "there are no Google credentials; run 'gcloud auth application-default login', or set"
            " GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    return patient(AuthorizedSession(credentials))


def patient(session: requests.Session) -> requests.Session:
    """The session, which from now on asks again what can be asked twice where Google does not answer for now."""
    session.mount("https://", HTTPAdapter(max_retries=ASKED_AGAIN))
    return session


def ask(session: requests.Session, method: str, url: str, what: str, **options: Any) -> Mapping[str, Any]:
    """One request's answer as JSON.

    :param what: What the request is to do, for error messages: ``create custom job NAME``.
    :param options: As ``requests.Session.request`` takes them: ``json``, ``params``, ``data``.

    Raises:
        NotFoundError, JobRefusedError: Google says so.
        PlatformUnavailableError: no answer, or none that can be used.
    """
    try:
        response = session.request(method, url, timeout=_SECONDS, **options)
    except (requests.RequestException, GoogleAuthError) as error:
        # The text of these errors may have the whole request in it.
        raise PlatformUnavailableError(f"Google Cloud cannot {what}: no answer ({type(error).__name__})") from None
    return _answer(response, what)


def _answer(response: requests.Response, what: str) -> Mapping[str, Any]:
    try:
        document: Any = response.json() if response.content else {}
    except requests.JSONDecodeError:
        document = {}
    if response.ok and isinstance(document, dict):
        return document
    error = document.get("error", {}) if isinstance(document, dict) else {}
    said = error.get("message", "") if isinstance(error, dict) else ""
    message = f"Google Cloud cannot {what}: HTTP {response.status_code} {one_line_reason(said)}".rstrip()
    if response.status_code == 404:
        raise NotFoundError(message)
    if response.status_code == 429 or response.status_code >= 500:
        raise PlatformUnavailableError(message)
    raise JobRefusedError(message)
