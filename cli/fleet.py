"""`yard fleet`: which GPUs to rent, where, and how; simulated and scheduled over time by its subcommands."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import fleet_schedule, fleet_simulate, options
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.project_folder import find_project_folder
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.fleet.uniform import Aim
    from planning.fleet.work import Work
    from planning.prices.book import PriceBook

app = typer.Typer(help="Which GPUs to rent, where, and how.", rich_markup_mode=None)
app.command("simulate")(fleet_simulate.simulate)
app.command("schedule")(fleet_schedule.schedule)

Words = list[str] | None


class Minimise(StrEnum):
    """What is to be least."""

    COST = "cost"
    TIME = "time"


@app.callback(invoke_without_command=True)
def fleet(
    context: typer.Context,
    work: Annotated[
        Path | None, typer.Option("--work", help="The work in YAML or JSON; options override it.", dir_okay=False)
    ] = None,
    gpu_hours: Annotated[float | None, typer.Option("--gpu-hours", help="Work, in hours of one reference GPU.")] = None,
    reference_gpu: Annotated[
        str | None, typer.Option("--reference-gpu", help="What --gpu-hours is meant for.", show_default="A100")
    ] = None,
    samples: Annotated[float | None, typer.Option("--samples", help="Work, in samples; needs --measured.")] = None,
    measured: Annotated[
        Words, typer.Option("--measured", metavar="GPU=RATE", help="Samples a second of one GPU; several times.")
    ] = None,
    compute_share: Annotated[
        float | None,
        typer.Option(
            "--compute-share", help="Share of arithmetic in the time, for GPUs not measured.", show_default="0.5"
        ),
    ] = None,
    synchronous: Annotated[
        bool, typer.Option("--synchronous", help="One job on all nodes together, not pieces that any node can do.")
    ] = False,
    scaling_loss: Annotated[
        float | None, typer.Option("--scaling-loss", help="Share that each further node costs; with --synchronous.")
    ] = None,
    deadline: Annotated[str | None, typer.Option("--deadline", help="When it must be done, such as 48h or 2d.")] = None,
    budget: Annotated[float | None, typer.Option("--budget", metavar="USD", help="Most that it may cost.")] = None,
    minimise: Annotated[
        Minimise, typer.Option("--minimise", help="The cost by the deadline, or the time within the budget.")
    ] = Minimise.COST,
    max_nodes: Annotated[int | None, typer.Option("--max-nodes", help="Most nodes at once.", show_default="64")] = None,
    quotas: Annotated[
        Words,
        typer.Option(
            "--quota",
            metavar="CLOUD:REGION:WHAT:CAPACITY=N[UNIT]",
            help="Most at once; * is any, UNIT gpus, vcpus or nodes: aws:us-east-1:g5:spot=64vcpus. Several times.",
        ),
    ] = None,
    gpu_memory: Annotated[float | None, typer.Option("--gpu-memory", metavar="GIB", help="Least of each GPU.")] = None,
    gpus_per_node: Annotated[int | None, typer.Option("--gpus-per-node", help="Least.")] = None,
    needs: Annotated[
        Words, typer.Option("--need", help="nvlink (within a node) or rdma (between nodes); several times.")
    ] = None,
    clouds: Annotated[Words, typer.Option("--cloud", help="Only this one; several times for more.")] = None,
    regions: Annotated[Words, typer.Option("--region", help="Only this one; several times.")] = None,
    capacities: Annotated[
        Words, typer.Option("--capacity", help="Only on_demand, spot, reserved or flex_start; several times.")
    ] = None,
    gpus: Annotated[Words, typer.Option("--gpu", help="Only this model; several times.")] = None,
    types: Annotated[Words, typer.Option("--type", help="Only this instance type; several times.")] = None,
    without_types: Annotated[Words, typer.Option("--without-type", help="Not this one; several times.")] = None,
    one_region: Annotated[
        bool | None,
        typer.Option("--one-region/--several-regions", help="Whether all nodes share one.", show_default="one"),
    ] = None,
    max_share: Annotated[
        float | None, typer.Option("--max-share", help="Most of the work for one type in one zone.", show_default="1")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="CLOUD:REGION", help="Where the data lies.")] = None,
    data_gb: Annotated[float | None, typer.Option("--data-gb", metavar="GB", help="Data to bring.")] = None,
    result_gb: Annotated[float | None, typer.Option("--result-gb", metavar="GB", help="Results to bring back.")] = None,
    storage_gb: Annotated[
        float | None,
        typer.Option("--storage-gb", metavar="GB", help="Object storage.", show_default="moved data, results"),
    ] = None,
    checkpoint_seconds: Annotated[
        float | None, typer.Option("--checkpoint-seconds", help="To write one.", show_default="60")
    ] = None,
    restart_seconds: Annotated[
        float | None, typer.Option("--restart-seconds", help="After an interruption.", show_default="300")
    ] = None,
    interruptions: Annotated[
        float | None,
        typer.Option("--interruptions-per-hour", help="Of one spot node.", show_default="the price book's band"),
    ] = None,
    pareto: Annotated[bool, typer.Option("--pareto", help="Fleets that none is cheaper and earlier than.")] = False,
    picture: options.Picture = None,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Largest gap to the optimum, as a share.")] = 1e-3,
    seconds: Annotated[float, typer.Option("--seconds", help="Time limit of each search.")] = 20.0,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Write the fleet to a stack file as GPU pools.", dir_okay=False),
    ] = None,
    reservation: Annotated[
        str,
        typer.Option(
            "--reservation", metavar="ID[@ZONE]", help="The capacity block (AWS) or reservation of a reserved fleet."
        ),
    ] = "",
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """Choose how many of which instances to rent, where, and bought how: the least expected cost by a deadline.

    The answer explains itself, and says how far from the optimum it can be. docs/fleet.md tells what is modelled. A
    file of --work has the fields that it lists. --picture draws what --pareto prints, and may be a page too (.html).
    """
    if context.invoked_subcommand is not None:
        return ExitStatus.SUCCESS
    from planning.documents import as_mapping, read_document
    from planning.fleet.work_document import parse_pairs, parse_work

    given: dict[str, Any] = {
        "gpu_hours": gpu_hours,
        "reference_gpu": reference_gpu,
        "samples": samples,
        "measured": parse_pairs("measured", measured) if measured else None,
        "compute_share": compute_share,
        "coupling": "synchronous" if synchronous else None,
        "scaling_loss": scaling_loss,
        "deadline_hours": deadline,
        "budget_usd": budget,
        "max_nodes": max_nodes,
        "quotas": quotas,
        "gpu_memory_gib": gpu_memory,
        "min_gpus_per_node": gpus_per_node,
        "needs": needs,
        "clouds": clouds,
        "regions": regions,
        "capacities": capacities,
        "gpus": gpus,
        "instance_types": types,
        "without_types": without_types,
        "one_region": one_region,
        "max_share": max_share,
        "data": data,
        "data_gb": data_gb,
        "result_gb": result_gb,
        "storage_gb": storage_gb,
        "checkpoint_seconds": checkpoint_seconds,
        "restart_seconds": restart_seconds,
        "interruptions_per_hour": interruptions,
    }
    document = dict(as_mapping(read_document(work, "--work"), f"--work = {str(work)!r}")) if work else {}
    document |= {name: value for name, value in given.items() if value not in (None, [])}
    asked = parse_work(document)
    _check(pareto=pareto, picture=picture, write=write, tolerance=tolerance, seconds=seconds)
    if reservation and write is None:
        raise PlanningError(f"reservation = {reservation!r}: needs --write, whose pools it is for")
    folder = find_project_folder(directory)
    if pareto or picture:
        return _front(asked, folder, picture, tolerance=tolerance, seconds=seconds, json=json)
    return _answer(asked, folder, minimise.value, write, reservation, tolerance=tolerance, seconds=seconds, json=json)


def _check(*, pareto: bool, picture: Path | None, write: Path | None, tolerance: float, seconds: float) -> None:
    from planning.quantities import above, between

    between("tolerance", tolerance, 1e-6, 0.5)
    above("seconds", seconds, 0)
    if write and (pareto or picture):
        raise PlanningError(f"write = {str(write)!r}: needs one fleet, and --pareto and --picture show several")
    if picture:
        from planning.fleet.picture import ENDINGS
        from planning.pictures import check_picture_path

        check_picture_path(picture, ENDINGS)


def _book(folder: Path) -> "tuple[PriceBook, int]":
    """The project's price book without what is too old to plan with, and how many prices that is."""
    from planning.prices.ageing import usable
    from planning.prices.refreshed import project_book

    book, dated = usable(project_book(folder))
    return book, len(dated)


def _answer(
    work: "Work",
    folder: Path,
    aim: "Aim",
    write: Path | None,
    reservation: str,
    *,
    tolerance: float,
    seconds: float,
    json: bool,
) -> int:
    from cli.fleet_stack_file import open_stack_file
    from cli.fleet_tables import print_answer
    from planning.fleet.baseline import baselines
    from planning.fleet.explanation import explain
    from planning.fleet.optimise import choose
    from planning.fleet.report import answer_document

    stack = open_stack_file(write) if write else None
    book, dated = _book(folder)
    chosen = choose(work, book, aim=aim, tolerance=tolerance, seconds=seconds)
    if chosen is None:
        raise _infeasible(work, book)
    plan = chosen.plan
    explanation = explain(plan, book, aim=aim, seconds=min(seconds, 5.0))
    compared = baselines(work, book, aim=aim, seconds=seconds)
    replaced = stack.write(plan, reservation) if stack else ()
    if json:
        document = answer_document(plan, explanation, compared, book, aim=aim, dated=dated)
        if stack:
            document["written"] = {"file": str(stack.path), "replaced_pools": list(replaced)}
        print_json(document)
        return ExitStatus.SUCCESS
    print_answer(plan, explanation, compared, aim=aim, as_of=book.as_of.isoformat(), dated=dated)
    if stack:
        before = f" in place of {', '.join(replaced)}" if replaced else ""
        typer.echo(f"\nWritten to {stack.path} as {stack.pools_setting}{before}.")
    return ExitStatus.SUCCESS


def _front(work: "Work", folder: Path, picture: Path | None, *, tolerance: float, seconds: float, json: bool) -> int:
    from cli.fleet_tables import print_front
    from planning.fleet.pareto import pareto_front
    from planning.fleet.report import front_document

    book, dated = _book(folder)
    plans = pareto_front(work, book, tolerance=tolerance, seconds=seconds)
    if not plans:
        raise _infeasible(work, book)
    as_of = book.as_of.isoformat()
    if json:
        print_json(front_document(plans, book))
    else:
        print_front(plans, as_of=as_of, dated=dated)
    if picture:
        from cli.picture_file import write_picture
        from planning.fleet.picture import draw_front

        write_picture(picture, draw_front(plans, picture.suffix, as_of=as_of), json=json)
    return ExitStatus.SUCCESS


def _infeasible(work: "Work", book: "PriceBook") -> PlanningError:
    """The error for work that no fleet does, with what would be enough."""
    from planning.fleet.plan import NoFleet
    from planning.fleet.relaxation import in_words

    return NoFleet(in_words(work, book))
