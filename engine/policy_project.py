"""A policy pack on disk: what its PulumiPolicy.yaml says, and which interpreter runs it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError

FILE_NAME = "PulumiPolicy.yaml"
_LAUNCHER = Path(__file__).with_name("pack_launcher.py")


class PolicyPackError(EngineError):
    """A policy pack cannot be run, or failed; the text names the pack."""


@dataclass(frozen=True, slots=True)
class PolicyProject:
    """What is known of a policy pack before it runs. `virtualenv` is None where the pack names none."""

    directory: Path
    version: str = ""
    description: str = ""
    virtualenv: Path | None = None
    remediates: bool = True
    """Whether a policy may change resources: a preview can go on without waiting for a pack that says it does not."""
    standalone: bool = False
    """Whether its program serves by itself, and needs nothing of what Pulumi's SDK prepares for one."""

    def interpreter(self) -> str:
        """The Python that runs the pack. Raises PolicyPackError where the virtual environment is missing."""
        if self.virtualenv is None:
            found = shutil.which("python3") or shutil.which("python")
            if found is None:
                raise PolicyPackError(f"policy pack {self.directory}: there is no python3 on PATH to run it with")
            return found
        python = self.virtualenv / "bin" / "python"
        if not os.access(python, os.X_OK):
            raise PolicyPackError(
                f"policy pack {self.directory}: its virtual environment {self.virtualenv} is missing; "
                f"make it with: {self.setup_command()}"
            )
        return str(python)

    def command(self, python: str) -> list[str]:
        """The command line that serves the pack, with the engine's address left empty: no pack needs it."""
        if self.standalone:
            return [python, "-u", str(self.directory / "__main__.py")]
        return [python, "-u", str(_LAUNCHER), "pulumi.policy", "", str(self.directory)]

    def setup_command(self) -> str:
        """The shell command that makes the pack's environment."""
        environment = self.virtualenv or self.directory / ".venv"
        requirements = self.directory / "requirements.txt"
        return f"python3 -m venv {environment} && {environment}/bin/python -m pip install -r {requirements}"


def load(directory: Path) -> PolicyProject:
    """Read the pack's PulumiPolicy.yaml. Raises PolicyPackError, in one line, for whatever is wrong with it."""
    directory = directory.absolute()
    path = directory / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise PolicyPackError(f"policy pack {directory}: there is no {FILE_NAME} in it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyPackError(f"policy pack {directory}: {FILE_NAME} cannot be read: {error}") from None
    return _parse(text, directory)


def _parse(text: str, directory: Path) -> PolicyProject:
    import yaml

    def refuse(what: str) -> PolicyPackError:
        return PolicyPackError(f"policy pack {directory}: {FILE_NAME}: {what}")

    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise refuse(f"not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise refuse("expected a mapping with the key 'runtime'")
    runtime = content.get("runtime")
    if isinstance(runtime, str):
        runtime = {"name": runtime}
    if not isinstance(runtime, dict) or not isinstance(runtime.get("name"), str):
        raise refuse("runtime: expected 'python', or a mapping with the key 'name'")
    if runtime["name"] != "python":
        raise refuse(f"runtime: {runtime['name']!r} is not supported here; policy packs in 'python' are")
    options = runtime.get("options") or {}
    if not isinstance(options, dict):
        raise refuse("runtime.options: expected a mapping")
    environment = options.get("virtualenv")
    if environment is None and options.get("toolchain") == "uv":
        environment = ".venv"
    if environment is not None and not isinstance(environment, str):
        raise refuse(f"runtime.options.virtualenv: expected a folder, found {environment!r}")
    # Not Pulumi's: its command skips the keys that it does not know.
    said = {"remediates": content.get("remediates", True), "standalone": content.get("standalone", False)}
    for key, value in said.items():
        if not isinstance(value, bool):
            raise refuse(f"{key}: expected true or false, found {value!r}")
    if not ((directory / "__main__.py").is_file() or (directory / str(content.get("main", "__main__.py"))).exists()):
        raise PolicyPackError(f"policy pack {directory}: there is no __main__.py in it")
    return PolicyProject(
        directory=directory,
        version=str(content.get("version") or ""),
        description=str(content.get("description") or ""),
        virtualenv=directory / environment if environment else None,
        **said,
    )
