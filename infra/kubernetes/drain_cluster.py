"""The cluster that is drained, through its API: lists objects, deletes them, takes the pods of a controller away.

Every request has a time limit of its own, so that a cluster that has gone silent holds nobody up. Nothing is written
into files.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes.client import ApiClient, ApisApi, Configuration, CoreV1Api, CustomObjectsApi, V1DeleteOptions
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import load_kube_config_from_dict

from infra.kubernetes.drain_stages import Action, Document, Kind

TIMEOUT_SECONDS = (5.0, 30.0)
"""To connect, and for the answer."""
_NOT_FOUND, _CONFLICT, _FORBIDDEN, _UNAUTHORIZED = 404, 409, 403, 401


class Silent(Exception):
    """The API server does not answer, or not now; the message says what happened."""


class Refused(Exception):
    """The API server does not let us; the message is its own."""


class LiveCluster:
    """One connection to a cluster, while this context lasts.

    Entering and every method raise Silent and Refused. Not for several threads at once.
    """

    def __init__(self, kubeconfig: str) -> None:
        """
        :param kubeconfig: The text of a kubeconfig of one cluster, in JSON.
        """
        self._kubeconfig = kubeconfig

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def find(self, kind: Kind, namespaces: Iterable[str] | None = None) -> list[Document]:
        """All objects of a kind: in some namespaces, or in all. None where the server does not know the kind."""
        if kind.group and kind.group not in self._versions:
            return []
        spaces: Iterable[str | None] = [None] if namespaces is None else namespaces
        return [document for space in spaces for document in self._listed(kind, space)]

    def do(self, action: Action) -> None:
        """Does it; what is not there any more is no error, nor is what somebody else has changed meanwhile."""
        if action.verb == "stop":
            change = {"spec": {"replicas": 0}}
            place = self._place(action.kind)
            self._ask(lambda: self._custom.patch_namespaced_custom_object(
                *place[:2], action.namespace, place[2], action.name, change, _request_timeout=TIMEOUT_SECONDS,
            ))  # fmt: skip
            return
        self._ask(lambda: self._delete(action))

    def _connect(self) -> None:
        configuration = Configuration()
        # Whoever asks decides whether to ask again.
        configuration.retries = False
        document = json.loads(self._kubeconfig)
        # The client library would write it into a file, and leave that behind where it is killed.
        for entry in document["clusters"]:
            authority = entry["cluster"].pop("certificate-authority-data", None)
            configuration.ca_cert_data = base64.b64decode(authority).decode() if authority else None
        try:
            load_kube_config_from_dict(document, client_configuration=configuration)
        except (ConfigException, OSError) as error:
            raise Refused(str(error)) from None
        self._client = ApiClient(configuration)
        self._core, self._custom = CoreV1Api(self._client), CustomObjectsApi(self._client)
        groups = self._ask(lambda: ApisApi(self._client).get_api_versions(_request_timeout=TIMEOUT_SECONDS)).groups
        self._versions = {group.name: group.preferred_version.version for group in groups}

    def _listed(self, kind: Kind, namespace: str | None) -> list[Document]:
        selected: dict[str, Any] = {"label_selector": kind.selector, "_request_timeout": TIMEOUT_SECONDS}
        if kind.group:
            place = self._place(kind)
            found = self._ask(
                (lambda: self._custom.list_namespaced_custom_object(*place[:2], namespace, place[2], **selected))
                if namespace
                else (lambda: self._custom.list_cluster_custom_object(*place, **selected))
            )
        else:
            found = self._ask(lambda: self._core_call("list", kind, namespace)(**selected))
        listed = self._client.sanitize_for_serialization(found) or {}
        return list(listed.get("items") or ())

    def _delete(self, action: Action) -> Any:
        options: dict[str, Any] = {
            "body": V1DeleteOptions(propagation_policy="Background"),
            "_request_timeout": TIMEOUT_SECONDS,
        }
        kind = action.kind
        if not kind.group:
            names = (action.name, action.namespace) if kind.namespaced else (action.name,)
            return self._core_call("delete", kind, action.namespace or None)(*names, **options)
        group, version, plural = self._place(kind)
        if kind.namespaced:
            return self._custom.delete_namespaced_custom_object(
                group, version, action.namespace, plural, action.name, **options
            )
        return self._custom.delete_cluster_custom_object(group, version, plural, action.name, **options)

    def _core_call(self, verb: str, kind: Kind, namespace: str | None) -> Callable[..., Any]:
        """The client's method: `list_service_for_all_namespaces`, `delete_persistent_volume`."""
        noun = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.name).lower()
        if not kind.namespaced:
            method: Callable[..., Any] = getattr(self._core, f"{verb}_{noun}")
        elif verb == "list" and namespace is None:
            method = getattr(self._core, f"list_{noun}_for_all_namespaces")
        elif verb == "list":
            in_namespace = getattr(self._core, f"list_namespaced_{noun}")
            return lambda **options: in_namespace(namespace, **options)
        else:
            method = getattr(self._core, f"{verb}_namespaced_{noun}")
        return method

    def _place(self, kind: Kind) -> tuple[str, str, str]:
        return kind.group, kind.version or self._versions[kind.group], kind.plural

    def _ask(self, ask: Callable[[], Any]) -> Any:
        """What the server answers; None where what was asked about is not there, or has just changed."""
        try:
            return ask()
        except ApiException as error:
            if error.status in (_NOT_FOUND, _CONFLICT):
                return None
            if error.status in (_FORBIDDEN, _UNAUTHORIZED):
                raise Refused(_message(error)) from None
            raise Silent(_message(error)) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Silent(str(error)) from None


def _message(error: ApiException) -> str:
    """The server's own words."""
    try:
        said = json.loads(error.body or "").get("message")
    except (ValueError, AttributeError):
        said = None
    return f"{said or error.reason or 'no answer'} (HTTP {error.status})"
