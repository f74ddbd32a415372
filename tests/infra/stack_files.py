"""The committed stack files of every cloud, as configurations that tests can change."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.settings import Settings, parse_settings

ROOT = Path(__file__).parents[2]
NOW = datetime.datetime(2026, 12, 1, 12, 0, tzinfo=datetime.UTC)


def stack_file(stack: str) -> dict[str, Any]:
    """The configuration of a stack file, with an expiry that has not passed at `NOW`."""
    config: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    later = {"trainyard:expires_at": "2027-01-01T00:00:00Z"} if "trainyard:expires_at" in config else {}
    return {**config, **later}


def changed(config: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with other values in `trainyard:CLOUD`, told by their paths, such as `network.nat`; a path that
    begins with `kubernetes.` is of `trainyard:kubernetes`."""
    for path, value in changes.items():
        *parents, name = path.split(".")
        group = config[f"trainyard:{config['trainyard:cloud']}"]
        if parents[:1] == ["kubernetes"]:
            parents, group = parents[1:], config.setdefault("trainyard:kubernetes", {})
        for parent in parents:
            group = group.setdefault(parent, {})
        group[name] = value
    return config


def as_texts(config: Mapping[str, Any]) -> dict[str, str]:
    """A configuration as Pulumi hands it over: objects and lists as JSON text."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def parse(config: Mapping[str, Any], stack: str = "dev") -> Settings:
    """The settings of a configuration."""
    return parse_settings(as_texts(config), stack=stack, now=NOW)
