"""What a supervisor starts in these tests in place of the training: does what ``plan.json`` beside the job file says.

The plan has an entry for each start: ``print`` a line, then ``exit`` with a code, ``wait`` for SIGTERM and exit with
75, or ``ignore`` SIGTERM.
"""

import json
import signal
import sys
import time
from pathlib import Path


def main(job_file: Path) -> int:
    """Do the plan's next entry."""
    start = len(list(job_file.parent.glob("start-*")))
    (job_file.parent / f"start-{start}").touch()
    entry = json.loads((job_file.parent / "plan.json").read_text())[start]
    stopped: list[int] = []
    if "exit" not in entry:
        signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number) if "wait" in entry else None)
    print(entry.get("print", "began"), flush=True)
    while "exit" not in entry and not stopped:
        time.sleep(0.02)
    return int(entry.get("exit", 75))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[-1])))
