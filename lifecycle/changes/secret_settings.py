"""Which secret settings of a stack are encrypted otherwise than before: all that can be known without the key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.property_paths import Path as PropertyPath
from engine.property_paths import render


def reencrypted(before: Path, after: Path) -> list[str]:
    """The settings that are secret in both stack files, with another ciphertext; by name.

    A file that cannot be read has none here: the preview says what is wrong with it.
    """
    old, new = dict(_secrets(_config(before), ())), dict(_secrets(_config(after), ()))
    return [_name(path) for path in new if path in old and old[path] != new[path]]


def _name(path: PropertyPath) -> str:
    """As `pulumi config` has it, such as `shop:users[0].key`."""
    return str(path[0]) + render(("", *path[1:])).removeprefix('[""]')


def _config(file: Path) -> Any:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return content.get("config") if isinstance(content, Mapping) else None


def _secrets(value: Any, path: PropertyPath) -> Iterator[tuple[PropertyPath, str]]:
    """Every `secure: CIPHERTEXT`, as Pulumi writes a secret setting, and where it is."""
    if isinstance(value, Mapping):
        if value.keys() == {"secure"} and isinstance(value["secure"], str) and path:
            yield path, value["secure"]
            return
        for key, each in value.items():
            yield from _secrets(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _secrets(each, (*path, index))
