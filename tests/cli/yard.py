"""Runs `yard` as a user does, on small projects in temporary folders."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.copies import SECONDS, run_copy

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("compare", "cost", "data", "fleet", "policies", "prices", "runs")
"""Commands whose imports take longer than what they do: they begin as copies of a process that has made them."""


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def yard(
    *arguments: str, environment: dict[str, str] | None = None, cwd: Path | None = None, anew: bool = False
) -> Result:
    """Runs `yard ARGUMENTS` to its end, without a terminal.

    :param anew: Whether also one of `COPIED` is started as a user starts it, with a random order of sets of its own.
    """
    variables = _variables() | (environment or {})
    if arguments[0] in COPIED and not anew:
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            code = run_copy(_command(arguments)[1:], variables, cwd or Path.cwd(), out, err)
            return Result(code, out.read_text(), err.read_text())
    finished = subprocess.run(
        _command(arguments),
        env=variables,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Result(finished.returncode, finished.stdout, finished.stderr)


def start_yard(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Starts `yard ARGUMENTS` without a terminal; the caller sees to its end."""
    return subprocess.Popen(
        _command(arguments),
        env=_variables(),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / "yard.py"), *arguments]


def _variables() -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    return variables | {"PULUMI_CONFIG_PASSPHRASE": "correct horse", "COLUMNS": "100"}


def make_project(folder: Path, program: str, *, config: str = "", stack: str = "local") -> Path:
    """Writes a project with one stack; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / f"Pulumi.{stack}.yaml").write_text(config or "config: {}\n")
    (folder / "__main__.py").write_text(program)
    return folder


FILES = '''\
"""Files as dynamic resources: a cloud small enough to look into."""

import os

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class FileProvider(ResourceProvider):
    serialize_as_secret_always = False

    def check(self, olds, news):
        failures = [CheckFailure("content", "must not be 'refused'")] if news.get("content") == "refused" else []
        return CheckResult(news, failures)

    def diff(self, id_, olds, news):
        replaces = ["path"] if olds["path"] != news["path"] else []
        return DiffResult(changes=bool(replaces) or olds["content"] != news["content"], replaces=replaces)

    def create(self, props):
        if props["content"] == "broken":
            raise RuntimeError("the disk says no")
        with open(props["path"], "w") as file:
            file.write(props["content"])
        return CreateResult(os.path.basename(props["path"]), dict(props))

    def update(self, id_, olds, news):
        with open(news["path"], "w") as file:
            file.write(news["content"])
        return UpdateResult(dict(news))

    def delete(self, id_, props):
        if os.path.exists(props["path"]):
            os.remove(props["path"])


class File(Resource, module="test", name="File"):
    path: pulumi.Output[str]
    content: pulumi.Output[str]

    def __init__(self, name, path, content, opts=None):
        super().__init__(FileProvider(), name, {"path": path, "content": content}, opts)
'''


def make_file_project(folder: Path, program: str, *, config: str = "") -> Path:
    """A project whose program can import `File` from `files`."""
    make_project(folder, program, config=config)
    (folder / "files.py").write_text(FILES)
    return folder
