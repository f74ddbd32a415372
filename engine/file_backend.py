"""State on disk, in the layout of the pulumi command's file backend, so that both can use the same stacks.

Below the state folder, `.pulumi` holds `meta.yaml` (the layout's version), `stacks/PROJECT/STACK.json` (the checkpoint)
with the one before as `STACK.json.bak`, `history/PROJECT/STACK/` (one entry and one checkpoint an update) and
`backups/PROJECT/STACK/` (pkg/backend/diy in Pulumi's source). Whoever writes holds the stack's lock (engine.lock).
"""

import gzip
import json
import os
import shlex
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine import checkpoint, values
from engine.durable_files import create_file, replace_file, sync_folder
from engine.errors import EngineError, Unsupported

NO_BACKUPS_VARIABLE = "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS"

_META = b"version: 1\n"
_SUFFIXES = (".json", ".json.gz", ".json.zst")
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


class DamagedState(EngineError):
    """A stack's state file cannot be used; the text names it, the newest good backup, and how to restore that."""


class StateNotWritable(EngineError):
    """The state cannot be kept where it should be; nothing has been changed."""


class StackNotEmpty(EngineError):
    """The stack still has resources, so its state is not removed."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What the history says about one update."""

    kind: Literal["update", "destroy", "refresh"]
    result: Literal["succeeded", "failed"]
    start_time: float
    """Seconds since 1970."""
    end_time: float
    message: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    """Where the update ran, such as `git.head`; keys as the pulumi command has them."""
    config: dict[str, Any] = field(default_factory=dict)
    """Full key to JSON value, secrets encrypted: `ResolvedConfig.recorded`."""
    resource_changes: dict[str, int] = field(default_factory=dict)
    """How many resources were created, updated and so on."""


class FileBackend:
    """The states of one project's stacks."""

    def __init__(self, folder: Path, project: str, environment: Mapping[str, str] = os.environ) -> None:
        """`folder` is the one that holds `.pulumi` (engine.state_location)."""
        self.folder = folder
        self.project = project
        self._root = folder / ".pulumi"
        self._keep_backups = environment.get(NO_BACKUPS_VARIABLE, "").lower() not in ("1", "true")

    def check_layout(self) -> None:
        """Raises Unsupported where the folder has another layout than the one with projects, or as check_writable."""
        meta = self._root / "meta.yaml"
        try:
            content = meta.read_bytes()
        except FileNotFoundError:
            legacy = [path.name for path in self._glob("stacks", "*.json*") if path.is_file()]
            if legacy:
                raise Unsupported(
                    f"{self._root / 'stacks'} has the layout without projects of older Pulumi versions; "
                    "run 'pulumi state upgrade' once"
                ) from None
            return
        except NotADirectoryError:
            raise StateNotWritable(f"the state cannot be kept in {self._root}: that is not a folder") from None
        except OSError as error:
            raise DamagedState(f"{meta}: the file cannot be read: {error.strerror}") from None
        if content == _META:
            return
        name, _, version = content.decode("utf-8", "replace").strip().partition(":")
        if name != "version" or not version.strip().isdigit():
            raise DamagedState(f"{meta} is damaged: it should hold the line 'version: 1'")
        if int(version) == 0:
            raise Unsupported(f"{meta} says layout version 0; run 'pulumi state upgrade' once")
        if int(version) != 1:
            raise Unsupported(f"{meta} says layout version {int(version)}; the embedded engine knows version 1 only")

    def check_writable(self) -> None:
        """Makes the folders that an update needs, and tries to write. Raises StateNotWritable, or as reading does."""
        self.check_layout()
        folder = self._root / "stacks" / self.project
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".writable.{os.getpid()}"
            probe.write_bytes(b"x")
            probe.unlink()
            create_file(self._root / "meta.yaml", _META, mode=0o644)
        except OSError as error:
            raise self._not_writable(folder, error) from None

    def list_stacks(self) -> list[str]:
        """The names of the project's stacks that have a state, sorted."""
        names = set()
        for path in self._glob("stacks", self.project, "*.json*"):
            for suffix in _SUFFIXES:
                if path.name.endswith(suffix) and not path.name.startswith("."):
                    names.add(path.name.removesuffix(suffix))
        return sorted(names)

    def state_file(self, stack: str) -> Path:
        """Where the stack's checkpoint is: the newest of its forms, plain or compressed."""
        candidates = []
        for suffix in _SUFFIXES:
            path = self._path("stacks", stack, suffix)
            with suppress(OSError):
                candidates.append((path.stat().st_mtime_ns, path))
        return max(candidates)[1] if candidates else self._path("stacks", stack, ".json")

    def read_checkpoint(self, stack: str) -> dict[str, Any] | None:
        """The stack's deployment (apitype.DeploymentV3); None where the stack has no state.

        It is empty where the stack was made and nothing deployed yet. Raises DamagedState, or Unsupported for other
        versions than 3.
        """
        self.check_layout()
        path = self.state_file(stack)
        try:
            return read_deployment(path)
        except FileNotFoundError:
            return None
        except _Damage as damage:
            raise DamagedState(self._describe(path, stack, str(damage))) from None

    def write_checkpoint(self, stack: str, content: bytes) -> None:
        """Replaces the stack's checkpoint durably by `content` (engine.checkpoint.encode_checkpoint).

        The one before becomes the `.bak` file. Raises StateNotWritable, with the old checkpoint in place.
        """
        target = self._path("stacks", stack, ".json")
        before = self.state_file(stack)
        try:
            _keep_as(before, before.with_name(before.name + ".bak"))
            replace_file(target, content, mode=0o600, temporary=target.with_name(target.name + ".tmp"))
            # The pulumi command keeps a digest of what it wrote beside each file.
            for stale in (target, before):
                stale.with_name(stale.name + ".attrs").unlink(missing_ok=True)
            if before != target:
                before.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_writable(target, error) from None

    def add_history(self, stack: str, entry: HistoryEntry) -> None:
        """Adds an update to the stack's history, with the checkpoint as it is now, and keeps that as a backup too.

        Raises StateNotWritable.
        """
        source = self.state_file(stack)
        suffix = source.name.removeprefix(stack)
        history, backups = (self._root / kind / self.project / stack for kind in ("history", "backups"))
        moment = time.time_ns()
        try:
            history.mkdir(parents=True, exist_ok=True)
            _copy(source, history / f"{stack}-{moment}.checkpoint{suffix}")
            replace_file(history / f"{stack}-{moment}.history.json", _encode(entry), mode=0o600)
            if self._keep_backups:
                backups.mkdir(parents=True, exist_ok=True)
                _copy(source, backups / f"{stack}.{moment}{suffix}")
        except OSError as error:
            raise self._not_writable(history, error) from None

    def read_history(self, stack: str) -> list[dict[str, Any]]:
        """The stack's updates as their files have them, the newest first; unreadable entries are left out."""
        entries = []
        for path in sorted(self._glob("history", self.project, stack, "*.history.json*"), reverse=True):
            if path.name.endswith(".attrs"):
                continue
            with suppress(_Damage, OSError, Unsupported):
                entries.append(_parse(_decompressed(path)))
        return [entry for entry in entries if isinstance(entry, dict)]

    def remove_stack(self, stack: str, *, force: bool = False) -> None:
        """Removes the stack's state, history and tags; the last checkpoint stays as `.bak`, and the backups stay.

        Raises StackNotEmpty where there are resources besides the stack itself, unless `force`; as read_checkpoint.
        """
        deployment = None if force else self.read_checkpoint(stack)
        left = [each for each in (deployment or {}).get("resources") or [] if each["type"] != "pulumi:pulumi:Stack"]
        if left:
            raise StackNotEmpty(
                f"stack {stack} still has {len(left)} resources, such as {left[-1]['urn']}: destroy it first"
            )
        path = self.state_file(stack)
        base = self._path("stacks", stack, "")
        try:
            with suppress(FileNotFoundError):
                path.replace(path.with_name(path.name + ".bak"))
            for leftover in (".json.attrs", ".json.tmp", ".pulumi-tags", ".pulumi-tags.attrs"):
                base.with_name(base.name + leftover).unlink(missing_ok=True)
            shutil.rmtree(self._root / "history" / self.project / stack, ignore_errors=True)
            if base.parent.is_dir():
                sync_folder(base.parent)
        except OSError as error:
            raise self._not_writable(path, error) from None

    def newest_good_backup(self, stack: str) -> Path | None:
        """The newest earlier checkpoint of the stack that can be read and holds together."""
        candidates = [
            *self._glob("stacks", self.project, f"{stack}.json*.bak"),
            *self._glob("backups", self.project, stack, f"{stack}.*.json*"),
            *self._glob("history", self.project, stack, f"{stack}-*.checkpoint.json*"),
        ]
        dated = []
        for path in candidates:
            with suppress(OSError):
                if not path.name.endswith(".attrs"):
                    dated.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(dated, reverse=True):
            with suppress(_Damage, OSError, Unsupported):
                read_deployment(path)
                return path
        return None

    def restore(self, stack: str, backup: Path) -> Path | None:
        """Puts a good backup in the place of the stack's state file; returns where the damaged one, if any, is kept.

        There is a state file at every moment. Raises DamagedState where the backup is not good itself, or
        StateNotWritable.
        """
        try:
            read_deployment(backup)
            content = _decompressed(backup)
        except (_Damage, OSError) as damage:
            raise DamagedState(f"{backup} cannot be restored: {damage}") from None
        target, kept = self.state_file(stack), None
        try:
            if target.exists():
                kept = target.with_name(f"{target.name}.damaged")
                _keep_as(target, kept)
            plain = self._path("stacks", stack, ".json")
            replace_file(plain, content, mode=0o600)
            if target != plain:
                target.unlink()
        except OSError as error:
            raise self._not_writable(target, error) from None
        return kept

    def _path(self, kind: str, stack: str, suffix: str) -> Path:
        return self._root / kind / self.project / f"{stack}{suffix}"

    def _glob(self, *parts: str) -> Iterator[Path]:
        *folders, pattern = parts
        with suppress(OSError):
            yield from self._root.joinpath(*folders).glob(pattern)

    def _describe(self, path: Path, stack: str, damage: str) -> str:
        backup = self.newest_good_backup(stack)
        if backup is None:
            return f"{path} is damaged: {damage}; there is no good backup of it"
        written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup.stat().st_mtime))
        return (
            f"{path} is damaged: {damage}\n"
            f"the newest good backup is from {written}: {backup}\n"
            f"to restore it: yard restore -s {shlex.quote(stack)}   "
            f"or: cp {shlex.quote(str(backup))} {shlex.quote(str(path))}"
        )

    def _not_writable(self, path: Path, error: OSError) -> StateNotWritable:
        where = f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
        return StateNotWritable(f"the state cannot be written to {path}: {error.strerror or error}{where}")


class _Damage(Exception):
    """A file is not a good checkpoint; says why."""


def read_deployment(path: Path) -> dict[str, Any]:
    """The deployment in one checkpoint file; empty where it has none yet.

    Raises FileNotFoundError, Unsupported for other versions than 3, and an exception of this module for a damaged file.
    """
    document = _parse(_decompressed(path))
    if not isinstance(document, dict):
        raise _Damage("it is not an object")
    version = document.get("version")
    if version is None and "latest" in document:
        version = 0
    if not isinstance(version, int) or isinstance(version, bool):
        raise _Damage("it says no version")
    if version != checkpoint.VERSION:
        features = document.get("features")
        detail = f" with {', '.join(map(str, features))}" if isinstance(features, list) and features else ""
        raise Unsupported(
            f"{path} is a checkpoint of version {version}{detail}; the embedded engine knows version "
            f"{checkpoint.VERSION} only: use the pulumi command for this stack"
            + (", which brings older ones up to date with its next update" if version < checkpoint.VERSION else "")
        )
    body = document.get("checkpoint")
    if not isinstance(body, dict):
        raise _Damage("it holds no checkpoint")
    deployment = body.get("latest")
    if deployment is None:
        return {}
    problem = checkpoint.find_misshapen(deployment) or next(iter(checkpoint.verify_integrity(deployment)), "")
    if problem:
        raise _Damage(problem)
    return deployment


def _decompressed(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            return gzip.decompress(content)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise _Damage(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if content.startswith(_ZSTANDARD):
        raise Unsupported(
            f"{path} is compressed with Zstandard; the embedded engine reads plain and gzip files: "
            "run the pulumi command once with PULUMI_DIY_BACKEND_COMPRESSION unset"
        )
    return content


def _beyond_json(constant: str) -> values.Value:
    """The recorded form of NaN or an infinity that an earlier version wrote bare, which the pulumi command refuses."""
    return values.to_checkpoint(float(constant), str)


def _parse(content: bytes) -> Any:
    if not content.strip(b" \t\r\n\0"):
        raise _Damage("it is empty" if not content else "it holds nothing but zeros and spaces")
    try:
        return json.loads(content, parse_constant=_beyond_json)
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
            raise _Damage(f"it is cut off after {len(content)} bytes") from None
        raise _Damage(f"it is not valid JSON at line {error.lineno}, column {error.colno}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _Damage("it is not JSON") from None


def _encode(entry: HistoryEntry) -> bytes:
    document: dict[str, Any] = {
        "kind": entry.kind,
        "startTime": int(entry.start_time),
        "message": entry.message,
        "environment": entry.environment,
        "config": entry.config,
        "version": 0,
        "result": entry.result,
        "endTime": int(entry.end_time),
    }
    if entry.resource_changes:
        document["resourceChanges"] = entry.resource_changes
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _keep_as(path: Path, kept: Path) -> None:
    """Makes `kept` another name of the file, which is about to be replaced, not changed; a copy where need be."""
    temporary = kept.with_name(kept.name + ".tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except FileNotFoundError:
        return
    except OSError:
        shutil.copyfile(path, temporary)
    os.replace(temporary, kept)  # noqa: PTH105
    kept.with_name(kept.name + ".attrs").unlink(missing_ok=True)


def _copy(path: Path, target: Path) -> None:
    replace_file(target, path.read_bytes(), mode=0o600)
