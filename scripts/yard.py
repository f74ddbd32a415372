"""Starts the `yard` command from any folder: what `.venv/bin/yard`, which `make setup` writes, runs."""

import sys
from pathlib import Path

# In place of this script's own folder, which Python puts first on the path.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from cli.main import main  # noqa: E402  # found through the path above

if __name__ == "__main__":
    sys.exit(main())
