"""Calls to Google Cloud's APIs for one project: whole lists, page by page, each asked for once.

The lists of each service are the truth here. Cloud Asset Inventory would name everything with a label in one answer,
but has to be switched on, is behind by minutes, and knows nothing of what has no labels.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

from lifecycle.caller import CallerUnknown
from lifecycle.google_api import GoogleError, ask, open_session, root_of
from lifecycle.teardown.subject import Subject

_PAGE = 500
_PAGE_SIZES = {"compute": "maxResults", "dns": "maxResults", "storage": "maxResults"}
"""What the number of items on a page is called, where it is not pageSize."""
_UNPAGED = ("clusters", "missingZones")
_NAMED_BY_ENVIRONMENT = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
"""Variables by which somebody says in which project to work. Source: Pulumi, "GCP: Installation & configuration"."""

Item = dict[str, Any]


class Calls:
    """One project, as the environment's credentials see it. May be used by several threads."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._lock = threading.Lock()
        self._session: Any = None
        self._lists: dict[str, _Listed] = {}

    def ask(self, service: str, path: str, method: str = "GET", **parameters: Any) -> dict[str, Any]:
        """One answer. Raises GoogleError.

        :param path: Below the service's version, such as `projects/P/locations/-/clusters`.
        """
        with self._lock:
            self._session = self._session or open_session(self.project)
        return ask(self._session, method, f"{root_of(service)}/{path}", **parameters)

    def all(self, service: str, path: str, key: str, **parameters: Any) -> Iterator[Item]:
        """Every item of a list, page by page; a list that is asked for again is not.

        :param key: Where the items are in an answer.

        Raises GoogleError, after what could be had, where a part of it could not.
        """
        yield from self._once(f"{service}/{path}?{sorted(parameters.items())}", service, path, key, parameters)

    def everywhere(self, kind: str) -> Iterator[Item]:
        """Every resource of a kind of Compute Engine, in all zones and regions and beyond them. Raises GoogleError.

        :param kind: As paths have it, such as `disks`.
        """
        path = f"projects/{self.project}/aggregated/{kind}"
        yield from self._once(f"compute/{path}", "compute", path, kind, {})

    def beyond_regions(self, kind: str) -> Iterator[Item]:
        """Every resource of a kind of Compute Engine that has no region, such as `networks`. Raises GoogleError."""
        yield from self.all("compute", f"projects/{self.project}/global/{kind}", "items")

    def _once(self, name: str, service: str, path: str, key: str, parameters: dict[str, Any]) -> Iterator[Item]:
        with self._lock:
            listed = self._lists.setdefault(name, _Listed())
        with listed.lock:
            if not listed.asked:
                listed.asked = True
                try:
                    for page in self._pages(service, path, key, parameters):
                        listed.take(page, key)
                except Exception as error:
                    # Whatever it is, nobody who reads the list may take it for the whole.
                    listed.error = error
        yield from listed.items
        if listed.error is not None:
            raise listed.error

    def _pages(self, service: str, path: str, key: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        sizes = {} if key in _UNPAGED else {_PAGE_SIZES.get(service, "pageSize"): str(_PAGE)}
        token: dict[str, str] = {}
        while True:
            page = self.ask(service, path, **parameters, **sizes, **token)
            yield page
            if not page.get("nextPageToken"):
                return
            token = {"pageToken": page["nextPageToken"]}


class _Listed:
    """A list that was asked for, or will be."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = False
        self.items: list[Item] = []
        self.error: Exception | None = None
        """Why it is not the whole list."""

    def take(self, page: dict[str, Any], key: str) -> None:
        """Adds what is on a page, and notes what its answer leaves out."""
        places = page.get("items") if key != "items" else None
        if isinstance(places, dict):
            # An aggregated list: by place, and each place may have a warning instead.
            for place, content in places.items():
                self.items += content.get(key) or []
                self._note(content.get("warning") or {}, place)
        else:
            self.items += page.get(key) or []
        self._note(page.get("warning") or {}, "")
        # Source: the discovery documents of compute, storage and container, in this order.
        if left_out := [*page.get("unreachables", ()), *page.get("unreachable", ()), *page.get("missingZones", ())]:
            self.error = GoogleError(f"{', '.join(map(str, left_out))} cannot be reached")

    def _note(self, warning: dict[str, Any], place: str) -> None:
        if warning.get("code") not in (None, "NO_RESULTS_ON_PAGE"):
            self.error = GoogleError(f"{place} {warning.get('code')}: {warning.get('message', '')}".strip())


def caller_project(subject: Subject) -> str:
    """The stack's project and its number in brackets, where the environment's credentials reach it; or another project
    that the environment names. Raises CallerUnknown.
    """
    return project_of(Calls(subject.account_id))


def project_of(calls: Calls) -> str:
    """The same, asked by these calls."""
    for variable in _NAMED_BY_ENVIRONMENT:
        if (named := os.environ.get(variable, "")) and named != calls.project:
            return f"{named} (as {variable} says)"
    try:
        project = calls.ask("cloudresourcemanager", f"projects/{calls.project}")
    except GoogleError as error:
        if error.status in (403, 404) and not error.is_off:
            # Which of the two it is, Google tells nobody who may not know.
            raise CallerUnknown(
                f"the credentials do not reach project {calls.project}, or there is none ({error}): log in as somebody "
                "who may, or set gcp:project"
            ) from None
        raise CallerUnknown(f"Google Cloud does not say whose project {calls.project} is: {error}") from None
    number = str(project.get("name", "")).removeprefix("projects/")
    return f"{project.get('projectId', calls.project)} ({number})"
