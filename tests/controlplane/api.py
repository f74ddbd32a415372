"""The API of a Kubernetes server over one kept connection: what `kubectl` asks, without a process for each question."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

Manifest = dict[str, Any]
"""An object of Kubernetes, as JSON has it."""

FIELD_MANAGER = "trainyard-tests"

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SECONDS = 60.0
_ATTEMPTS = 50
_PAUSE_SECONDS = 0.2
_LATER = (requests.codes.too_many_requests, requests.codes.service_unavailable)


class Refused(Exception):
    """The server did not do what was asked; the message is its own."""

    def __init__(self, status: int, message: str, reason: str = "", what: str = "") -> None:
        super().__init__(f"{what}: {message}" if what else message)
        self.status = status
        """The HTTP status code."""
        self.message = message
        """What the server says."""
        self.reason = reason
        """Kubernetes' word for it, such as `NotFound` or `Forbidden`; may be empty."""


@dataclass(frozen=True)
class Resource:
    """A kind of object that the server knows."""

    group: str
    """Empty for the core group."""
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of one object, or of all in a namespace, or of all there are."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/" + "/".join([*parts, self.plural, *([name] if name else [])])


class Api:
    """One user's view of a server. Not for several threads at once: each takes an Api of its own."""

    def __init__(self, server: str, authority: Path, certificate: tuple[Path, Path] | None = None) -> None:
        """`certificate` is the path of the user's certificate and of its key; without it the user is nobody."""
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(authority)
        if certificate:
            self._session.cert = (str(certificate[0]), str(certificate[1]))
        self._resources: list[Resource] = []

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content_type: str = "application/json",
        parameters: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Any:
        """What the server answers, as JSON. Raises Refused."""
        for _ in range(_ATTEMPTS):
            response = self._session.request(
                method,
                self._server + path,
                params=dict(parameters or {}),
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": content_type, "Accept": accept},
                timeout=_SECONDS,
            )
            # As every client of Kubernetes: the store of a new kind, for one, takes a moment.
            if response.status_code not in _LATER or "Retry-After" not in response.headers:
                break
            time.sleep(_PAUSE_SECONDS)
        if response.ok:
            return response.json() if "json" in response.headers.get("Content-Type", "") else response.text
        try:
            status = response.json()
            message, reason = str(status.get("message", response.text)), str(status.get("reason", ""))
        except (ValueError, AttributeError):
            message, reason = response.text, ""
        raise Refused(response.status_code, message, reason)

    def apply(self, manifest: Manifest, *, dry_run: bool = False, manager: str = FIELD_MANAGER) -> Manifest:
        """Applies a manifest as `kubectl apply --server-side --validate=strict --force-conflicts` does.

        Returns the object as the server has it. Raises Refused.
        """
        resource, namespace, name = self._place(manifest)
        parameters = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        try:
            applied: Manifest = self.request(
                "PATCH",
                resource.path(namespace, name),
                body=manifest,
                content_type="application/apply-patch+yaml",
                parameters=parameters | ({"dryRun": "All"} if dry_run else {}),
            )
        except Refused as refused:
            raise _naming(refused, manifest) from None
        return applied

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Creates an object as `kubectl create --validate=strict` does; `generateName` works. Raises Refused."""
        resource, namespace, _ = self._place(manifest)
        parameters = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        try:
            created: Manifest = self.request(
                "POST",
                resource.path(namespace),
                body=manifest,
                parameters=parameters | ({"dryRun": "All"} if dry_run else {}),
            )
        except Refused as refused:
            raise _naming(refused, manifest) from None
        return created

    def get(self, kind: str, namespace: str | None = None, selector: str | None = None) -> list[Manifest]:
        """All objects of a kind: in a namespace or in all, with these labels (`a=b,c`) or any. Raises Refused.

        A kind is what `kubectl get` takes: `Pod`, `pods` or `workloads.kueue.x-k8s.io`.
        """
        resource = self.resource(kind)
        parameters = {"labelSelector": selector} if selector else {}
        listed = self.request("GET", resource.path(namespace), parameters=parameters)
        described = {"apiVersion": resource.api_version, "kind": resource.kind}
        # The items of a list do not say what they are.
        return [described | item for item in listed["items"]]

    def get_one(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """One object, or None where there is none. Raises Refused."""
        try:
            found: Manifest = self.request("GET", self.resource(kind).path(namespace, name))
        except Refused as refused:
            if refused.status == requests.codes.not_found:
                return None
            raise
        return found

    def patch(self, kind: str, name: str, change: Manifest, namespace: str | None = None) -> Manifest:
        """Merges a change into an object (RFC 7386: null removes). Raises Refused."""
        path = self.resource(kind).path(namespace, name)
        patched: Manifest = self.request("PATCH", path, body=change, content_type="application/merge-patch+json")
        return patched

    def delete(self, kind: str, name: str, namespace: str | None = None, *, grace_seconds: int | None = None) -> None:
        """Asks for the end of an object; one that is not there is no error. Raises Refused."""
        options: Manifest = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self.request("DELETE", self.resource(kind).path(namespace, name), body=options)
        except Refused as refused:
            if refused.status != requests.codes.not_found:
                raise

    def resource(self, kind: str, api_version: str | None = None) -> Resource:
        """What the server knows by this kind, or plural, or `plural.group`. Raises Refused where it knows nothing."""
        for attempt in range(2):
            if attempt or not self._resources:
                self.discover()
            for resource in self._resources:
                if api_version is not None and resource.api_version != api_version:
                    continue
                names = {resource.kind, resource.plural, f"{resource.plural}.{resource.group}"}
                if kind in names or kind in {name.lower() for name in names}:
                    return resource
        wanted = f"{kind!r} in version {api_version!r}" if api_version else f"{kind!r}"
        raise Refused(requests.codes.not_found, f"the server knows no kind {wanted}", "NotFound")

    def discover(self) -> set[str]:
        """Asks anew what kinds there are: `plural.group` of each. The core group's come first, then each preferred."""
        self._resources = []
        for path in ("/api", "/apis"):
            for group in self.request("GET", path, accept=_DISCOVERY)["items"]:
                for version in group["versions"]:
                    self._resources += _resources(group["metadata"].get("name", ""), version)
        return {f"{resource.plural}.{resource.group}" for resource in self._resources}

    def _place(self, manifest: Manifest) -> tuple[Resource, str | None, str | None]:
        resource = self.resource(manifest["kind"], manifest["apiVersion"])
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace", "default") if resource.namespaced else None
        return resource, namespace, metadata.get("name")


def sorted_for_apply(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The manifests with namespaces and custom resource definitions first, else in their order."""
    first = ("Namespace", "CustomResourceDefinition")
    return sorted(manifests, key=lambda each: first.index(each["kind"]) if each["kind"] in first else len(first))


def _resources(group: str, version: Mapping[str, Any]) -> Iterable[Resource]:
    for resource in version.get("resources", []):
        kind = resource.get("responseKind", {}).get("kind", "")
        yield Resource(group, version["version"], kind, resource["resource"], resource["scope"] == "Namespaced")


def _naming(refused: Refused, manifest: Manifest) -> Refused:
    """The same refusal, saying of which manifest."""
    metadata = manifest["metadata"]
    name = metadata.get("name") or metadata.get("generateName", "")
    where = f" in namespace {metadata['namespace']}" if metadata.get("namespace") else ""
    return Refused(refused.status, refused.message, refused.reason, f"{manifest['kind']} {name}{where}")
