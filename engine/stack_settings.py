"""A stack's file, Pulumi.STACK.yaml: its configuration and how its secrets are encrypted; read, resolved and edited."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine import config_values
from engine.config_values import Secret
from engine.durable_files import replace_file
from engine.errors import EngineError, Unsupported
from engine.project import Project, check_stack_name, full_key
from engine.yaml_documents import Document, InvalidFile, parse_document, read_document

PASSPHRASE = "passphrase"  # noqa: S105
KNOWN_NAMES = ("config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment")
"""What a stack's file may hold at its top; anything else Pulumi reads over."""


@dataclass(frozen=True)
class StackSettings:
    """What a stack's file says; an empty one where there is no file."""

    project: Project
    stack: str
    document: Document = field(repr=False)
    config: dict[str, Any]
    """Full key to value, as written: text, numbers, booleans, None, Secret, lists and mappings of them."""
    encryption_salt: str = ""
    secrets_provider: str = ""
    """Empty or `passphrase`, or the URL of a key, such as `awskms://…`."""
    encrypted_key: str = ""
    has_environment: bool = False
    """Whether the file refers to Pulumi ESC environments."""

    @property
    def file(self) -> Path:
        """The stack's file."""
        return self.document.path

    @property
    def has_secrets(self) -> bool:
        """Whether a configuration value is encrypted."""
        return any(config_values.is_secret(value) for value in self.config.values())

    def warnings(self) -> list[str]:
        """A sentence for each thing in the file that means nothing, and so is likely a mistake."""
        return [
            f"{self.file}, line {self.document.lines[(name,)]}: '{name}' means nothing here and is ignored; "
            f"known are {', '.join(KNOWN_NAMES)}"
            for name in self.document.value or {}
            if name not in KNOWN_NAMES
        ]

    def require_passphrase_provider(self) -> None:
        """Raises Unsupported where the secrets need a key management service instead of a passphrase."""
        if self.secrets_provider not in ("", "default", PASSPHRASE):
            raise Unsupported(
                f"{self.file}: the secrets of stack {self.stack} are encrypted with {self.secrets_provider}; "
                "the embedded engine knows passphrases only: use the pulumi command for this stack"
            )


@dataclass(frozen=True)
class ResolvedConfig:
    """A stack's configuration with the project's defaults, as a program receives it."""

    values: dict[str, str]
    """Full key to text, sorted by key: what PULUMI_CONFIG carries."""
    secret_keys: tuple[str, ...] = ()
    """The keys whose values hold a secret, sorted: what PULUMI_CONFIG_SECRET_KEYS carries."""
    unknown_keys: tuple[str, ...] = ()
    """Those of the secret keys that are not among `values`, because nothing could decrypt them; sorted."""
    recorded: dict[str, Any] = field(default_factory=dict)
    """Full key to JSON value with secrets encrypted: what the stack's history keeps."""


class InvalidConfig(EngineError):
    """Configuration values are missing or not of their declared type; the text lists every one."""


def load_stack_settings(project: Project, stack: str, config_file: str = "") -> StackSettings:
    """Reads a stack's file, or `config_file` in its place. Raises InvalidFile, naming file and line."""
    check_stack_name(stack)
    path = Path(config_file) if config_file else project.stack_file(stack)
    try:
        document = read_document(path)
    except FileNotFoundError:
        document = Document(path, None)
    return parse_stack_settings(project, stack, document)


def parse_stack_settings(project: Project, stack: str, document: Document) -> StackSettings:
    """The settings that a document describes. Raises InvalidFile."""
    content = {} if document.value is None else document.value
    if not isinstance(content, dict):
        raise document.error((), "a stack's file is a mapping, with 'config' for example")
    texts = {}
    for name in ("encryptionsalt", "secretsprovider", "encryptedkey"):
        texts[name] = content.get(name) or ""
        if not isinstance(texts[name], str):
            raise document.error((name,), f"'{name}' is text")
    section = content.get("config")
    if section is not None and not isinstance(section, dict):
        raise document.error(("config",), "'config' maps configuration keys to values")
    config: dict[str, Any] = {}
    for written_key, value in (section or {}).items():
        key = full_key(project.name, written_key)
        if key is None:
            raise document.error(
                ("config", written_key),
                f"'{written_key}' is not a configuration key; it is written NAME or NAMESPACE:NAME",
            )
        if key in config:
            raise document.error(("config", written_key), f"'{written_key}' stands here a second time, as {key}")
        # The pulumi command takes a key without a value for an empty text.
        config[key] = "" if value is None else config_values.as_value(config_values.from_yaml(value))
    return StackSettings(
        project=project,
        stack=stack,
        document=document,
        config=config,
        encryption_salt=texts["encryptionsalt"],
        secrets_provider=texts["secretsprovider"],
        encrypted_key=texts["encryptedkey"],
        has_environment=bool(content.get("environment")),
    )


def resolve_config(settings: StackSettings, decrypt: Callable[[str], str] | None) -> ResolvedConfig:
    """The configuration that the stack's program receives: what its file sets, and the project's defaults.

    Without `decrypt`, values that hold a secret are left out and listed; their types are not checked. Raises
    InvalidConfig with everything that is missing or mistyped, and whatever `decrypt` raises.
    """
    if settings.has_environment:
        raise Unsupported(
            f"{settings.file}: 'environment' refers to Pulumi ESC, which needs Pulumi Cloud; the embedded engine "
            "cannot read it: use the pulumi command for this stack"
        )
    if decrypt is not None and settings.has_secrets:
        settings.require_passphrase_provider()
    config, problems = _with_presets(settings)
    revealed: dict[str, Any] = {}
    for key, value in config.items():
        try:
            revealed[key] = config_values.reveal(value, decrypt)
        except config_values.Undecryptable:
            continue
        except EngineError as error:
            raise type(error)(f"{settings.file}: {key}: {error}") from None
    problems += _mistyped(settings, config, revealed)
    if problems:
        raise InvalidConfig("\n".join(problems))
    secret_keys = tuple(sorted(key for key, value in config.items() if config_values.is_secret(value)))
    return ResolvedConfig(
        values={key: config_values.text_of(revealed[key]) for key in sorted(revealed)},
        secret_keys=secret_keys,
        unknown_keys=tuple(key for key in secret_keys if key not in revealed),
        recorded={key: config_values.to_yaml(config[key]) for key in sorted(config)},
    )


def _with_presets(settings: StackSettings) -> tuple[dict[str, Any], list[str]]:
    """The values with the project's defaults filled in, and a sentence for each required one that is missing."""
    config = dict(settings.config)
    problems = []
    for declaration in sorted(settings.project.declarations, key=lambda each: each.written_key):
        root, path = _split(declaration.key)
        if root in config and config_values.get_path(config[root], path)[1]:
            continue
        if declaration.preset is not None:
            preset = declaration.preset
            value = config_values.as_value(preset) if isinstance(preset, bool | int) else preset
            if path and isinstance(value, str):
                value = config_values.coerce(value)
            config[root] = config_values.set_path(config.get(root), path, value)
        elif declaration.namespace == settings.project.name:
            problems.append(
                f"{settings.file}: {declaration.written_key} is not set and has no default"
                + (f" ({declaration.type_text})" if declaration.type else "")
                + f": pulumi config set {'--secret ' if declaration.secret else ''}{declaration.written_key} VALUE"
            )
    return config, problems


def _mistyped(settings: StackSettings, config: dict[str, Any], revealed: dict[str, Any]) -> list[str]:
    problems = []
    for declaration in sorted(settings.project.declarations, key=lambda each: each.written_key):
        root, path = _split(declaration.key)
        value, found = config_values.get_path(config.get(root), path) if root in config else (None, False)
        if not declaration.type or not found:
            continue
        line = settings.document.lines.get(("config", root)) or settings.document.lines.get(
            ("config", root.partition(":")[2])
        )
        where = f"{settings.file}, line {line}" if line else f"{settings.file}"
        if declaration.secret and not config_values.is_secret(value):
            problems.append(
                f"{where}: {declaration.written_key} is declared secret and stands in clear text: "
                f"pulumi config set --secret {declaration.written_key}"
            )
        if root not in revealed:
            continue
        content = config_values.get_path(revealed[root], path)[0]
        if not config_values.matches(content, declaration.type, declaration.items):
            shown = "" if config_values.is_secret(value) else f" is {config_values.text_of(content)} and"
            problems.append(f"{where}: {declaration.written_key}{shown} must be of type {declaration.type_text}")
    return problems


def _split(key: str) -> tuple[str, config_values.Path]:
    """A declared key as the key of the whole value and the path inside it."""
    namespace, _, name = key.partition(":")
    first, *rest = config_values.parse_path(name)
    return f"{namespace}:{first}", rest


def set_encryption_salt(settings: StackSettings, salt: str) -> StackSettings:
    """Writes the salt to the stack's file, leaving all else as it is; returns the settings anew. Raises InvalidFile."""
    before = _text_of(settings.file)
    line = f"encryptionsalt: {salt}\n"
    after, found = re.subn(r"^encryptionsalt:.*\n?", line, before, count=1, flags=re.MULTILINE)
    if not found:
        after = before + ("" if before.endswith("\n") or not before else "\n") + line
    try:
        edited = _parse(settings, after)
    except InvalidFile:
        pass
    else:
        if edited.encryption_salt == salt and edited.config == _parse(settings, before).config:
            _write(settings.file, after)
            return edited
    return _edit(settings, lambda content: content.update(encryptionsalt=salt))


def set_config(
    settings: StackSettings, key: str, value: Any, *, encrypt: Callable[[str], str] | None = None
) -> StackSettings:
    """Sets one value in the stack's file; with `encrypt`, a text is stored as a secret. Returns the settings anew.

    Key with or without namespace; `value` is text, a number, a boolean, or lists and mappings of them. Comments and
    order stay. Raises InvalidFile.
    """
    full = full_key(settings.project.name, key)
    if full is None:
        raise InvalidFile(f"'{key}' is not a configuration key; it is written NAME or NAMESPACE:NAME")
    if encrypt is not None:
        value = Secret(encrypt(config_values.text_of(value)))
    elif isinstance(value, dict) and list(value) == ["secure"]:
        raise InvalidFile(f"{full}: a mapping with the only key 'secure' would be read as a secret")

    def change(content: Any) -> None:
        if content.get("config") is None:
            content["config"] = {}
        short = full.removeprefix(f"{settings.project.name}:")
        content["config"][short if short in content["config"] else full] = config_values.to_yaml(value)

    return _edit(settings, change)


def _edit(settings: StackSettings, change: Callable[[Any], None]) -> StackSettings:
    """Applies `change` to the file's content, keeping comments, order and quotes, and reads the result back."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    path = settings.file
    before = _text_of(path)
    _parse(settings, before)
    editor = YAML(typ="rt")
    editor.preserve_quotes = True
    editor.width = 1_000_000
    _match_indentation(editor, before)
    try:
        content = editor.load(before)
    except YAMLError as error:
        raise InvalidFile(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    comments = ""
    if content is None:
        # Nothing in the file that an editor could keep the comments with.
        content, comments = CommentedMap(), before.rstrip("\n") + "\n" if before.strip() else ""
    change(content)
    result = StringIO()
    editor.dump(content, result)
    after = comments + result.getvalue()
    edited = _parse(settings, after)
    _write(path, after)
    return edited


def _parse(settings: StackSettings, text: str) -> StackSettings:
    return parse_stack_settings(settings.project, settings.stack, parse_document(settings.file, text))


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise InvalidFile(f"{path}: the file cannot be written: {error.strerror}") from None


def _match_indentation(editor: Any, text: str) -> None:
    """Makes the editor write lists as the file does: `- ` two further in than their key, or right below it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for above, below in pairwise(lines):
        if below.lstrip().startswith("- ") and above.rstrip().endswith(":"):
            offset = (len(below) - len(below.lstrip())) - (len(above) - len(above.lstrip()))
            if offset >= 0:
                editor.indent(mapping=2, sequence=offset + 2, offset=offset)
            return
    editor.indent(mapping=2, sequence=4, offset=2)
