"""All commands of `yard` and what they have in common: where the project lies, and how errors end."""

from typing import Any

import typer

from cli import (
    artifacts,
    audit,
    bench,
    bundle,
    cancel,
    compare,
    cost,
    data,
    destroy,
    extend,
    fleet,
    jobs,
    loadtest,
    output,
    policies,
    predict,
    preview,
    prices,
    reap,
    releases,
    render,
    restore,
    runs,
    train,
    up,
)
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from engine.errors import EngineError
from engine.lock import StackLocked
from engine.session import Host
from engine.stack_existence import StackNotFound
from engine.stack_outputs import NothingDeployed
from planning.errors import PlanningError

# Typer brings click along under a private name; of its errors it shows this one's child only.
_USAGE_ERROR: Any = typer.BadParameter.__base__
# Typer turns Ctrl-C into this result of a command, which no command of ours has.
_INTERRUPTED = 130
_STATUS_OF: dict[type[EngineError], ExitStatus] = {
    NothingDeployed: ExitStatus.STACK_NOT_FOUND,
    StackNotFound: ExitStatus.STACK_NOT_FOUND,
    StackLocked: ExitStatus.ERROR,
}

app = typer.Typer(
    name="yard",
    help="Provisions, trains and serves: Trainyard on this machine, and previews of every stack without an account.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("preview")(preview.preview)
app.command("render")(render.render)
app.command("destroy")(destroy.destroy)
app.command("audit")(audit.audit)
app.command("jobs")(jobs.jobs)
app.command("predict")(predict.predict)
app.command("loadtest")(loadtest.loadtest)
app.command("releases")(releases.releases)
app.add_typer(train.app, name="train")
app.add_typer(runs.app, name="runs")
app.add_typer(artifacts.app, name="artifacts")
app.add_typer(bundle.app, name="bundle")
app.command("reap")(reap.reap)
app.command("extend")(extend.extend)
app.command("output")(output.output)
app.command("restore")(restore.restore)
app.command("cancel")(cancel.cancel)
app.command("cost")(cost.cost)
app.command("compare")(compare.compare)
app.add_typer(fleet.app, name="fleet")
app.add_typer(data.app, name="data")
app.add_typer(prices.app, name="prices")
app.command("policies")(policies.policies)
app.command("bench")(bench.bench)


def run(arguments: list[str], host: Host | None) -> int:
    """Runs the command; `host` is a deployment's process, started ahead of time for the commands that deploy."""
    try:
        result = app(arguments, prog_name="yard", standalone_mode=False, obj=host)
    except _USAGE_ERROR as error:
        error.show()
        return ExitStatus.CONFIGURATION
    except typer.Abort:
        typer.echo("yard: stopped", err=True)
        return ExitStatus.CANCELLED
    except CommandError as error:
        typer.echo(f"yard: {error}", err=True)
        return error.status
    except PlanningError as error:
        typer.echo(f"yard: {error}", err=True)
        return ExitStatus.CONFIGURATION
    except EngineError as error:
        typer.echo(f"yard: {error}", err=True)
        return _STATUS_OF.get(type(error), ExitStatus.CONFIGURATION)
    if result == _INTERRUPTED:
        typer.echo("yard: stopped", err=True)
        return ExitStatus.CANCELLED
    return int(result) if isinstance(result, int) else ExitStatus.SUCCESS
