"""A stand-in for Google Cloud on loopback: it answers what the audit asks, and deletes what a command line names.

Nobody emulates Google Cloud as moto does AWS. What is asked and what is answered here is held against Google's own
descriptions of its APIs (`google_descriptions`); how the services behave beside that is written from their
documentation. Pages are short, so that everything is asked for page by page.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.threaded_server import served

PROJECT, NUMBER, REGION, ZONE = "ml-platform-example", "123456789012", "europe-west4", "europe-west4-a"
BILLING = "billingAccounts/012345-6789AB-CDEF01"
SERVICES = (
    "artifactregistry",
    "billingbudgets",
    "cloudkms",
    "cloudresourcemanager",
    "cloudscheduler",
    "compute",
    "container",
    "dns",
    "iam",
    "logging",
    "monitoring",
    "storage",
)
_PAGE = 2
_LINK = "https://www.googleapis.com/compute/v1"
_KEYS = {"serviceAccounts": "accounts", "keyRings": "keyRings"}
"""Where the items of a list are, where that is not what its path ends in."""
_NO_HOLD = ("selfLink", "users", "sourceDisk", "instanceGroup", "instances", "nextHopNetwork")
"""Fields that lead to another resource and do not keep it from being deleted."""


@dataclass(frozen=True)
class Exchange:
    """A request, and what was answered."""

    service: str
    method: str
    path: str
    """Below the service's root, such as `compute/v1/projects/P/global/networks`."""
    query: dict[str, list[str]]
    status: int
    answer: dict[str, Any]


class GoogleStandIn:
    """One project. What is in it is kept by service and path."""

    def __init__(self, endpoint: str = "") -> None:
        self.endpoint = endpoint
        self.reset()

    def reset(self) -> None:
        """Makes it empty, and everything allowed."""
        self.resources: dict[tuple[str, str], dict[str, Any]] = {}
        self.bindings: list[dict[str, Any]] = []
        self.refused: dict[str, str] = {}
        """Services, or kinds such as `compute/disks`, that are answered by 403, and the reason."""
        self.consumer = f"projects/{NUMBER}"
        """The project in which an API is off that is."""
        self.unreachable: set[str] = set()
        """Places that Compute Engine cannot reach."""
        self.passing = 0
        """How many of the next requests are answered by 503."""
        self.number = NUMBER
        self.exchanges: list[Exchange] = []

    def environment(self, folder: Path) -> dict[str, str]:
        """What clients read to use it, and nothing of the machine's own.

        :param folder: Where the key of a service account is put.
        """
        key = folder / "google-key.json"
        key.write_text(json.dumps(_service_account(f"{self.endpoint}/token")), encoding="utf-8")
        overrides = {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}": f"{self.endpoint}/{service}/" for service in SERVICES
        }
        return {
            **overrides,
            "GOOGLE_APPLICATION_CREDENTIALS": str(key),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    # What a test puts into it

    def put(self, service: str, path: str, **fields: Any) -> dict[str, Any]:
        """A resource, at a path such as `projects/P/locations/R/jobs/J`; its name is filled in."""
        resource = {"name": path, **fields}
        self.resources[service, path] = resource
        return resource

    def compute(self, place: str, kind: str, name: str, **fields: Any) -> str:
        """A resource of Compute Engine; its link.

        :param place: `global`, `regions/R` or `zones/Z`.
        """
        path = f"projects/{PROJECT}/{place}/{kind}/{name}"
        where, _, which = place.partition("/")
        placed = {where[:-1]: f"{_LINK}/projects/{PROJECT}/{place}"} if which else {}
        link = f"{_LINK}/{path}"
        self.resources["compute", path] = {"name": name, "selfLink": link, **placed, **fields}
        return link

    def delete(self, service: str, path: str) -> None:
        """Deletes what nothing else holds. Raises AssertionError for what is not there, or in use."""
        assert (service, path) in self.resources, f"there is no {service} {path}"
        if service == "compute":
            users = [each for each in self._holders(path) if each != path]
            assert not users, f"{path} is in use by {users}"
            managed = self.resources[service, path].get("instanceGroup")
            if managed:
                del self.resources["compute", managed.removeprefix(f"{_LINK}/")]
        del self.resources[service, path]

    def _holders(self, path: str) -> list[str]:
        link = f"{_LINK}/{path}"
        return [
            other
            for (service, other), resource in self.resources.items()
            if service == "compute" and link in _links_of(resource)
        ]

    # What it answers

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application."""
        path = unquote(environ["PATH_INFO"]).lstrip("/")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if path == "token":
            return _send(start_response, 200, {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
        service, _, below = path.partition("/")
        query = parse_qs(environ.get("QUERY_STRING", ""))
        method = environ["REQUEST_METHOD"]
        if environ.get("HTTP_AUTHORIZATION") != "Bearer token":
            return _send(start_response, 401, _error(401, "Request had invalid credentials", "CREDENTIALS_MISSING"))
        if self.passing:
            self.passing -= 1
            return _send(start_response, 503, _error(503, "The service is currently unavailable", "backendError"))
        status, answer = self._answer(service, method, below, query, body)
        self.exchanges.append(Exchange(service, method, below, query, status, answer))
        return _send(start_response, status, answer)

    def _answer(
        self, service: str, method: str, below: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        path = re.sub(r"^(compute/|dns/|storage/)?v\d/", "", below)
        kind = f"{service}/{path.rpartition('/')[2]}"
        if reason := self.refused.get(service) or self.refused.get(kind):
            text = "API has not been used in project before or it is disabled" if "DISABLED" in reason else "denied"
            about = {"service": f"{service}.googleapis.com", "consumer": self.consumer} if "DISABLED" in reason else {}
            return 403, _error(403, f"{kind}: {text}", reason, about)
        match service:
            case "cloudresourcemanager":
                return self._project(method, path, body)
            case "compute":
                return self._compute(path, query)
            case "storage":
                return self._buckets(query)
            case "dns":
                path = path.removeprefix("v1/")
        if service == "container" and path.endswith("/locations/-/clusters"):
            found = [each for (of, _), each in self.resources.items() if of == service]
            return 200, {"clusters": found, "missingZones": sorted(self.unreachable)} if self.unreachable else {
                "clusters": found
            }
        return self._list(service, path, query)

    def _project(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        name, _, verb = path.partition(":")
        if name != f"projects/{PROJECT}":
            return 403, _error(403, "The caller does not have permission", "")
        if verb == "getIamPolicy":
            assert method == "POST"
            assert json.loads(body) == {"options": {"requestedPolicyVersion": 3}}
            return 200, {"version": 3, "etag": "BwX", "bindings": self.bindings}
        return 200, {"name": f"projects/{self.number}", "projectId": PROJECT, "state": "ACTIVE"}

    def _compute(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        scope, kind = path.removeprefix(f"projects/{PROJECT}/").split("/")
        everywhere = scope == "aggregated"
        form = re.compile(rf"projects/{PROJECT}/((?:zones|regions)/[^/]+|global)/{kind}/[^/]+")
        found = [
            (match[1], each)
            for (of, at), each in self.resources.items()
            if of == "compute" and (match := form.fullmatch(at)) and (everywhere or match[1] == "global")
        ]
        some, token = _page(found, query)
        about = {"kind": f"compute#{kind}List", **token}
        if not everywhere:
            return 200, {**about, "items": [each for _, each in some]} if some else about
        items: dict[str, Any] = {
            f"zones/{ZONE}": {"warning": _warning("NO_RESULTS_ON_PAGE")},
        }
        for place, each in some:
            items.setdefault(place, {}).setdefault(kind, []).append(each)
            items[place].pop("warning", None)
        items |= {place: {"warning": _warning("UNREACHABLE")} for place in self.unreachable}
        return 200, {**about, "items": items}

    def _buckets(self, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        assert query["project"] == [PROJECT]
        deleted = query.get("softDeleted") == ["true"]
        buckets = [each for (of, _), each in self.resources.items() if of == "storage"]
        some, token = _page([each for each in buckets if ("softDeleteTime" in each) == deleted], query)
        return 200, {"kind": "storage#buckets", **token, **({"items": some} if some else {})}

    def _list(self, service: str, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        kind = path.rpartition("/")[2]
        form = re.compile(rf"{re.escape(path)}/[^/]+")
        found = [each for (of, at), each in self.resources.items() if of == service and form.fullmatch(at)]
        some, token = _page(found, query)
        key = _KEYS.get(kind, kind)
        return 200, {**token, **({key: some} if some else {})}


def _page(found: list[Any], query: dict[str, list[str]]) -> tuple[list[Any], dict[str, str]]:
    """A part of a list, and the token by which the next one is had."""
    start = int(query.get("pageToken", ["0"])[0])
    some = found[start : start + _PAGE]
    return some, {"nextPageToken": str(start + _PAGE)} if start + _PAGE < len(found) else {}


def _links_of(value: object, name: str = "") -> set[str]:
    if name in _NO_HOLD:
        return set()
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {link for key, each in value.items() for link in _links_of(each, key)}
    return {link for each in value for link in _links_of(each)} if isinstance(value, list) else set()


def _warning(code: str) -> dict[str, Any]:
    return {"code": code, "message": f"There is {code.lower()}"}


def _error(status: int, message: str, reason: str, about: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Source: Google Cloud APIs, "Errors"; ErrorInfo; ErrorReason."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    details = [{**info, "metadata": dict(about)} if about else info]
    return {"error": {"code": status, "message": message, "status": "PERMISSION_DENIED", "details": details}}


def _send(start_response: Callable[..., Any], status: int, answer: dict[str, Any]) -> list[bytes]:
    start_response(f"{status} {'OK' if status == 200 else 'Refused'}", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def _service_account(token_uri: str) -> dict[str, str]:
    """The key of a service account, whose private key is made here and leads nowhere."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "0" * 40,
        "private_key": pem,
        "client_email": f"auditor@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }


@contextmanager
def google_stand_in() -> Iterator[GoogleStandIn]:
    """A stand-in on a free port, while the block lasts."""
    cloud = GoogleStandIn()
    with served(cloud.answer) as cloud.endpoint:
        yield cloud
