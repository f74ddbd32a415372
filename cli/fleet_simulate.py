"""`yard fleet simulate`: what spot under a deadline would cost by each policy, simulated on availability traces."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.simulation.study import Study
    from planning.simulation.task import Task

DEFAULT_CALIBRATION = "v100x1:us-east-1f"


def simulate(
    work: Annotated[float, typer.Option("--work-hours", help="Hours of computing that the task needs.")],
    deadline: Annotated[float, typer.Option("--deadline-hours", help="Hours from now until it must be done.")],
    changeover: Annotated[
        str, typer.Option("--changeover", help="How long a start takes before work goes on, such as 0.1h or 6m.")
    ] = "0.1h",
    checkpoint: Annotated[
        str,
        typer.Option("--checkpoint", help="Work between checkpoints; 0: the notice before an interruption is enough."),
    ] = "0",
    instance_type: Annotated[
        str,
        typer.Option("--type", "--instance-type", help="Take both prices of CLOUD:REGION:TYPE from the price book."),
    ] = "",
    spot_price: Annotated[float | None, typer.Option("--spot-price", help="US dollars an hour.")] = None,
    on_demand_price: Annotated[float | None, typer.Option("--on-demand-price", help="US dollars an hour.")] = None,
    instances: Annotated[int, typer.Option("--instances", help="How many instances start and stop together.")] = 1,
    trace: Annotated[
        list[Path] | None, typer.Option("--trace", help="A trace file; may be given several times.", dir_okay=False)
    ] = None,
    generate: Annotated[
        str, typer.Option("--generate", help="Generate traces by a calibration.", show_default=DEFAULT_CALIBRATION)
    ] = "",
    traces: Annotated[int, typer.Option("--traces", help="How many runs, at most.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the generated traces.")] = 7,
    picture: options.Picture = None,
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """Simulate spot under a deadline: what each policy costs, and how often it is late.

    Compares always on demand, greedy spot, Uniform Progress (NSDI 2024), the policy of least expected cost, and spot
    without a fallback, on availability traces from files or generated ones. docs/scheduling.md explains them.
    """
    from planning import quantities
    from planning.simulation.durations import hours_of
    from planning.simulation.report import as_document, print_study
    from planning.simulation.task import Task

    quantities.whole("--instances", instances, 1)
    spot, on_demand, priced = _prices(instance_type, spot_price, on_demand_price, directory)
    task = Task(
        work_hours=work,
        deadline_hours=deadline,
        changeover_hours=hours_of("--changeover", changeover),
        checkpoint_hours=hours_of("--checkpoint", checkpoint),
        spot_usd_per_hour=spot * instances,
        on_demand_usd_per_hour=on_demand * instances,
    )
    if picture is not None:
        from planning.pictures import check_picture_path

        check_picture_path(picture)
    study = _study(task, trace or [], generate, instances, traces, seed)
    if instance_type:
        study = dataclasses.replace(study, sources=(*study.sources, priced, *_caveat(instance_type, trace)))
    if json:
        print_json(as_document(task, study))
    else:
        from rich.console import Console

        print_study(task, study, Console())
    if picture is not None:
        from cli.picture_file import write_picture
        from planning.simulation.picture import draw_study

        write_picture(picture, draw_study(task, study, picture.suffix), json=json)
    return ExitStatus.SUCCESS


def _study(task: "Task", files: list[Path], calibration: str, instances: int, traces: int, seed: int) -> "Study":
    from planning import quantities
    from planning.simulation.calibration import CALIBRATIONS
    from planning.simulation.study import study_generated, study_traces
    from planning.simulation.trace_files import read_trace

    if files and calibration:
        raise PlanningError(f"--generate = {calibration!r}: must be left out where --trace is given")
    if files:
        return study_traces(task, [read_trace(path, instances) for path in files], traces)
    name = quantities.one_of("--generate", calibration or DEFAULT_CALIBRATION, tuple(CALIBRATIONS))
    return study_generated(task, CALIBRATIONS[name], traces, seed)


def _caveat(instance_type: str, files: list[Path] | None) -> tuple[str, ...]:
    if files:
        return ()
    return (
        f"availability is not that of {instance_type.rpartition(':')[2]}: for that, give a trace of it with --trace",
    )


def _prices(
    instance_type: str, spot: float | None, on_demand: float | None, directory: Path
) -> tuple[float, float, str]:
    """The prices of one instance, given or from the book, and what to say of the book's."""
    if instance_type and (spot is not None or on_demand is not None):
        raise PlanningError(
            f"--type = {instance_type!r}: must be left out where prices are given, or the other way round"
        )
    if instance_type:
        from cli.project_folder import find_project_folder
        from planning.prices.refreshed import project_book
        from planning.simulation.prices import prices_in_words, prices_of

        found = prices_of(project_book(find_project_folder(directory)), instance_type)
        return found[0].usd_per_hour, found[1].usd_per_hour, prices_in_words(*found)
    if spot is None or on_demand is None:
        raise PlanningError(
            "--spot-price and --on-demand-price: both are needed, in US dollars an hour; or --type, to take them from "
            "the price book"
        )
    return spot, on_demand, ""
