"""A stack folder of the test's own, a real cloud process in it, and the certainty that nothing of it stays."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.local.support import connection_to, remove_stack_folder


@pytest.fixture
def stack_folder(tmp_path: Path) -> Iterator[Path]:
    """Where a stack keeps its processes' files; whatever is in it afterwards is ended and removed."""
    folder = tmp_path / ".pulumi" / "local" / "test"
    yield folder
    remove_stack_folder(folder)


@pytest.fixture
def connection(shared_cloud: dict[str, Any]) -> dict[str, Any]:
    """What a resource in the shared cloud has among its inputs."""
    return connection_to(shared_cloud)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """Makes the command for a short Python program."""

    def make(source: str) -> tuple[str, ...]:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(source))
        return (sys.executable, str(path))

    return make


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Makes a module `stub` of a short Python program; returns the environment in which it is found."""

    def make(source: str) -> dict[str, str]:
        (tmp_path / "modules").mkdir(exist_ok=True)
        (tmp_path / "modules" / "stub.py").write_text(textwrap.dedent(source))
        return {"PYTHONPATH": str(tmp_path / "modules")}

    return make
