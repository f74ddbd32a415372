"""Policy packs for tests: written where the test wants them, run by the real pulumi-policy package."""

import os
import textwrap
from pathlib import Path

import pytest

from engine.analyzers import PolicyPack

ROOT = Path(__file__).parents[2]
VARIABLE = "TRAINYARD_POLICY_PYTHON"


def policy_python() -> str:
    """The interpreter that has pulumi-policy; skips the test where there is none."""
    found = os.environ.get(VARIABLE) or str(ROOT / "policies" / ".venv" / "bin" / "python")
    if not os.access(found, os.X_OK):
        pytest.skip(f"there is no policies/.venv (`make setup` makes it), and {VARIABLE} names no interpreter")
    return found


def write_pack(directory: Path, source: str, version: str = "1.2.3") -> Path:
    """A policy pack whose program is `source`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "PulumiPolicy.yaml").write_text(f"runtime: python\nversion: {version}\n")
    (directory / "__main__.py").write_text(textwrap.dedent(source))
    return directory


def start_pack(directory: Path, **options: object) -> PolicyPack:
    """Start the pack for stack dev of project yard, previewing."""
    arguments = {"project": "yard", "stack": "dev", "config": {}, "dry_run": True, "python": policy_python()}
    return PolicyPack.start(directory, **(arguments | options))  # type: ignore[arg-type]
