"""What a run's record says of how the run came about: its settings and a digest of its plan, no secret. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from engine.config_values import Secret as EncryptedSetting
from engine.values import Secret

SHOWN_SECRET = "[secret]"  # noqa: S105
"""What stands for a secret in a preview's document."""
EXPIRY = "expires_at"
"""The setting that differs from run to run by itself."""


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a configuration that are not secret, by their full key; what holds a secret is left out by name.

    :param config: As a stack's file has it (`StackSettings.config`), as a program gets it (text, objects as JSON text),
        or as a preview's document has it. Inside lists and mappings only what is secret itself is left out.
    """
    found = {}
    for key, value in sorted(config.items()):
        plain, known = _without_secrets(_parsed(value))
        if known:
            found[key] = plain
    return found


def plan_digest(document: Mapping[str, Any]) -> str:
    """The sha256 of what a preview says that there will be: equal plans of equal settings have equal digests.

    Goes by URN, type and inputs of every resource, in any order. When the stack expires is no difference, and neither
    are secrets, which the document does not have.

    :param document: The document of a preview, with what stays the same.
    """
    config = document.get("config") or {}
    moments = [str(value) for key, value in config.items() if key.rpartition(":")[2] == EXPIRY and value]
    resources = []
    for step in document.get("steps") or []:
        state = step.get("newState")
        if state and step.get("op") not in ("delete", "read"):
            resources.append([state.get("urn"), state.get("type"), state.get("inputs") or {}])
    settings = {key: value for key, value in config.items() if key.rpartition(":")[2] != EXPIRY}
    resources.sort(key=lambda each: json.dumps(each, sort_keys=True, default=str))
    text = json.dumps([settings, resources], sort_keys=True, default=str)
    for moment in moments:
        text = text.replace(json.dumps(moment)[1:-1], EXPIRY)
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(value: Any) -> Any:
    """An object that is told as JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _without_secrets(value: Any) -> tuple[Any, bool]:
    """The value without what is secret in it, and whether anything is left to say."""
    if isinstance(value, Secret | EncryptedSetting) or (isinstance(value, str) and value == SHOWN_SECRET):
        return None, False
    if isinstance(value, Mapping):
        if list(value) == ["secure"]:
            return None, False
        parts = {str(key): _without_secrets(each) for key, each in value.items()}
        kept = {key: plain for key, (plain, known) in parts.items() if known}
        return kept, bool(kept) or not parts
    if isinstance(value, list | tuple):
        items = [plain for plain, known in map(_without_secrets, value) if known]
        return items, bool(items) or not value
    if value is None or isinstance(value, str | bool | int | float):
        return value, True
    return str(value), True
