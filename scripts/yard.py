"""Starts the `yard` command from any folder: what `.venv/bin/yard`, which `make setup` writes, runs."""

import os
import sys

# In place of this script's own folder, which Python puts first on the path. Not by pathlib, which is slow to import.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120

if __name__ == "__main__":
    try:
        from cli.main import main_and_exit

        main_and_exit()
    except KeyboardInterrupt:
        # Before or after the command itself, which ends on Ctrl-C in its own way.
        print("yard: stopped", file=sys.stderr)
        sys.exit(8)  # ExitStatus.CANCELLED, which may not be imported yet
