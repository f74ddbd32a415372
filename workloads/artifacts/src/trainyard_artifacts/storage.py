"""Objects under a URI: ``s3://BUCKET/PREFIX``, ``gs://BUCKET/PREFIX`` or ``file:///DIRECTORY``.

A thin, typed face on obstore. Credentials, region and endpoint come from the environment as the clouds' SDKs define
it (``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``GOOGLE_APPLICATION_CREDENTIALS`` ...); plain HTTP is
spoken only where ``AWS_ALLOW_HTTP=true``. Every put is atomic: a reader sees the whole object or none. obstore retries
server errors and lost connections; an endpoint that stays away is reported after a few seconds.
"""

import os
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import GCSStore, LocalStore, S3Store

from trainyard_artifacts.errors import ArtifactError, one_line_reason

SCHEMES = ("s3", "gs", "file")

_CONNECT_TIMEOUT = timedelta(seconds=3)
_REQUEST_TIMEOUT = timedelta(seconds=60)
_MAX_RETRIES = 4
_RETRY_TIMEOUT = timedelta(seconds=30)
_FIRST_BACKOFF = timedelta(milliseconds=200)
_LONGEST_BACKOFF = timedelta(seconds=3)


class StorageError(ArtifactError):
    """An operation on stored objects failed. The message names the operation and the URI."""

    def __init__(self, operation: str, uri: str, reason: str) -> None:
        super().__init__(f"cannot {operation} {uri}: {reason}")
        self.operation = operation
        self.uri = uri
        self._reason = reason

    def __reduce__(self) -> tuple[type["StorageError"], tuple[str, str, str]]:
        """What another process makes the same error of."""
        return type(self), (self.operation, self.uri, self._reason)


class ObjectNotFoundError(StorageError):
    """The object, or its bucket, does not exist."""


class AccessRefusedError(StorageError):
    """The environment's identity is unknown to the store or may not do this."""


class NoSpaceError(StorageError):
    """The disk, or the quota, behind the store is full. Nothing was stored."""


class ObjectStore:
    """The objects below one URI. All names are relative to it."""

    def __init__(self, uri: str) -> None:
        """Check ``uri`` and prepare access; no request is made yet.

        Raises:
            StorageError: the URI has another scheme than s3, gs or file, or no bucket.
        """
        self.uri = uri.rstrip("/")
        self._store = _connect(self.uri)

    def uri_of(self, name: str) -> str:
        """The full URI of the object called ``name``."""
        return f"{self.uri}/{name}"

    def get(self, name: str) -> bytes:
        """Read one object whole.

        Raises:
            ObjectNotFoundError, AccessRefusedError, StorageError.
        """
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except (BaseError, OSError, ValueError) as error:
            raise self._translated("read", name, error) from None

    def put(self, name: str, data: bytes) -> None:
        """Write one object whole, replacing what was there.

        Raises:
            ObjectNotFoundError: the bucket does not exist.
            AccessRefusedError, StorageError.
        """
        try:
            obstore.put(self._store, name, data)
        except (BaseError, OSError, ValueError) as error:
            raise self._translated("write", name, error) from None

    def list(self) -> tuple[str, ...]:
        """The names of all objects, sorted, with ``/`` between the parts of a name.

        Raises:
            ObjectNotFoundError: the bucket does not exist.
            AccessRefusedError, StorageError.
        """
        try:
            return tuple(sorted(entry["path"] for page in obstore.list(self._store) for entry in page))
        except (BaseError, OSError, ValueError) as error:
            raise self._translated("list", "", error) from None

    def delete(self, name: str) -> None:
        """Remove one object; one that is already gone is no error.

        Raises:
            AccessRefusedError, StorageError.
        """
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except (BaseError, OSError, ValueError) as error:
            raise self._translated("delete", name, error) from None

    def _translated(self, operation: str, name: str, error: Exception) -> StorageError:
        uri = self.uri_of(name).rstrip("/")
        reason = one_line_reason(error)
        if isinstance(error, FileNotFoundError) or reason.startswith("NoSuchBucket"):
            what = "there is no such bucket" if "NoSuchBucket" in str(error) else "there is no such object"
            return ObjectNotFoundError(operation, uri, what)
        # A list that is refused has no error of its own in obstore.
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or reason.startswith("AccessDenied"):
            return AccessRefusedError(operation, uri, f"access was refused ({reason})")
        if "No space left on device" in str(error) or "Disk quota exceeded" in str(error):
            return NoSpaceError(operation, uri, "no space is left there; nothing of it was stored")
        if "HTTP error" in reason:
            endpoint = os.environ.get("AWS_ENDPOINT_URL")
            where = f"the endpoint {endpoint} (AWS_ENDPOINT_URL)" if endpoint and uri.startswith("s3:") else "the store"
            return StorageError(operation, uri, f"{where} did not answer as it should ({reason})")
        return StorageError(operation, uri, reason)


def split_object_uri(uri: str) -> tuple[str, str]:
    """Split an object's URI into its store's URI and its name: ``s3://b/x/y`` is ``("s3://b/x", "y")``.

    Raises:
        StorageError: there is no object name behind a bucket.
    """
    parent, _, name = uri.rpartition("/")
    if not name or not _has_place(parent):
        raise StorageError("open", uri, "it names no object; expected for example s3://BUCKET/FOLDER/manifest.json")
    return parent, name


def _has_place(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme in SCHEMES and bool(parts.path.strip("/") if parts.scheme == "file" else parts.netloc)


def _connect(uri: str) -> S3Store | GCSStore | LocalStore:
    if not _has_place(uri):
        raise StorageError("open", uri or "''", "expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///DIRECTORY")
    parts = urlsplit(uri)
    try:
        if parts.scheme == "file":
            return LocalStore(prefix=unquote(parts.path), mkdir=True)
        allow_http = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes")
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        if parts.scheme == "s3" and endpoint.startswith("http:") and not allow_http:
            raise StorageError("open", uri, f"AWS_ENDPOINT_URL is {endpoint}, but AWS_ALLOW_HTTP=true is not set")
        store_type = S3Store if parts.scheme == "s3" else GCSStore
        return store_type.from_url(
            uri,
            client_options={"allow_http": allow_http, "connect_timeout": _CONNECT_TIMEOUT, "timeout": _REQUEST_TIMEOUT},
            retry_config={
                "max_retries": _MAX_RETRIES,
                "retry_timeout": _RETRY_TIMEOUT,
                "backoff": {"init_backoff": _FIRST_BACKOFF, "max_backoff": _LONGEST_BACKOFF, "base": 2},
            },
        )
    except (BaseError, OSError, ValueError) as error:
        raise StorageError("open", uri, one_line_reason(error)) from None
