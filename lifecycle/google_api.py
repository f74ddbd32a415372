"""Google Cloud's REST APIs as the environment's identity: one session, timeouts, tries again, and errors on one line.

`google-auth` finds the credentials (`GOOGLE_APPLICATION_CREDENTIALS`, `gcloud auth application-default login`, or the
machine's own). Where an API is, may be said as for `gcloud`: `CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE` and so on, as
for an endpoint of Private Service Connect. Source: gcloud reference, "gcloud config set", `api_endpoint_overrides`.
"""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engine.errors import EngineError

if TYPE_CHECKING:
    import requests

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CONNECT_SECONDS, READ_SECONDS = 5, 60
TRIES_AGAIN = 3
"""How often a request is made again that fails for a moment; only reading is asked for here."""
_PASSING = (429, 500, 502, 503, 504)
VERSIONS = {
    "artifactregistry": "v1",
    "billingbudgets": "v1",
    "cloudkms": "v1",
    "cloudresourcemanager": "v3",
    "cloudscheduler": "v1",
    "compute": "compute/v1",
    "container": "v1",
    "dns": "dns/v1",
    "iam": "v1",
    "logging": "v2",
    "monitoring": "v3",
    "storage": "storage/v1",
}
"""The version of each API, as its addresses begin. Source: the discovery document of each, `servicePath` and paths."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class GoogleError(EngineError):
    """Google Cloud does not answer, or refuses."""

    def __init__(self, text: str, status: int = 0, reason: str = "", *, service: str = "", consumer: str = "") -> None:
        super().__init__(text)
        self.status = status
        """Of the answer in HTTP; 0: there was none."""
        self.reason = reason
        """In Google's words, such as SERVICE_DISABLED; empty: it says none."""
        self.service = service
        """The API that refuses, such as dns.googleapis.com; empty: it is not said."""
        self.consumer = consumer
        """For whom it refuses: `projects/N`, the number of the project whose quota counts; empty: it is not said.

        Source: google.api, ErrorReason, SERVICE_DISABLED."""

    @property
    def is_absent(self) -> bool:
        """Whether there is no such thing."""
        return self.status == 404

    @property
    def is_off(self) -> bool:
        """Whether the API was never switched on, or was switched off: in the project whose quota counts, which need
        not be the one that is asked about. Source: Google Cloud, "About the quota project".
        """
        return self.reason in ("SERVICE_DISABLED", "accessNotConfigured")


class NoCredentials(GoogleError):
    """There are no credentials."""


def root_of(service: str) -> str:
    """Where the paths of a service begin. Raises GoogleError for an address over which nothing secret may go."""
    variable = f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}"
    root = os.environ.get(variable, "").rstrip("/") or f"https://{service}.googleapis.com"
    address = urlsplit(root)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
        raise GoogleError(f"{variable} is {root}: must begin with https://")
    version = VERSIONS[service]
    # What gcloud is told has the service's own path in it, but not the version.
    return f"{root.removesuffix(f'/{version}')}/{version}"


def open_session(project: str = "") -> "requests.Session":
    """A session as the environment's identity, which may be used by several threads. Raises GoogleError.

    :param project: Whose quota counts where the credentials are a person's own and name none. They need the right
        serviceusage.services.use there. Source: Google Cloud, "Set the quota project".
    """
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.credentials import Credentials
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except DefaultCredentialsError:
        raise NoCredentials(
            "there are no Google credentials here: run 'gcloud auth application-default login', or set "
            "GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    except GoogleAuthError as error:
        raise GoogleError(f"the Google credentials cannot be used: {_line(str(error))}") from None
    if project and isinstance(credentials, Credentials) and not credentials.quota_project_id:
        credentials = credentials.with_quota_project(project)
    session = AuthorizedSession(credentials)
    retry = Retry(
        total=TRIES_AGAIN,
        backoff_factor=0.5,
        status_forcelist=_PASSING,
        allowed_methods={"GET", "POST"},
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=8))
    return session


def ask(session: "requests.Session", method: str, url: str, **parameters: Any) -> dict[str, Any]:
    """One answer. Raises GoogleError.

    :param method: GET, or POST for what is asked so, such as `getIamPolicy`.
    :param parameters: Of the query, for GET; of the body, for POST.
    """
    import requests
    from google.auth.exceptions import GoogleAuthError

    query, body = (parameters, None) if method == "GET" else (None, parameters)
    try:
        response = session.request(method, url, params=query, json=body, timeout=(CONNECT_SECONDS, READ_SECONDS))
    except (requests.RequestException, GoogleAuthError) as error:
        # The whole text may have the request in it.
        detail = f" ({_line(str(error))})" if isinstance(error, GoogleAuthError) else f" ({type(error).__name__})"
        raise GoogleError(f"{urlsplit(url).hostname} does not answer{detail}") from None
    try:
        document: Any = response.json() if response.content else {}
    except requests.JSONDecodeError:
        document = None
    if response.ok and isinstance(document, dict):
        return document
    raise _refusal(response.status_code, urlsplit(url).hostname or "", document)


def _refusal(status: int, host: str, document: Any) -> GoogleError:
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return GoogleError(f"{host} gives no answer that can be read (HTTP {status})", status)
    said = [*error.get("details", ()), *error.get("errors", ())]
    reason = next((each["reason"] for each in said if each.get("reason")), "")
    about: dict[str, str] = next((each["metadata"] for each in said if each.get("metadata")), {})
    return GoogleError(
        f"HTTP {status} {_line(str(error.get('message', '')))}".strip(),
        status,
        reason,
        service=about.get("service", ""),
        consumer=about.get("consumer", ""),
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:500]
