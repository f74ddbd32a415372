"""The page on training: its examples are valid, and its tables say what the package says of each field."""

import ast
import inspect
import json
import os
import re
import textwrap
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from trainyard_training.dataset_specification import DatasetSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.specification import TrainingSpecification

PAGE = Path(__file__).parents[3] / "docs" / "training.md"


def test_the_tables_are_what_the_package_says() -> None:
    written = page = PAGE.read_text()
    for subject, text in {
        "fields of JOB.json": fields_markdown(TrainingSpecification),
        "fields of DATASET.json": fields_markdown(DatasetSpecification),
        "exit codes": exit_codes_markdown(),
    }.items():
        pattern = rf"(<!-- {re.escape(subject)} -->\n).*?(<!-- end -->)"
        assert re.search(pattern, written, re.DOTALL), subject
        written = re.sub(pattern, lambda found, text=text: f"{found[1]}{text}{found[2]}", written, flags=re.DOTALL)  # type: ignore[misc]
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        PAGE.write_text(written)
    else:
        assert page == written


def test_every_field_says_what_it_is() -> None:
    tables = re.findall(r"<!-- fields of .*?<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert [
        row for table in tables for row in re.findall(r"^\| `.*$", table, re.MULTILINE) if row.endswith("|  |")
    ] == []


def test_its_documents_are_valid_and_the_job_says_everything() -> None:
    job, *datasets = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert without(TrainingSpecification, json.loads(job)) == []
    TrainingSpecification.model_validate_json(job)
    assert {DatasetSpecification.model_validate_json(each).source for each in datasets} == {
        "digits",
        "cifar10",
        "binary",
    }


def without(group: type[BaseModel], document: dict[str, Any]) -> list[str]:
    """The fields that a document leaves out, and those of its groups."""
    missing = sorted(group.model_fields.keys() - document.keys())
    for name, field in group.model_fields.items():
        inner = group_of(field)
        if inner is not None and isinstance(document.get(name), dict):
            missing += [f"{name}.{each}" for each in without(inner, document[name])]
    return missing


def fields_markdown(group: type[BaseModel], name: str = "") -> str:
    """A table of a specification's own fields, then one of each of its groups."""
    said = docstrings(group)
    rows, groups = [], ""
    for field_name, field in group.model_fields.items():
        path = f"{name}.{field_name}" if name else field_name
        inner = group_of(field)
        if inner is not None:
            groups += "\n" + fields_markdown(inner, path)
        if inner is None or field_name in said:
            told = " ".join(said.get(field_name, "").replace("``", "`").split())
            rows.append(f"| `{path}` | {valid_values(field)} | {default_of(field)} | {told} |")
    about = (inspect.getdoc(group) or "").replace("``", "`")
    heading = f"**`{name}`**: {about}\n\n" if name else "\n"
    return heading + "\n".join(["| Field | Valid | Default | |", "| --- | --- | --- | --- |", *rows]) + "\n" + groups


def exit_codes_markdown() -> str:
    """A table of the package's exit codes."""
    said = docstrings(ExitStatus)
    rows = [f"| {member.value} | {member.name} | {' '.join(said[member.name].split())} |" for member in ExitStatus]
    return "\n".join(["", "| Code | Name | |", "| --- | --- | --- |", *rows]) + "\n\n"


def docstrings(group: type) -> dict[str, str]:
    """What is written below each field."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(group))).body
    assert isinstance(definition, ast.ClassDef)
    said, name = {}, None
    for statement in definition.body:
        if name and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            said[name] = str(statement.value.value)
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]  # type: ignore[assignment]
        name = target.id if isinstance(target, ast.Name) else None
    return said


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The group that a field holds, if it holds one."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def valid_values(field: FieldInfo) -> str:
    """What a field takes, in a few words."""
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    words = [_kind_words(kind, field) for kind in kinds if kind is not NoneType]
    return " or ".join(words + (["null"] if NoneType in kinds else []))


def _kind_words(kind: Any, field: FieldInfo) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list of " + _kind_words(get_args(kind)[0], field)
    if group_of(field) is not None or get_origin(kind) is dict:
        return "an object"
    if kind is bool:
        return "true or false"
    if kind not in (int, float):
        return "text"
    limits = {
        limit: value
        for each in field.metadata
        for limit in ("ge", "gt", "le", "lt")
        if (value := getattr(each, limit, None)) is not None
    }
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    told = [f"{words[limit]} {value:,}" for limit, value in limits.items()]
    return " ".join(["whole number" if kind is int else "number", *told])


def default_of(field: FieldInfo) -> str:
    """A field's default as JSON has it."""
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "has to be set"
    if isinstance(default, BaseModel):
        return ""
    return f"`{json.dumps(default)}`"
