"""`yard cost`: what a stack costs by its preview, without credentials; and what another plan costs more or less."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from planning.cost.difference import CostDifference
    from planning.cost.estimate import PlanCost
    from planning.cost.plan import Plan
    from planning.cost.usage import Usage
    from planning.prices.book import PriceBook

_STANDARD_INPUT = "-"


def cost(
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    document: Annotated[
        str, typer.Option("--document", "-d", help="A stored preview document (JSON), or - for one on standard input.")
    ] = "",
    against: Annotated[
        str, typer.Option("--against", help="Show the difference to a stored preview document, or to another stack.")
    ] = "",
    change: Annotated[
        bool, typer.Option("--change", help="Show the difference to what is deployed, by the same preview.")
    ] = False,
    usage: Annotated[
        list[str] | None,
        typer.Option("--usage", "-u", metavar="KEY=VALUE", help="Assume something else; may be given several times."),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", "-l", help="Show every line with its price and source.")] = False,
    json: options.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
) -> int:
    """Show what a stack costs an hour, a month and a run.

    Line by line, from its preview. Needs no credentials.
    """
    if against and change:
        raise CommandError("--against and --change exclude each other", ExitStatus.CONFIGURATION)
    if json and markdown:
        raise CommandError("--json and --markdown exclude each other", ExitStatus.CONFIGURATION)
    folder = find_project_folder(directory)
    from planning.cost.difference import difference, price_change
    from planning.cost.estimate import price_plan
    from planning.prices.refreshed import project_book

    book = project_book(folder)
    changes = _changes(usage or [])
    title = document or stack
    plan = _read_document(document) if document else _preview(folder, stack)
    assumed = _assumed(plan, changes)
    cost = price_plan(plan, book, assumed)
    if not against and not change:
        if not cost.unseen:
            _check_pools(changes, cost.pools)
        _show_cost(cost, title, lines=lines, json=json, markdown=markdown)
        return ExitStatus.SUCCESS
    if change:
        found, other_title = price_change(plan, book, assumed), "what is deployed"
    else:
        found, other_title = difference(_cost_of_other(folder, against, book, changes), cost), against
    if not (found.before.unseen or found.after.unseen):
        _check_pools(changes, (*found.after.pools, *found.before.pools))
    _show_difference(found, f"{title} against {other_title}", json=json, markdown=markdown)
    return ExitStatus.SUCCESS


def _cost_of_other(folder: Path, against: str, book: "PriceBook", changes: dict[str, str]) -> "PlanCost":
    from planning.cost.estimate import price_plan

    is_file = against == _STANDARD_INPUT or Path(against).is_file()
    if not is_file and not any((folder / f"Pulumi.{against}.{end}").is_file() for end in ("yaml", "yml")):
        raise CommandError(
            f"--against is {against!r}: must be a file, or a stack with a Pulumi.STACK.yaml", ExitStatus.CONFIGURATION
        )
    plan = _read_document(against) if is_file else _preview(folder, against)
    return price_plan(plan, book, _assumed(plan, changes))


def _assumed(plan: "Plan", changes: dict[str, str]) -> "Usage":
    from planning.cost.usage import Usage

    return Usage.from_config(plan.config).replaced(changes)


def _changes(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise CommandError(
                f"--usage is {text!r}: must be KEY=VALUE, such as dataset_gib=500", ExitStatus.CONFIGURATION
            )
        found[name.strip()] = value.strip()
    return found


def _check_pools(changes: dict[str, str], pools: tuple[str, ...]) -> None:
    """A stack's settings may name a pool that it has at times only; on the command line such a name is a mistake."""
    from planning.cost.usage import POOLS

    known = f"no such pool; the pools are {', '.join(dict.fromkeys(pools))}" if pools else "no pool of nodes"
    wrong = [
        f"--usage is '{name}={value}': there is {known}"
        for name, value in changes.items()
        if name.startswith(f"{POOLS}.") and name.removeprefix(f"{POOLS}.") not in pools
    ]
    if wrong:
        raise CommandError("\n".join(wrong), ExitStatus.CONFIGURATION)


def _read_document(name: str) -> "Plan":
    from planning.cost.plan import read_plan

    try:
        text = sys.stdin.read() if name == _STANDARD_INPUT else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: cannot be read: {error}", ExitStatus.CONFIGURATION) from None
    return read_plan(text)


def _preview(folder: Path, stack: str) -> "Plan":
    """The plan of a stack with what stays as it is, which a preview document leaves out."""
    from cli.deploying import Options, make_request
    from engine.events import Diagnostic, Event, Severity, StepStarted
    from engine.session import run
    from engine.urn import is_default_provider
    from engine.values import as_json
    from planning.cost.plan import read_plan

    events: list[Event] = []
    request = make_request(Options(folder, stack), "update", dry_run=True, every_state=True)
    finished = run(request, events.append)
    if finished.outcome != "succeeded":
        for event in events:
            if isinstance(event, Diagnostic) and event.severity == Severity.ERROR:
                typer.echo(event.message.rstrip(), err=True)
        cancelled = finished.outcome == "cancelled"
        status = ExitStatus.CANCELLED if cancelled else OF_CAUSE.get(finished.cause, ExitStatus.ERROR)
        raise CommandError(f"stack {stack} has no cost, since its preview {finished.outcome}", status)
    steps = [
        {"op": event.operation, "oldState": as_json(event.old_state), "newState": as_json(event.new_state)}
        for event in events
        if isinstance(event, StepStarted) and event.logical and not is_default_provider(event.urn)
    ]
    return read_plan({"config": finished.config, "steps": steps})


def _show_cost(cost: "PlanCost", title: str, *, lines: bool, json: bool, markdown: bool) -> None:
    import datetime

    from cli.json_output import print_json
    from planning.cost.documents import cost_document
    from planning.cost.markdown import cost_markdown

    today = datetime.datetime.now(datetime.UTC).date()
    if json:
        print_json({"stack": title, **cost_document(cost)})
    elif markdown:
        typer.echo(cost_markdown(cost, f"Cost of {title}", today), nl=False)
    else:
        from cli.cost_tables import print_cost

        print_cost(cost, title, today, lines=lines)


def _show_difference(found: "CostDifference", title: str, *, json: bool, markdown: bool) -> None:
    import datetime

    from cli.json_output import print_json
    from planning.cost.documents import difference_document
    from planning.cost.markdown import difference_markdown

    today = datetime.datetime.now(datetime.UTC).date()
    if json:
        print_json({"compared": title, **difference_document(found)})
    elif markdown:
        typer.echo(difference_markdown(found, f"Cost of {title}", today), nl=False)
    else:
        from cli.cost_tables import print_difference

        print_difference(found, title, today)
