"""`yard train`: ephemeral runs of a stack, and training jobs on this machine, SageMaker or Vertex AI.

`yard train -s STACK` makes a stack, trains, fetches and destroys; the group's commands need no stack. `yard jobs` is
about the jobs in a stack's cluster.
"""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typing_extensions import override

from cli import options, train_fetch, train_follow, train_list, train_status, train_stop, train_submit
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.train_run import DEFAULT_HOURS, RunOptions, begin_run, resume_run

_RESUME = "--resume"


class _Train(TyperGroup):
    """A group whose `--resume` may stand without a run: then the only unfinished one is meant."""

    @override
    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        for position, word in enumerate(args):
            if word == _RESUME and (position + 1 == len(args) or args[position + 1].startswith("-")):
                args = [*args[:position], f"{_RESUME}=", *args[position + 1 :]]
                break
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Runs that make and destroy their stack, and jobs without one.",
    cls=_Train,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def train(
    context: typer.Context,
    stack: Annotated[
        str, typer.Option("--stack", "-s", help="The stack to make, train on and destroy.", show_default=False)
    ] = "",
    directory: options.Directory = Path(),
    max_hours: Annotated[
        float, typer.Option("--max-hours", help="Stop after so long, everything counted.")
    ] = DEFAULT_HOURS,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", metavar="USD", help="What the run may cost.", show_default="the worst case, confirmed"
        ),
    ] = None,
    fetch: Annotated[
        Path | None,
        typer.Option(
            "--fetch",
            metavar="DIR",
            help="Where to bring the artifacts, in clear text.",
            file_okay=False,
            show_default="the run's folder",
        ),
    ] = None,
    with_service: Annotated[bool, typer.Option("--with-service", help="Deploy the inference service, too.")] = False,
    policy_packs: options.PolicyPacks = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on without this terminal; a cloud's stack in CI.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(_RESUME, metavar="[ID]", help="Go on with a run that was cut off.", show_default=False),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--override", metavar="NAME", help="unverified-artifacts: destroy even if nothing could be fetched."
        ),
    ] = None,
    yes: options.Yes = False,
) -> int | None:
    """Runs that make and destroy their stack, and jobs without one.

    yard train -s STACK: account and budget guard, up, follow the job, fetch and verify, destroy, audit.
    """
    if context.invoked_subcommand is not None:
        if stack or resume is not None:
            word = "--stack" if stack else _RESUME
            raise CommandError(
                f"{word} and {context.invoked_subcommand} exclude each other: {context.invoked_subcommand} is about "
                "jobs without a stack",
                ExitStatus.CONFIGURATION,
            )
        return None
    if bool(stack) == (resume is not None):
        raise CommandError(
            "give --stack STACK for a new run, or --resume [ID] to go on with one", ExitStatus.CONFIGURATION
        )
    chosen = RunOptions(
        directory=directory,
        stack=stack,
        max_hours=max_hours,
        max_cost=max_cost,
        fetch=fetch,
        with_service=with_service,
        policy_packs=tuple(policy_packs or ()),
        detach=detach,
        yes=yes,
        overrides=tuple(override or ()),
    )
    return begin_run(chosen) if resume is None else resume_run(chosen, resume)


app.command("submit")(train_submit.submit)
app.command("list")(train_list.list_jobs)
app.command("status")(train_status.status)
app.command("follow")(train_follow.follow)
app.command("stop")(train_stop.stop)
app.command("fetch")(train_fetch.fetch)
