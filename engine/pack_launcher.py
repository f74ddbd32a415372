"""Runs a module as ``python -m`` does, once the packages that policy packs import are there, and sooner.

Started with a policy pack's own interpreter, as ``python pack_launcher.py MODULE ARGUMENT...``. It imports nothing of
this project but the file beside it, and nothing that a pack could notice.
"""

import importlib
import importlib.util
import os
import runpy
import sys
from contextlib import suppress
from types import ModuleType

_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib is slow to import
_PACKAGES = ("pulumi.runtime", "pulumi_policy")


def main() -> None:
    """Imports what the module will, deferring what it will not use, and runs it."""
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(_FOLDER):
        # As `python -m` has it: the folder that the process was started in.
        sys.path[0] = os.getcwd()  # noqa: PTH109
    # Where a package is missing, the module itself says so.
    with _deferring().deferred_imports(), suppress(ImportError):
        for package in _PACKAGES:
            importlib.import_module(package)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _deferring() -> ModuleType:
    path = os.path.join(_FOLDER, "deferred_imports.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location("_deferred_imports", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
