"""Runs that go on when the terminal closes: in a session of their own on this machine, in CI for a cloud."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lifecycle.runs.errors import RunError
from lifecycle.runs.folder import RunFolder

WORKFLOW = "train.yml"


def start_detached(folder: RunFolder, yard: Sequence[str], *, options: Sequence[str] = ()) -> int:
    """Starts `yard train --resume ID` in a session of its own, its output in the run's log; its process id.

    :param yard: The command line of `yard`.
    :param options: Further options of `yard train`.
    """
    command = [*yard, "train", "--resume", folder.id, "--cwd", str(folder.directory), "--yes", *options]
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid


def workflow_command(stack: str, hours: float, cost_usd: float | None, *, with_service: bool) -> list[str]:
    """The command that starts a run in CI, where it has credentials of its own. Pure."""
    command = ["gh", "workflow", "run", WORKFLOW, "-f", f"stack={stack}", "-f", f"max_hours={hours:g}"]
    command += [] if cost_usd is None else ["-f", f"max_cost={cost_usd:g}"]
    return command + (["-f", "with_service=true"] if with_service else [])


def start_workflow(directory: Path, command: Sequence[str]) -> None:
    """Runs the command in the project. Raises RunError where it is not there, or fails."""
    if shutil.which(command[0]) is None:
        raise RunError(
            f"a detached run of a stack in a cloud runs in CI, and there is no {command[0]} on PATH to start it: "
            f"install it (https://cli.github.com), or run:  {' '.join(command)}"
        )
    done = subprocess.run(command, cwd=directory, check=False, env=dict(os.environ))
    if done.returncode != 0:
        raise RunError(f"{' '.join(command)} ended with exit code {done.returncode}: the run was not started")


def yard_command() -> list[str]:
    """The command line by which this process was started as `yard`."""
    return [sys.executable, str(Path(sys.argv[0]).absolute())]
