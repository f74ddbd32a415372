"""The project's file, Pulumi.yaml: name, runtime, and the declared configuration with types and defaults.

What is valid follows the pulumi command (sdk/go/common/workspace/project.json and project.go in its source).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config_values import TYPES, matches, parse_path, type_text
from engine.yaml_documents import Document, InvalidFile, read_document

FILE_NAMES = ("Pulumi.yaml", "Pulumi.yml")

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_DECLARATION_FIELDS = {"type", "description", "items", "default", "value", "secret"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declared configuration key."""

    written_key: str
    """The key as the file has it."""
    key: str
    """The full key, `namespace:name`; the name can be a path into an object."""
    type: str | None = None
    items: dict[str, Any] | None = None
    """For an array: the `type`, and for nested arrays the `items`, of its elements."""
    description: str = ""
    preset: Any = None
    """The default, or the value of a key in another namespace; None: there is none."""
    secret: bool = False

    @property
    def namespace(self) -> str:
        """The part of the key before the colon."""
        return self.key.partition(":")[0]

    @property
    def type_text(self) -> str:
        """The declared type in words, such as `array<string>`."""
        return type_text(self.type or "", self.items)


@dataclass(frozen=True, slots=True)
class Project:
    """What Pulumi.yaml says."""

    file: Path
    name: str
    runtime: str
    runtime_options: dict[str, Any] = field(default_factory=dict)
    main: str = ""
    """Where the program lies, relative to the project folder; empty: the folder itself."""
    description: str = ""
    declarations: tuple[Declaration, ...] = ()
    stack_config_folder: str = ""
    """Where the stacks' files lie, relative to the project folder; empty: the folder itself."""
    backend_url: str = ""
    refresh: bool = False
    """Whether every deployment asks for a refresh first (`options: {refresh: always}`)."""

    @property
    def folder(self) -> Path:
        """The project folder."""
        return self.file.parent

    @property
    def program_folder(self) -> Path:
        """The folder in which the program runs."""
        return self.folder / self.main

    def stack_file(self, stack: str) -> Path:
        """Where the stack's settings are, whether or not the file exists."""
        return self.folder / self.stack_config_folder / f"Pulumi.{stack}{self.file.suffix}"


def check_stack_name(stack: str) -> None:
    """Raises InvalidFile unless the name can be a stack's."""
    if not _NAME.match(stack):
        raise InvalidFile(
            f"'{stack}' cannot name a stack: a name is 1 to 100 letters, digits, hyphens, underscores and periods"
        )


def load_project(folder: Path) -> Project:
    """Reads the project file in the folder or the nearest one above it. Raises InvalidFile."""
    start = folder.resolve()
    for candidate in (start, *start.parents):
        for name in FILE_NAMES:
            file = candidate / name
            if file.is_file():
                return parse_project(read_document(file))
    raise InvalidFile(f"{folder}: there is no Pulumi.yaml in this folder or above it")


def parse_project(document: Document) -> Project:
    """The project that a document describes. Raises InvalidFile."""
    content = document.value
    if not isinstance(content, dict):
        raise document.error((), "a project file is a mapping that has at least 'name' and 'runtime'")
    name = _text(document, content, "name")
    if not name:
        raise document.error((), "the project has no 'name'")
    if not _NAME.match(name):
        raise document.error(
            ("name",),
            f"'{name}' cannot name a project: a name is 1 to 100 letters, digits, hyphens, underscores and periods",
        )
    runtime, options = _runtime(document, content)
    config = content.get("config")
    stack_config_folder = _text(document, content, "stackConfigDir")
    if isinstance(config, str):
        if stack_config_folder:
            raise document.error(("config",), "'config' and 'stackConfigDir' both name a folder; keep 'stackConfigDir'")
        stack_config_folder, config = config, None
    backend = _section(document, content, "backend", {"url"})
    project_options = _section(document, content, "options", {"refresh"})
    if project_options.get("refresh") not in (None, "always"):
        raise document.error(("options", "refresh"), "'refresh' can only be 'always'")
    return Project(
        file=document.path,
        name=name,
        runtime=runtime,
        runtime_options=options,
        main=_text(document, content, "main"),
        description=_text(document, content, "description"),
        declarations=_declarations(document, name, config),
        stack_config_folder=stack_config_folder,
        backend_url=_text(document, backend, "url", ("backend",)),
        refresh=project_options.get("refresh") == "always",
    )


def _text(document: Document, section: dict[str, Any], key: str, place: tuple[str, ...] = ()) -> str:
    value = section.get(key)
    if value is not None and not isinstance(value, str):
        raise document.error((*place, key), f"'{key}' is text; put {value!r} in quotes")
    return value or ""


def _section(document: Document, content: dict[str, Any], key: str, known: set[str]) -> dict[str, Any]:
    section = content.get(key) or {}
    if not isinstance(section, dict):
        raise document.error((key,), f"'{key}' is a mapping with {_either(known)}")
    for name in section:
        if name not in known:
            raise document.error((key, name), f"'{key}' has no '{name}'; it can have {_either(known)}")
    return section


def _runtime(document: Document, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    runtime = content.get("runtime")
    if isinstance(runtime, str) and runtime:
        return runtime, {}
    if not isinstance(runtime, dict):
        raise document.error(
            ("runtime",), "'runtime' is a name, such as python, or a mapping with 'name' and 'options'"
        )
    section = _section(document, content, "runtime", {"name", "options"})
    options = section.get("options") or {}
    if not isinstance(options, dict):
        raise document.error(("runtime", "options"), "'options' is a mapping")
    name = _text(document, section, "name", ("runtime",))
    if not name:
        raise document.error(("runtime",), "'runtime' has no 'name'")
    return name, options


def _declarations(document: Document, project: str, config: Any) -> tuple[Declaration, ...]:
    if config is None:
        return ()
    if not isinstance(config, dict):
        raise document.error(("config",), "'config' maps each configuration key to its declaration")
    return tuple(_declaration(document, project, key, value) for key, value in config.items())


def _declaration(document: Document, project: str, written_key: str, content: Any) -> Declaration:
    place = ("config", written_key)
    key = full_key(project, written_key)
    if key is None:
        raise document.error(place, f"'{written_key}' is not a configuration key; it is written NAME or NAMESPACE:NAME")
    try:
        parse_path(key.partition(":")[2])
    except ValueError as error:
        raise document.error(place, str(error)) from None
    own = key.partition(":")[0] == project
    if isinstance(content, str | int | bool | list):
        content = {"default" if own else "value": content}
    if not isinstance(content, dict):
        raise document.error(place, f"'{written_key}' is declared by a mapping with {_either(_DECLARATION_FIELDS)}")
    for name in content:
        if name not in _DECLARATION_FIELDS:
            raise document.error(
                (*place, name), f"a declaration has no '{name}'; it can have {_either(_DECLARATION_FIELDS)}"
            )
    type_name, items = content.get("type"), content.get("items")
    if type_name is not None and type_name not in TYPES:
        raise document.error((*place, "type"), f"'{type_name}' is not a type; it can be {_either(TYPES)}")
    _check_items(document, (*place, "items"), items)
    secret = content.get("secret", False)
    if not isinstance(secret, bool):
        raise document.error((*place, "secret"), "'secret' is true or false")
    default, value = content.get("default"), content.get("value")
    if default is not None and value is not None:
        raise document.error(place, f"'{written_key}' has both a 'default' and a 'value'; keep one")
    declaration = Declaration(
        written_key=written_key,
        key=key,
        type=type_name,
        items=items,
        description=_text(document, content, "description", place),
        preset=value if default is None else default,
        secret=secret,
    )
    if own:
        if type_name == "array" and items is None:
            raise document.error(place, f"'{written_key}' is an array and does not say of what: 'items' is missing")
        if type_name and default is not None and not matches(default, type_name, items):
            raise document.error(
                (*place, "default"), f"the default of '{written_key}' is not of its type, {declaration.type_text}"
            )
    elif type_name:
        raise document.error(
            place, f"'{written_key}' belongs to another namespace and can have a 'value' but no 'type'"
        )
    elif default is not None or value is None:
        raise document.error(place, f"'{written_key}' belongs to another namespace and has a 'value', not a 'default'")
    return declaration


def _check_items(document: Document, place: tuple[str, ...], items: Any) -> None:
    if items is None:
        return
    if not isinstance(items, dict) or items.get("type") not in TYPES:
        raise document.error(place, f"'items' says what the elements are: a mapping whose 'type' is {_either(TYPES)}")
    if items["type"] == "array" and items.get("items") is None:
        raise document.error(place, "arrays of arrays say in 'items' what the inner ones hold")
    _check_items(document, (*place, "items"), items.get("items"))


def full_key(project: str, key: str) -> str | None:
    """The key with its namespace, the project's where it has none; None where it is no key."""
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":
        parts = [parts[0], parts[2]]
    if len(parts) == 1:
        parts = [project, *parts]
    return ":".join(parts) if len(parts) == 2 and all(parts) else None


def _either(names: set[str] | tuple[str, ...]) -> str:
    listed = [f"'{name}'" for name in (sorted(names) if isinstance(names, set) else names)]
    return " or ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]
