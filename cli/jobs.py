"""`yard jobs`: what the jobs in a cluster are doing, and why one that waits does."""

import json as json_module
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from cli.job_states import JobState

_SECONDS = 60
_KINDS = ("jobs.batch", "pods", "workloads.kueue.x-k8s.io")


def jobs(
    team: Annotated[
        str, typer.Option("--team", "-t", help="The team whose jobs are shown: its namespace.")
    ] = "trainyard",
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig",
            help="How to reach the cluster, such as what `yard output kubeconfig --show-secrets` prints.",
            dir_okay=False,
            show_default="kubectl's own",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Show the jobs in a cluster, and why one waits.

    Asks the cluster through kubectl, with no more rights than a member of the team has.
    """
    from cli.job_states import job_states

    states = job_states(_objects(team, kubeconfig))
    if json:
        from cli.json_output import print_json

        print_json({"team": team, "jobs": [asdict(state) for state in states]})
    else:
        _print_table(team, states)
    return ExitStatus.SUCCESS


def _objects(team: str, kubeconfig: Path | None) -> list[Mapping[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise CommandError("kubectl is not on PATH; https://kubernetes.io/docs/tasks/tools/ says how to install it")
    objects: list[Mapping[str, Any]] = []
    for kind in _KINDS:
        command = [kubectl, "get", kind, f"--namespace={team}", "--output=json", f"--request-timeout={_SECONDS}s"]
        command += [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # A cluster without Kueue has no queues.
        if done.returncode and "the server doesn't have a resource type" not in done.stderr:
            said = done.stderr.strip().splitlines()
            raise CommandError(f"the cluster did not tell the {kind} of {team}: {said[-1] if said else 'no answer'}")
        objects += json_module.loads(done.stdout)["items"] if done.stdout else []
    return objects


def _print_table(team: str, states: "list[JobState]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cli.tables import print_whole, say

    console = Console(highlight=False)
    if not states:
        say(console, f"There is no job in {team}.")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("job", "state", "queue", "pods", "interruptions", "nodes"):
        table.add_column(title, justify="right" if title == "interruptions" else "left")
    for state in states:
        pods = f"{state.running} of {state.pods}"
        table.add_row(
            state.name, state.state, state.queue or "-", pods, str(state.interruptions), ", ".join(state.nodes) or "-"
        )
    print_whole(console, table)
    for state in states:
        if state.reason:
            say(console, f"{state.name}: {state.reason}")
