"""How a place for objects, or one object, is named in a specification."""

import re
from typing import Annotated

from pydantic import AfterValidator

_STORE_URI = re.compile(r"^((s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]+(/[^/]+)*|file://(/[^/]+)+)$")


def _store_uri(uri: str) -> str:
    if not _STORE_URI.match(uri):
        raise ValueError("expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///DIRECTORY, without a / at the end")
    return uri


StoreUri = Annotated[str, AfterValidator(_store_uri)]
"""A folder in a bucket, or on this machine."""


def _object_uri(uri: str) -> str:
    scheme, _, path = _store_uri(uri).partition("://")
    if path.count("/") < (2 if scheme == "file" else 1):
        raise ValueError("names no object; expected s3://BUCKET/OBJECT, gs://BUCKET/OBJECT or file:///DIRECTORY/FILE")
    return uri


ObjectUri = Annotated[str, AfterValidator(_object_uri)]
"""One object in a bucket, or a file on this machine."""
