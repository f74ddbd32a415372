"""Google's own descriptions of its APIs, as google-api-python-client brings them: what may be asked and is answered.

Source: Google API Discovery Service, "Discovery document": methods with `flatPath` and `parameters`, and schemas.
"""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from lifecycle.google_api import VERSIONS
from tests.lifecycle.teardown.google_stand_in import Exchange

MISSING = "google-api-python-client, which has Google's descriptions of its APIs, is not installed"


def are_there() -> bool:
    """Whether the descriptions are installed."""
    return importlib.util.find_spec("googleapiclient") is not None


def problem_of(exchange: Exchange) -> str:
    """Why a request is none that Google describes, or its answer none; empty: they are as described."""
    description = _description(exchange.service)
    method = next((each for each in _methods(description) if _matches(description, each, exchange)), None)
    if method is None:
        return f"no method has {exchange.method} {exchange.path}"
    known = {*method.get("parameters", {}), *description.get("parameters", {})}
    if unknown := set(exchange.query) - known:
        return f"{method['id']} has no parameters {sorted(unknown)}"
    if exchange.status != 200:
        return ""
    return _problem_of_answer(description, method["response"]["$ref"], exchange.answer)


def _problem_of_answer(description: Mapping[str, Any], schema: str, answer: object) -> str:
    error = next(iter(_validator(description["name"], schema).iter_errors(answer)), None)
    return f"{schema}: {error.json_path}: {error.message}" if error else ""


@cache
def _validator(service: str, schema: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": _definitions(service)})


@cache
def _description(service: str) -> dict[str, Any]:
    spec = importlib.util.find_spec("googleapiclient")
    assert spec is not None, MISSING
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "discovery_cache" / "documents"
    version = VERSIONS[service].rpartition("/")[2]
    found: dict[str, Any] = json.loads((folder / f"{service}.{version}.json").read_text(encoding="utf-8"))
    return found


def _methods(node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for each in node.get("resources", {}).values():
        yield from _methods(each)


def _matches(description: Mapping[str, Any], method: Mapping[str, Any], exchange: Exchange) -> bool:
    path = description["servicePath"] + method.get("flatPath", method["path"])
    form = re.sub(r"\\\{[^}]*\\\}", "[^/:]+", re.escape(path))
    return method["httpMethod"] == exchange.method and re.fullmatch(form, exchange.path) is not None


@cache
def _definitions(service: str) -> dict[str, Any]:
    """The schemas of a description as JSON Schema, in which no field may be that is not described."""
    return {name: _schema(each) for name, each in _description(service)["schemas"].items()}


def _schema(node: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return {"$ref": f"#/$defs/{node['$ref']}"}
    kind = node.get("type", "any")
    found: dict[str, Any] = {} if kind == "any" else {"type": kind}
    if "enum" in node and not node.get("deprecated"):
        found["enum"] = node["enum"]
    if "items" in node:
        found["items"] = _schema(node["items"])
    if "properties" in node:
        found["properties"] = {name: _schema(each) for name, each in node["properties"].items()}
        found["additionalProperties"] = False
    elif "additionalProperties" in node:
        found["additionalProperties"] = _schema(node["additionalProperties"])
    return found
