"""Reads what people write for planning: files of YAML 1.2 or JSON, which is a part of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from planning.errors import PlanningError

_MUST_BE = "must be a file of YAML 1.2 or JSON, in UTF-8"
_TAG = "tag:yaml.org,2002:"


def read_document(path: Path, name: str) -> object:
    """What a file holds: mappings, lists, text, numbers, truth values and None.

    What is no number, truth value or null by YAML 1.2 is text, dates among it. A key that is there twice is refused.

    :param name: The option that gave the path, such as `--file`, for messages.
    :raises PlanningError: The file cannot be read, is empty, or is neither YAML nor JSON.
    """
    where = f"{name} = {str(path)!r}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanningError(f"{where}: cannot be read: byte {error.start} is no UTF-8; {_MUST_BE}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PlanningError(f"{where}: cannot be read: {reason or error}; {_MUST_BE}") from None
    try:
        document = _json(text) if text.lstrip().startswith(("{", "[")) else None
        document = _reader().load(text) if document is None else document
    except YAMLError as error:
        raise PlanningError(f"{where}{_line_of(error, text)}: {_problem_of(error)}; {_MUST_BE}") from None
    except RecursionError:
        raise PlanningError(f"{where}: is nested too deeply; {_MUST_BE}") from None
    except (ValueError, AssertionError) as error:
        raise PlanningError(f"{where}: is neither YAML nor JSON: {error}; {_MUST_BE}") from None
    if document is None:
        raise PlanningError(f"{where}: is empty; {_MUST_BE}")
    return document


def _json(text: str) -> object:
    """What JSON text holds; None where it is none, or is better told of by the reader of YAML.

    JSON has keys longer than YAML's parser takes on one line.
    """

    def without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        return json.loads(text, object_pairs_hook=without_doubles, parse_constant=refuse)
    except ValueError:
        return None


def as_mapping(document: object, name: str) -> Mapping[str, Any]:
    """A document whose top is a mapping from names.

    :param name: What to call it in messages, such as its option and path.
    :raises PlanningError: It is something else, has nothing in it, or has a key that is no text.
    """
    if not isinstance(document, Mapping) or not document:
        raise PlanningError(f"{name}: must be a mapping of names to values, with one or more, such as 'name: value'")
    wrong = [key for key in document if not isinstance(key, str)]
    if wrong:
        raise PlanningError.of(f"{name}: the key {key!r} must be text; write it in quotes" for key in wrong)
    return document


class _Resolver(VersionedResolver):
    """Tells numbers from text as YAML 1.2 does, whatever version the file claims."""

    @property
    def processing_version(self) -> Any:
        return (1, 2)


class _Constructor(SafeConstructor):
    """Makes nothing but what JSON has too."""

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        if not isinstance(value, str) or value.isascii():
            return value
        try:
            # JSON writes characters beyond 16 bits as two escapes, which are one character together.
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise ConstructorError(None, None, "half a character in \\u escapes", node.start_mark) from None


def _checked(kind: str, construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The library fails without a place where a tag such as !!int stands before something else."""

    def constructed(constructor: Any, node: Any) -> Any:
        try:
            value = construct(constructor, node)
            if kind == "int":
                float(value)
            return value
        except (ValueError, LookupError, OverflowError):
            shown = node.value if len(node.value) <= 40 else f"{node.value[:40]}…"
            raise ConstructorError(None, None, f"{shown!r} is no {kind} that can be used", node.start_mark) from None

    return constructed


for _kind in ("bool", "int", "float"):
    _Constructor.add_constructor(_TAG + _kind, _checked(_kind, SafeConstructor.yaml_constructors[_TAG + _kind]))
for _kind in ("timestamp", "value"):
    _Constructor.add_constructor(_TAG + _kind, SafeConstructor.construct_yaml_str)
for _kind in ("binary", "omap", "pairs", "set"):
    _Constructor.add_constructor(_TAG + _kind, SafeConstructor.construct_undefined)


def _reader() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.Constructor = _Constructor
    yaml.composer.warn_double_anchors = False
    return yaml


def _line_of(error: YAMLError, text: str) -> str:
    if isinstance(error, ReaderError):
        return f", line {text.count(chr(10), 0, error.position) + 1}"
    mark = isinstance(error, MarkedYAMLError) and (error.problem_mark or error.context_mark)
    return f", line {mark.line + 1}" if mark else ""


def _problem_of(error: YAMLError) -> str:
    if isinstance(error, ReaderError):
        return f"is neither YAML nor JSON: the character U+{error.character:04X} is not allowed"
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or error
    return f"is neither YAML nor JSON: {' '.join(str(problem).split())}"
