"""Compiled modules are taken over where they are those of the same source, and no others."""

import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.changes.bytecode import share_bytecode

# Named, since SOURCE_DATE_EPOCH in the environment chooses another one.
BY_TIME = py_compile.PycInvalidationMode.TIMESTAMP
OLD = (1_700_000_000, 1_700_000_000)


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """A copy without compiled modules, and one that has them: one.py is the same in both, two.py is not."""
    target, source = tmp_path / "target", tmp_path / "source"
    for folder in (target, source):
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "one.py").write_text("import sys\nwhere = sys._getframe().f_code.co_filename\n")
        (folder / "package" / "two.py").write_text(f"name = {folder.name!r}\n")
    for name in ("one", "two"):
        os.utime(source / "package" / f"{name}.py", OLD)
        py_compile.compile(str(source / "package" / f"{name}.py"), invalidation_mode=BY_TIME)
    return target, source


def test_a_module_that_is_the_same_is_not_compiled_again_and_knows_where_it_is(copies: tuple[Path, Path]) -> None:
    target, source = copies
    share_bytecode(target, source)
    assert [each.name.partition(".")[0] for each in (target / "package" / "__pycache__").iterdir()] == ["one"]
    program = "import package.one, package.two; print(package.one.where, package.two.name)"
    variables = os.environ | {"PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-v", "-c", program]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{target}/package/one.py target\n"
    assert f"matches {target}/package/one.py" in done.stderr


def test_what_python_would_not_take_for_current_is_left(copies: tuple[Path, Path]) -> None:
    target, source = copies
    one = source / "package" / "one.py"
    shutil.rmtree(source / "package" / "__pycache__")
    py_compile.compile(str(one), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    share_bytecode(target, source)
    assert not (target / "package" / "__pycache__").exists(), "it could be anything"
    py_compile.compile(str(one), invalidation_mode=BY_TIME)
    os.utime(one, (OLD[0] + 5, OLD[1] + 5))
    share_bytecode(target, source)
    assert not (target / "package" / "__pycache__").exists(), "it is older than its source"
