"""Runs that die: `python dying_runs.py` reads lines of JSON, each a list of moments, and answers each with what became.

A run in a fake world begins in a process that is killed at its n-th moment, goes on in another that is killed at its
own, and so on, until one is not killed. Each process is a fork of this one, which has only one thread.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lifecycle.runs.fake_worlds import FakeWorld, MortalFolder, new_run


def live_and_die(project: Path, moments: Sequence[int]) -> dict[str, Any]:
    """One run; each number is the moment at which the next process is killed. What became of it, as JSON."""
    run = new_run(project, MortalFolder)
    world = FakeWorld(project)
    killed = 0
    for moment in [*moments, 0]:
        child = os.fork()
        if not child:
            _live(run, world, moment)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            killed += 1
            continue
        if status:
            return {"failed": status}
        break
    record = run.read()
    files = [Path(record.artifacts_dir, each.name) for each in record.artifacts]
    return {
        "killed": killed,
        "phase": record.phase,
        "outcome": record.outcome,
        "verified": record.artifacts_verified,
        "brought": bool(files) and all(path.is_file() for path in files),
        "left": world.deployed.exists() or world.published.exists(),
        "leftovers": len(record.leftovers),
        "log": world.log(),
    }


def _live(run: MortalFolder, world: FakeWorld, dies_at: int) -> None:
    lived = 0

    def moment() -> None:
        nonlocal lived
        lived += 1
        if lived == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    world.moment = moment
    run.moment = moment  # type: ignore[method-assign]
    try:
        world.go_on(run)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Answers each line of standard input with one of standard output."""
    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(live_and_die(Path(folder), json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
