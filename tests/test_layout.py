"""Holds the house rules that a reader relies on: which part may import which, and how a Python file looks."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 500
SKIPPED_FOLDERS = {"__pycache__", "node_modules"}

PARTS = {"bench", "cli", "engine", "infra", "lifecycle", "planning", "policies", "scripts", "tests", "workloads"}
INSTALLED = {"trainyard_artifacts", "trainyard_federated", "trainyard_serving", "trainyard_training"}

# Where a file lies (the longest prefix counts) -> what of the project it may import, besides its own part.
# What is named here allows its submodules too.
MAY_IMPORT: dict[str, set[str]] = {
    "__main__.py": {"infra", "workloads"},
    "bench": {
        "engine",
        "infra.local",
        "lifecycle",
        "planning",
        "tests.controlplane",
        "trainyard_artifacts",
        "trainyard_serving",
        "trainyard_training",
    },
    "cli": {
        "bench",
        "engine",
        "infra.gcp.machine_fit",
        "lifecycle",
        "planning",
        "policies",
        "trainyard_artifacts",
        "trainyard_serving",
        "workloads.serving.bundle",
        "workloads.training.jobs",
    },
    "engine": set(),
    "infra": {"planning"},
    "lifecycle": {"engine", "planning", "policies", "trainyard_artifacts"},
    "planning": set(),
    "policies": {"planning"},
    "scripts": set(),
    "scripts/yard.py": {"cli"},
    "workloads": {"infra.platform"},
    "workloads/artifacts": set(),
    "workloads/serving/bundle": {"trainyard_artifacts", "trainyard_serving"},
    "workloads/serving/image": {"trainyard_artifacts"},
    "workloads/training/federated": {"trainyard_artifacts", "trainyard_training"},
    "workloads/training/image": {"trainyard_artifacts"},
    "workloads/training/jobs": {"trainyard_artifacts", "trainyard_training"},
}
# What lies below these is shipped apart from the rest, so that their part is not the one of their first folder.
OWN_PACKAGE = {
    "workloads/artifacts": "trainyard_artifacts",
    "workloads/serving/image": "trainyard_serving",
    "workloads/training/federated": "trainyard_federated",
    "workloads/training/image": "trainyard_training",
}


def test_imports_follow_the_direction_of_the_layers() -> None:
    violations = []
    for file in python_files():
        place = longest_prefix(file, MAY_IMPORT)
        if place is None:
            continue
        own = OWN_PACKAGE.get(place, file.parts[0])
        for line, module in imported_modules(file):
            top = module.split(".")[0]
            if top not in PARTS | INSTALLED or top == own:
                continue
            if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in MAY_IMPORT[place]):
                allowed_text = ", ".join(sorted(MAY_IMPORT[place])) or "nothing of the project"
                violations.append(f"{file}:{line} imports {module}; allowed is {allowed_text}")
    assert violations == []


def test_every_part_has_a_rule() -> None:
    ruled = {Path(place).parts[0] for place in MAY_IMPORT} | {"tests"}
    assert {file.parts[0] for file in python_files()} - ruled == set()


def test_every_python_file_says_what_it_is_for() -> None:
    silent = [str(file) for file in python_files() if not ast.get_docstring(parse(file))]
    assert silent == []


def test_python_files_stay_short() -> None:
    lengths = {str(file): len((ROOT / file).read_text().splitlines()) for file in python_files()}
    assert {file: length for file, length in lengths.items() if length > MOST_LINES} == {}


def python_files() -> list[Path]:
    """Return the project's Python files, relative to its folder, without those of environments and caches."""
    found = []
    for folder, subfolders, files in os.walk(ROOT):
        subfolders[:] = [name for name in subfolders if not name.startswith(".") and name not in SKIPPED_FOLDERS]
        found += [Path(folder, name).relative_to(ROOT) for name in files if name.endswith(".py")]
    return sorted(found)


def parse(file: Path) -> ast.Module:
    """Return the syntax tree of a file of the project."""
    return ast.parse((ROOT / file).read_text(), filename=str(file))


def longest_prefix(file: Path, places: dict[str, set[str]]) -> str | None:
    """Return the most specific of `places` that a file lies in, or None."""
    return max((place for place in places if file.is_relative_to(place)), key=len, default=None)


def package_path(file: Path) -> list[str]:
    """Return the names that lead to a module: the file's path, from below `src` where there is one."""
    parts = list(file.parts)
    return parts[parts.index("src") + 1 :] if "src" in parts else parts


def imported_modules(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of all that a file imports, at its top or inside functions.

    `from infra import platform` counts as `infra.platform`. Names given to `import_module` are found where they are
    written out; relative imports are resolved from the file's place below the project's folder.
    """
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            package = package_path(file)[: -node.level] if node.level else []
            module = ".".join(package + ([node.module] if node.module else []))
            for name in node.names:
                yield node.lineno, f"{module}.{name.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value
