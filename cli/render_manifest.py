"""Turns what a preview knows of an object into a manifest that an API server accepts, with all that it cannot say.

What is not known before `up` becomes the text `known-after-up`, and what is secret the text `secret`, wherever text may
stand. Where the API server would refuse text, in a field of numbers for example, the smallest value that it takes
stands there instead. Both are reported by their paths.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine import property_paths
from engine.values import UNKNOWN_SENTINEL

UNKNOWN_TEXT = "known-after-up"
SECRET_TEXT = "secret"  # noqa: S105
_BLINDED = "[secret]"
_ANNOTATION_PREFIX = "pulumi.com/"
_PULUMI_KEY = "__"
_FIRST_KEYS = ("apiVersion", "kind", "metadata")
# Fields of the API that are no text. Source: Kubernetes API reference.
_NUMBER = re.compile(
    r".+Seconds|([a-z]+P|p)ort|([a-z]+R|r)eplicas|completions|parallelism|backoffLimit(PerIndex)?|maxFailedIndexes|weight"
    r"|revisionHistoryLimit|(success|failure)Threshold|averageUtilization|runAs(User|Group)|fsGroup|maxSkew|defaultMode"
)
_TRUTHS = {"suspend", "immutable", "automountServiceAccountToken", "readOnly", "globalDefault", "optional"}
_QUANTITY_MAPS = {"requests", "limits", "hard", "default", "defaultRequest", "max", "min"}
_QUANTITIES = {"sizeLimit", "averageValue", "storage"}
_TEXT_MAPS = {"labels", "annotations", "matchLabels", "nodeSelector", "data", "stringData"}
_TEXT_LISTS = {"args", "command", "verbs", "resourceNames", "apiGroups"}
_ADDRESSES = {"cidr": "192.0.2.0/24"}
"""RFC 5737: for documentation, and routed nowhere."""
_PRIORITY = ("value",)
_JSON_KEYS = {".dockerconfigjson", ".dockercfg"}


@dataclass(slots=True)
class Gaps:
    """Paths of a document where a placeholder stands."""

    unknown: list[str] = field(default_factory=list)
    """Not known before `up`."""
    secret: list[str] = field(default_factory=list)
    """Secret."""

    def note(self, path: property_paths.Path, *, secret: bool) -> None:
        """Adds a path."""
        (self.secret if secret else self.unknown).append(property_paths.render(path))


def manifest_of(inputs: Mapping[str, Any], name: str, gaps: Gaps) -> dict[str, Any]:
    """The manifest of an object, its gaps noted in `gaps`.

    :param inputs: The resource's inputs as a preview's events have them.
    :param name: What it is called where the inputs leave that to the provider.
    """
    given = {key: value for key, value in inputs.items() if not key.startswith(_PULUMI_KEY) and key != "status"}
    metadata = given.get("metadata")
    if isinstance(metadata, Mapping):
        given["metadata"] = _without_pulumi(metadata)
    if given.get("kind") == "Secret":
        _hide(given, gaps)
    manifest = filled(given, gaps)
    metadata = manifest.setdefault("metadata", {})
    if isinstance(metadata, dict) and metadata.get("name", UNKNOWN_TEXT) == UNKNOWN_TEXT:
        # Where the program gives none, the provider chooses one that begins like this; `kubectl apply` has to be told.
        metadata.pop("generateName", None)
        gaps.unknown += [] if "name" in metadata else ["metadata.name"]
        metadata["name"] = name
    return {key: manifest[key] for key in (*_FIRST_KEYS, *sorted(manifest.keys() - {*_FIRST_KEYS})) if key in manifest}


def filled(document: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The document with placeholders for what is not known or secret, its gaps noted in `gaps`."""
    return {key: _filled(value, (key,), gaps) for key, value in document.items()}


def _filled(value: Any, path: property_paths.Path, gaps: Gaps) -> Any:
    match value:
        case str() if value in (UNKNOWN_SENTINEL, _BLINDED):
            secret = value == _BLINDED
            gaps.note(path, secret=secret)
            return placeholder(path, SECRET_TEXT if secret else UNKNOWN_TEXT)
        case dict():
            # A name first, the rest in the order of letters: as people look for it.
            keys = sorted(value, key=lambda key: (key != "name", key))
            return {key: _filled(value[key], (*path, key), gaps) for key in keys}
        case list():
            return [_filled(element, (*path, index), gaps) for index, element in enumerate(value)]
        case _:
            return value


def placeholder(path: property_paths.Path, text: str) -> Any:
    """What stands for a value at `path` so that the API server takes it: `text` where text may stand."""
    keys = [step for step in path if isinstance(step, str)]
    last, parent = keys[-1], keys[-2] if len(keys) > 1 else ""
    if parent in _TEXT_MAPS or isinstance(path[-1], int):
        return text
    if parent in _QUANTITY_MAPS or last in _QUANTITIES:
        return "1"
    if last in _TEXT_MAPS:
        return {text: text}
    if last in _TEXT_LISTS:
        return [text]
    if last in _TRUTHS:
        return False
    if _NUMBER.fullmatch(last) or path == _PRIORITY:
        return 1
    return _ADDRESSES.get(last, text)


def _without_pulumi(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata without what only Pulumi's provider reads."""
    kept = {key: value for key, value in metadata.items() if not key.startswith(_PULUMI_KEY)}
    annotations = kept.get("annotations")
    if isinstance(annotations, Mapping):
        kept["annotations"] = {
            key: value for key, value in annotations.items() if not key.startswith(_ANNOTATION_PREFIX)
        }
        if not kept["annotations"]:
            del kept["annotations"]
    return kept


def _hide(given: dict[str, Any], gaps: Gaps) -> None:
    """Puts placeholders for all that a Secret holds, in `stringData`: what stands in `data` would have to be Base64."""
    hidden: dict[str, str] = {}
    for place in ("data", "stringData"):
        content = given.pop(place, None)
        if isinstance(content, Mapping):
            for key in content:
                gaps.note(("stringData", key), secret=True)
                hidden[key] = "{}" if key in _JSON_KEYS else SECRET_TEXT
        elif content is not None:
            gaps.note((place,), secret=content != UNKNOWN_SENTINEL)
    if hidden:
        given["stringData"] = hidden
