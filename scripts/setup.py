"""Makes the environments that the other commands run in: `.venv`, and one for each tool that does not fit into it.

Run by `make`, on every command: where nothing is to be done it returns in a few milliseconds. Each environment carries
a stamp with the hash of all that it was made from. The stamp is taken away before an environment is changed and
written when it is complete, so one without a stamp is the leftover of an interrupted run and is made anew.

Only the standard library is used, and the file has to parse on old Pythons, which must be able to print the error
about their version.
"""

import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Union

Command = List[Union[str, Path]]

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
# The Python backend of Triton's package is built for these; their order is the order in which they are looked for.
TRITON_PYTHONS = ((3, 13), (3, 12), (3, 11))
TRITON_OLDEST_GLIBC = (2, 35)
EDITABLE_PACKAGES = (
    "workloads/artifacts",
    "workloads/training/image",
    "workloads/training/federated",
    "workloads/serving/image",
)
MAIN_REQUIREMENTS = "requirements.txt"
FEDERATED_REQUIREMENTS = "workloads/training/federated/requirements.txt"
TRITON_REQUIREMENTS = "workloads/serving/image/requirements-triton.txt"
POLICY_REQUIREMENTS = "policies/requirements.txt"
STAMP = "trainyard-stamp"
SHOWN_ERROR_LINES = 15


class SetupError(Exception):
    """Something that the user has to mend; its text is the whole message."""


def main() -> int:
    """Bring every environment up to date and return the exit code: 0 done, 1 an error to mend, 130 interrupted."""
    try:
        check_machine()
        with LockedFolder(ROOT) as lock:
            interpreter = base_interpreter()
            triton_interpreter, left_out = find_triton_interpreter(interpreter)
            changed = make_main_environment(interpreter, lock)
            changed |= make_environment(ROOT / "policies/.venv", POLICY_REQUIREMENTS, interpreter, lock)
            beside_main = main_import_paths()
            changed |= make_environment(
                ROOT / ".venv-federated", FEDERATED_REQUIREMENTS, interpreter, lock, beside_main
            )
            if triton_interpreter:
                changed |= make_environment(ROOT / ".venv-triton", TRITON_REQUIREMENTS, triton_interpreter, lock)
            elif changed:
                say(left_out)
    except SetupError as error:
        say(f"setup: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nsetup: interrupted. Run the same command again: it makes anew what is half-made.")
        return 130
    return 0


# What is computed


def environment_key(interpreter: Path, files: "list[Path]") -> "tuple[str, str]":
    """Return what identifies an environment: where and for whom it was made, and the hash of what is in it.

    A change of the first means that the environment is useless; of the second, that it is out of date.
    """
    identity = f"{ROOT} {interpreter_identity(interpreter)}"
    digest = hashlib.sha256()
    for file in (Path(__file__), *files):
        digest.update(file.read_bytes() + b"\0")
    return identity, digest.hexdigest()


def interpreter_identity(interpreter: Path) -> str:
    """Return the place and the version of an interpreter; the running one is not started to ask it."""
    if interpreter == base_interpreter():
        # Its executable has several names, and an environment's interpreter is seen under another one.
        return f"{sys.base_prefix} {platform.python_version()}"
    return f"{interpreter} {version_of(interpreter)}"


def pinned_version(requirements: Path, package: str) -> str:
    """Return the version that a requirements file pins for `package`."""
    for line in requirements.read_text().splitlines():
        name, _, version = line.partition("==")
        if name.strip() == package:
            return version.split(";")[0].strip()
    raise SetupError(f"{requirements.name} pins no version of {package}: run `make requirements`.")


def last_error_lines(output: str) -> str:
    """Return the part of a failed tool's output that is worth showing, indented."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-SHOWN_ERROR_LINES:])


# What is asked of the machine


def check_machine() -> None:
    """Raise SetupError for a Python or a machine that the environments cannot be made for."""
    wanted = ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info < OLDEST_PYTHON:
        found = newer_python()
        advice = f"name one: make setup PYTHON={found}" if found else "install one, and name it with PYTHON=…"
        raise SetupError(
            f"{sys.executable} is Python {platform.python_version()}, Trainyard needs {wanted} or newer; {advice}"
        )
    if sys.platform == "darwin" and platform.machine() != "arm64":
        raise SetupError("PyTorch has no packages for Intel Macs; Trainyard runs on Apple silicon and on Linux.")
    if sys.platform not in ("linux", "darwin"):
        raise SetupError(f"Trainyard runs on Linux and macOS, and this is {platform.system()}.")
    try:
        import ensurepip  # noqa: F401  # looked for only: some distributions package it apart
    except ImportError:
        advice = "on Debian and Ubuntu: apt install python3-venv"
        raise SetupError(f"{sys.executable} lacks the modules that make environments ({advice}).") from None


def newer_python() -> str:
    """Return the name of a new enough Python on PATH, or the empty string."""
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        name = f"python3.{minor}"
        if shutil.which(name) and version_of(Path(name)):
            return name
    return ""


def version_of(interpreter: Path) -> str:
    """Return the version of an interpreter such as "3.12.1", or the empty string where it does not run."""
    command = [str(interpreter), "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=30).decode().strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def base_interpreter() -> Path:
    """Return the interpreter itself where the running one belongs to an environment."""
    return Path(getattr(sys, "_base_executable", sys.executable))


def find_triton_interpreter(interpreter: Path) -> "tuple[Path | None, str]":
    """Return the interpreter for `.venv-triton`, or None and the sentence that says why it is left out."""
    libc, libc_version = platform.libc_ver()
    supported = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and libc == "glibc"
    if not supported or tuple(map(int, libc_version.split(".")[:2])) < TRITON_OLDEST_GLIBC:
        needed = ".".join(map(str, TRITON_OLDEST_GLIBC))
        return None, f"Left out: Triton, whose package is for x86-64 and Arm Linux with glibc {needed} or newer only."
    if sys.version_info[:2] in TRITON_PYTHONS:
        return interpreter, ""
    for major, minor in TRITON_PYTHONS:
        found = shutil.which(f"python{major}.{minor}")
        if found and version_of(Path(found)):
            return Path(found), ""
    return None, "Left out: Triton, which needs Python 3.11, 3.12 or 3.13, and none is on PATH."


class LockedFolder:
    """An exclusive lock on a folder, which needs no file of its own and ends with the last process that holds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.descriptor = -1

    def __enter__(self) -> "LockedFolder":
        self.descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another setup of this folder to end.")
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


# What is made


def make_main_environment(interpreter: Path, lock: LockedFolder) -> bool:
    """Make or update `.venv`, with uv, the three packages of the project and the `yard` command; True if changed."""
    folder = ROOT / ".venv"
    requirements = ROOT / MAIN_REQUIREMENTS
    projects = [ROOT / package / "pyproject.toml" for package in EDITABLE_PACKAGES]
    identity, content = environment_key(interpreter, [requirements, *projects])
    state = take_stamp(folder, identity, content)
    if state == "complete":
        return False
    python = folder / "bin/python"
    if state == "useless":
        remove_environment(folder)
        say(f"Making the environments with Python {platform.python_version()}. The first time downloads up to 4 GB.")
        uv = f"uv=={pinned_version(requirements, 'uv')}"
        step(".venv: empty", [interpreter, "-m", "venv", folder], lock)
        step(".venv: the installer", [python, "-m", "pip", "install", "--no-input", uv], lock)
    uv_pip: Command = [folder / "bin/uv", "--no-config", "pip"]
    sync: Command = [*uv_pip, "sync", "--no-build", "--compile-bytecode", "--python", python]
    step(f".venv: {MAIN_REQUIREMENTS}", [*sync, requirements], lock)
    editable: Command = [argument for package in EDITABLE_PACKAGES for argument in ("--editable", ROOT / package)]
    step(".venv: the project's packages", [*uv_pip, "install", "--no-deps", "--python", python, *editable], lock)
    write_yard_command(folder)
    write_stamp(folder, identity, content)
    return True


def make_environment(
    folder: Path, requirements: str, interpreter: Path, lock: LockedFolder, also: "tuple[Path, ...]" = ()
) -> bool:
    """Make an environment that holds one requirements file and nothing else; True if anything was changed.

    Modules are looked for in the folders `also`, too, after its own.
    """
    identity, content = environment_key(interpreter, [ROOT / requirements])
    if take_stamp(folder, identity, content) == "complete":
        return False
    remove_environment(folder)
    uv: Command = [ROOT / ".venv/bin/uv", "--no-config"]
    name = str(folder.relative_to(ROOT))
    step(f"{name}: empty", [*uv, "venv", "--python", interpreter, folder], lock)
    # `sync` installs what the file lists and not what that would like to have: each file is a complete set.
    sync: Command = [*uv, "pip", "sync", "--no-build", "--compile-bytecode", "--python", folder / "bin/python"]
    step(f"{name}: {requirements}", [*sync, ROOT / requirements], lock)
    for packages in folder.glob("lib/python*/site-packages"):
        if also:
            (packages / "trainyard.pth").write_text("".join(f"{path}\n" for path in also))
    write_stamp(folder, identity, content)
    return True


def main_import_paths() -> "tuple[Path, ...]":
    """Where `.venv` looks for modules: what an environment beside it needs to see PyTorch without a second copy of it.

    The project's packages are named one by one, since a path that comes from such a file is not searched for more.
    """
    own = (ROOT / ".venv").glob("lib/python*/site-packages")
    return (*own, *(ROOT / package / "src" for package in EDITABLE_PACKAGES))


def take_stamp(folder: Path, identity: str, content: str) -> str:
    """Say whether an environment is "complete", "outdated" or "useless", and take the stamp off one that is not."""
    stamp = folder / STAMP
    try:
        found = stamp.read_text().splitlines()
    except OSError:
        return "useless"
    if not (folder / "bin/python").exists() or found[:1] != [identity]:
        stamp.unlink()
        return "useless"
    if found[1:] == [content]:
        return "complete"
    stamp.unlink()
    return "outdated"


def write_stamp(folder: Path, identity: str, content: str) -> None:
    """Mark an environment as complete, in one step."""
    partial = folder / f"{STAMP}.partial"
    partial.write_text(f"{identity}\n{content}\n")
    partial.replace(folder / STAMP)


def remove_environment(folder: Path) -> None:
    """Remove an environment; a folder that is something else is left alone and is an error."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        # Python's venv writes pyvenv.cfg before anything else but empty folders.
        if not (folder / "pyvenv.cfg").exists() and any(path.is_file() for path in folder.rglob("*")):
            raise SetupError(f"{folder} is not a virtual environment: move it away.")
        shutil.rmtree(folder)


def write_yard_command(folder: Path) -> None:
    """Write `bin/yard`, a launcher in place of an installed one: the project puts no package of its own on the path."""
    command = folder / "bin/yard"
    launch = shlex.join([str(folder / "bin/python"), str(ROOT / "scripts/yard.py")])
    command.write_text(f'#!/bin/sh\nexec {launch} "$@"\n')
    command.chmod(0o755)


def step(title: str, command: "Command", lock: LockedFolder) -> None:
    """Run one command with one line of progress; raise SetupError with the end of its output if it fails.

    The command holds the lock too: where this process is killed, the next run waits until the command has ended.
    """
    live = sys.stderr.isatty()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment.update(PIP_DISABLE_PIP_VERSION_CHECK="1", UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    start = time.monotonic()
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=str(ROOT),
        env=environment,
        pass_fds=(lock.descriptor,),
    ) as process:
        output = None
        while output is None:
            try:
                output = process.communicate(timeout=1)[0]
            except subprocess.TimeoutExpired:
                if live:
                    say(f"\r  {title:<60} {time.monotonic() - start:5.0f} s", end="")
    say(f"{chr(13) if live else ''}  {title:<60} {time.monotonic() - start:5.0f} s")
    if process.returncode != 0:
        raise SetupError(f"`{Path(command[0]).name}` failed at {title}:\n{last_error_lines(output)}")


def say(text: str, end: str = "\n") -> None:
    """Print to standard error, so that the output of the command that follows stays its own."""
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
