"""The results of benchmarks: one flat list, kept in `bench/results.json`, to which each benchmark adds its own.

A result's name is a path, such as ``previews/first/1000/time``; its first part names the benchmark. Running a benchmark
replaces its own results and leaves those of others.
"""

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.errors import BenchError
from engine.durable_files import replace_file

RESULTS_FILE = Path(__file__).resolve().parent / "results.json"

Unit = Literal["s", "ms", "MiB", "x"]
"""Seconds, milliseconds, mebibytes (2**20 bytes), or a bare ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a result should reach: its value, or its ratio to what it is compared with, at most so much."""

    of: Literal["value", "ratio"]
    at_most: float

    def __str__(self) -> str:
        return f"{self.of} <= {self.at_most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same quantity of something else, measured in the same run."""

    what: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured quantity."""

    name: str
    value: float
    unit: Unit
    compared_with: Comparison | None = None
    """None where there was nothing to compare with, such as no Pulumi CLI on PATH."""
    target: Target | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    """Where it was measured; see `bench.machine`."""

    @property
    def ratio(self) -> float | None:
        """The value over the one it is compared with."""
        return self.value / self.compared_with.value if self.compared_with else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target, or without what the target speaks of."""
        if self.target is None:
            return None
        judged = self.value if self.target.of == "value" else self.ratio
        return None if judged is None else judged <= self.target.at_most

    def document(self) -> dict[str, Any]:
        """The result as `results.json` holds it."""
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "compared_with": _comparison(self.compared_with),
            "ratio": None if self.ratio is None else _rounded(self.ratio),
            "target": None if self.target is None else str(self.target),
            "met": self.met,
            "machine": self.machine,
        }


def benchmark_of(name: str) -> str:
    """The benchmark that a result of this name belongs to."""
    return name.partition("/")[0]


def merged(kept: Sequence[dict[str, Any]], new: Iterable[Result]) -> list[dict[str, Any]]:
    """The documents of `new`, in the place of all that `kept` has of the same benchmarks; the rest stays as it is."""
    documents = [result.document() for result in new]
    renewed = {benchmark_of(document["name"]) for document in documents}
    return [document for document in kept if benchmark_of(document["name"]) not in renewed] + documents


def read_results(file: Path) -> list[dict[str, Any]]:
    """What the file holds, nothing where there is none. Raises BenchError where it is no list of results."""
    try:
        documents = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise BenchError(f"{file} is not JSON ({error}); mend it or move it away") from None
    if not isinstance(documents, list) or not all(isinstance(each, dict) and "name" in each for each in documents):
        raise BenchError(f"{file} is not a list of results, each with a name; mend it or move it away")
    return documents


def require_writable(file: Path) -> None:
    """Raises BenchError where `write_results` could not write the file."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}-"):
            pass
    except OSError as error:
        raise BenchError(f"{file} cannot be written: {error.strerror or error}") from None


def write_results(file: Path, documents: Sequence[dict[str, Any]]) -> None:
    """Puts the documents into the file, whole or not at all. Raises BenchError where it cannot be written."""
    text = json.dumps(documents, indent=2, ensure_ascii=False) + "\n"
    try:
        replace_file(file, text.encode())
    except OSError as error:
        raise BenchError(f"{file} cannot be written: {error.strerror or error}") from None


def _comparison(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {**asdict(comparison), "value": _rounded(comparison.value)}


def _rounded(value: float) -> float:
    return round(value, 4)
