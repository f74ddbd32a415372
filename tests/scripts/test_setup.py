"""`make setup`, run as its script on a small copy of the project: what it makes, what it refuses, and what it repairs.

Nothing is downloaded: the real `pip` installs a stand-in for uv from a folder, which notes how it is called. The real
`venv` takes seconds: it makes one environment, and those of one test. For the other tests a stand-in for the
interpreter that it is a module of makes copies of that environment.
"""

import ast
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_GET_THERE = 60.0
WAITING = "Waiting for another setup of this folder to end."

pytestmark = pytest.mark.xdist_group("setup-script")

STAND_IN_FOR_UV = """#!python
import os, pathlib, sys, time

with open(os.environ["UV_LOG"], "a") as log:
    print(*sys.argv[1:], file=log)
if sys.argv[2] == "venv":
    folder = pathlib.Path(sys.argv[-1])
    (folder / "bin").mkdir(parents=True)
    (folder / "lib/python3/site-packages").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    (folder / "bin/python").symlink_to(sys.executable)
gate = pathlib.Path(os.environ["UV_GATE"])
while gate.exists() and sys.argv[-1].endswith(os.environ["UV_WAITS"]):
    time.sleep(0.01)
if os.environ.get("UV_REFUSES") and sys.argv[-1].endswith(os.environ["UV_REFUSES"]):
    sys.exit("error: no such package\\n  hint: none")
"""

STAND_IN_FOR_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then exec cp -RPp {environment} "$3"; fi
exec {python} "$@"
"""


@dataclass(frozen=True)
class Clone:
    """A folder with what the script reads of the project."""

    folder: Path
    base: Path | None
    """What the script takes for the interpreter that environments are made with, where that is not the real one."""

    @property
    def log(self) -> Path:
        """A line for each call of uv."""
        return self.folder.parent / "uv.log"

    @property
    def gate(self) -> Path:
        """While this file is there, uv does not end where its last argument ends as the variable UV_WAITS says."""
        return self.folder.parent / "gate"

    def start(self, pretend: str = "", **variables: str) -> "subprocess.Popen[str]":
        """Start the script; `pretend` is Python that is run before it, in its process."""
        script = str(self.folder / "scripts" / "setup.py")
        if self.base:
            pretend = f"sys._base_executable = {str(self.base)!r}\n{pretend}"
        program = f"import platform, runpy, sys\n{pretend}\nrunpy.run_path({script!r}, run_name='__main__')"
        environment = {
            **os.environ,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder.parent / "wheels"),
            "UV_LOG": str(self.log),
            "UV_GATE": str(self.gate),
            **variables,
        }
        return subprocess.Popen(
            [sys.executable, "-c", program] if pretend else [sys.executable, script],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, pretend: str = "", **variables: str) -> tuple[int, str]:
        """The script's exit code and what it says; it prints nothing that the command after it could be thought to."""
        with self.start(pretend, **variables) as process:
            out, err = process.communicate(timeout=120)
        assert out == ""
        return process.returncode, err

    def calls(self, word: str) -> int:
        """How often uv has been called with a word among its arguments."""
        return sum(word in line for line in self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture(scope="module")
def stand_in_for_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter that the script takes, but for `-m venv`, which copies what the real one has made."""
    folder = tmp_path_factory.mktemp("venv")
    python = Path(getattr(sys, "_base_executable", sys.executable))
    environment = folder / "environment"
    subprocess.run([python, "-m", "venv", environment], check=True)
    stand_in = folder / "python"
    stand_in.write_text(
        STAND_IN_FOR_PYTHON.format(environment=shlex.quote(str(environment)), python=shlex.quote(str(python)))
    )
    stand_in.chmod(0o755)
    return stand_in


@pytest.fixture
def clone(tmp_path: Path, stand_in_for_python: Path) -> Clone:
    folder = tmp_path / "clone"
    for name in (
        "scripts/setup.py",
        "policies/requirements.txt",
        "workloads/serving/image/requirements-triton.txt",
        "workloads/training/federated/requirements.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for package in (
        "workloads/artifacts",
        "workloads/training/image",
        "workloads/training/federated",
        "workloads/serving/image",
    ):
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "pyproject.toml").touch()
    (folder / "requirements.txt").write_text("uv==9.9.9\n")
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / "uv-9.9.9-py3-none-any.whl", "w") as wheel:
        executable = zipfile.ZipInfo("uv-9.9.9.data/scripts/uv")
        executable.external_attr = 0o100755 << 16
        wheel.writestr(executable, STAND_IN_FOR_UV)
        wheel.writestr("uv-9.9.9.dist-info/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 9.9.9\n")
        wheel.writestr("uv-9.9.9.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("uv-9.9.9.dist-info/RECORD", "")
    return Clone(folder, stand_in_for_python)


def wait_for_call(clone: Clone, word: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_GET_THERE
    while not clone.calls(word):
        if time.monotonic() > deadline:
            clone.gate.unlink()
            pytest.fail(f"uv was never called with {word}")
        time.sleep(0.01)


def test_a_second_run_does_nothing_and_a_change_makes_only_what_it_changes(clone: Clone) -> None:
    """With the real `venv`, as the other tests are not."""
    clone = replace(clone, base=None)
    code, said = clone.run()
    assert code == 0, said
    assert said.startswith("Making the environments with Python ")
    assert clone.calls("sync") == (4 if (clone.folder / ".venv-triton").exists() else 3)
    assert (clone.folder / "policies/.venv/bin/python").exists()
    assert os.access(clone.folder / ".venv/bin/yard", os.X_OK)

    # Flower's own packages come first, then what the main environment has, of which no second copy is made.
    seen = (clone.folder / ".venv-federated/lib/python3/site-packages/trainyard.pth").read_text().splitlines()
    main, *own = seen
    assert main == str(next((clone.folder / ".venv").glob("lib/python*/site-packages")))
    assert str(clone.folder / "workloads/training/federated/src") in own

    before = clone.log.read_text()
    assert clone.run() == (0, "")
    assert clone.log.read_text() == before

    with (clone.folder / "policies/requirements.txt").open("a") as requirements:
        requirements.write("# changed\n")
    code, said = clone.run()
    assert code == 0, said
    added = clone.log.read_text().removeprefix(before).splitlines()
    assert len(added) == 2
    assert all(str(clone.folder / "policies/.venv") in call for call in added)


@pytest.mark.slow
def test_a_killed_run_is_repaired_by_the_next(clone: Clone) -> None:
    clone.gate.touch()
    with clone.start(UV_WAITS="/requirements.txt") as killed:
        wait_for_call(clone, "sync")
        killed.kill()
        killed.wait()
        # uv goes on without its parent, and nobody is to change the environment beside it.
        with clone.start() as following:
            assert following.stderr
            assert following.stderr.readline().strip() == WAITING
            clone.gate.unlink()
            _, said = following.communicate(timeout=120)
    assert following.returncode == 0, said
    assert said.startswith("Making the environments with Python "), "the half-made one is made anew"
    assert clone.run() == (0, "")


def test_an_interrupted_run_says_how_to_go_on_and_is_repaired_by_the_next(clone: Clone) -> None:
    clone.gate.touch()
    with clone.start(UV_WAITS="policies/requirements.txt") as interrupted:
        wait_for_call(clone, "policies/requirements.txt")
        # To all of its group, as a terminal does for Ctrl-C.
        os.killpg(interrupted.pid, signal.SIGINT)
        _, said = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 130
    assert said.endswith("setup: interrupted. Run the same command again: it makes anew what is half-made.\n")
    assert "Traceback" not in said
    clone.gate.unlink()
    code, said = clone.run()
    assert code == 0, said
    assert "policies/.venv: empty" in said
    assert "  .venv: " not in said, "what was complete is not made again"


def test_a_failed_installation_is_told_with_its_last_words(clone: Clone) -> None:
    code, said = clone.run(UV_REFUSES="policies/requirements.txt")
    assert code == 1
    assert said.endswith(
        "setup: `uv` failed at policies/.venv: policies/requirements.txt:\n"
        "    error: no such package\n      hint: none\n"
    )
    code, said = clone.run()
    assert code == 0, said
    assert clone.run() == (0, "")


def test_a_folder_that_is_no_environment_is_left_alone(clone: Clone) -> None:
    (clone.folder / ".venv").mkdir()
    (clone.folder / ".venv/thesis.txt").write_text("irreplaceable")
    expected = f"setup: {clone.folder}/.venv is not a virtual environment: move it away.\n"
    assert clone.run() == (1, expected)
    assert (clone.folder / ".venv/thesis.txt").read_text() == "irreplaceable"


OLD = "sys.version_info, platform.python_version = (3, 9, 2), lambda: '3.9.2'"


@pytest.mark.parametrize(
    ("pretend", "told"),
    [
        (OLD, " is Python 3.9.2, Trainyard needs 3.11 or newer; install one, and name it with PYTHON=…"),
        (
            "sys.modules['ensurepip'] = None",
            " lacks the modules that make environments (on Debian and Ubuntu: apt install python3-venv).",
        ),
    ],
)
def test_what_the_machine_lacks_is_one_line(clone: Clone, tmp_path: Path, pretend: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    assert clone.run(pretend, PATH=str(tmp_path / "empty")) == (1, f"setup: {sys.executable}{told}\n")
    assert sorted(path.name for path in clone.folder.iterdir()) == [
        "policies",
        "requirements.txt",
        "scripts",
        "workloads",
    ]


def test_a_newer_python_on_path_is_named(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    newer = tmp_path / "bin" / "python3.12"
    newer.write_text("#!/bin/sh\necho 3.12.9\n")
    newer.chmod(0o755)
    code, said = clone.run(OLD, PATH=str(tmp_path / "bin"))
    assert code == 1
    assert said.endswith("Trainyard needs 3.11 or newer; name one: make setup PYTHON=python3.12\n")


def test_the_script_can_be_read_by_a_python_that_is_too_old() -> None:
    ast.parse((ROOT / "scripts" / "setup.py").read_text(), feature_version=(3, 6))


def test_make_names_the_interpreter_that_is_missing() -> None:
    make = subprocess.run(
        ["make", "--no-print-directory", "setup", "PYTHON=no-such-python"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert make.returncode == 2
    assert make.stdout == ""
    assert make.stderr.splitlines()[0] == (
        "setup: there is no 'no-such-python' on PATH; "
        "Trainyard needs Python 3.11 or newer: make setup PYTHON=/path/to/python3"
    )


def test_triton_is_left_out_where_it_has_no_package(clone: Clone) -> None:
    for machine, libc, made in [
        ("x86_64", ("glibc", "2.31"), False),
        ("x86_64", ("", ""), False),
        ("riscv64", ("glibc", "2.40"), False),
        ("aarch64", ("glibc", "2.36"), True),
        ("x86_64", ("glibc", "2.35"), True),
    ]:
        # The sentence is said where something is made, so there has to be something.
        with (clone.folder / "policies/requirements.txt").open("a") as requirements:
            requirements.write("# changed\n")
        code, said = clone.run(
            f"sys.platform, platform.machine, platform.libc_ver = 'linux', lambda: {machine!r}, lambda: {libc!r}\n"
            # Whatever this interpreter is, the package is for it.
            "sys.version_info = (3, 12, 1)"
        )
        assert code == 0, said
        triton = clone.folder / ".venv-triton"
        assert triton.exists() is made, (machine, libc)
        sentence = "Left out: Triton, whose package is for x86-64 and Arm Linux with glibc 2.35 or newer only.\n"
        assert said.endswith(sentence) is not made, said
        shutil.rmtree(triton, ignore_errors=True)
