"""Says how the run of a job stands and whether another job has to go on with it, as a workflow's step outputs.

It goes on where the job's time was over or somebody cancelled it: then `yard train` was asked to hand over. A run that
failed by itself would fail again, so it is left to a person, and to the reaper once it has expired.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HANDED_OVER_SECONDS = 19_000.0
"""A training that ends after so long has been asked to: train.yml does so after 330 minutes."""


def main(arguments: list[str] | None = None) -> int:
    """Prints NAME=VALUE lines, none where there is no run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the folder of all runs, .trainyard/runs")
    parser.add_argument("--began", type=Path, required=True, help="a file that was made when the training began")
    parser.add_argument("--status", required=True, help="the job's: success, failure or cancelled")
    asked = parser.parse_args(arguments)
    records = [json.loads(path.read_text()) for path in asked.runs.glob("*/run.json")]
    if not records:
        print("There is no run.", file=sys.stderr)
        return 0
    record = max(records, key=lambda each: str(each["updated"]))
    seconds = time.time() - asked.began.stat().st_mtime if asked.began.exists() else 0.0
    print(f"run={record['id']}")
    print(f"goes_on={str(goes_on(record, seconds, asked.status)).lower()}")
    return 0


def goes_on(record: Mapping[str, Any], seconds: float, status: str) -> bool:
    """Whether another job has to go on with a run.

    :param seconds: For how long this job has trained.
    """
    return record["phase"] != "done" and (seconds >= HANDED_OVER_SECONDS or status == "cancelled")


if __name__ == "__main__":
    sys.exit(main())
