"""Starts the `yard` command from any folder: what `.venv/bin/yard`, which `make setup` writes, runs."""

import os
import sys

# In place of this script's own folder, which Python puts first on the path. Not by pathlib, which is slow to import.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120

from cli.main import main_and_exit  # noqa: E402  # found through the path above

if __name__ == "__main__":
    main_and_exit()
