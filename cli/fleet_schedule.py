"""`yard fleet schedule`: which job runs where and when on a given fleet, by several schedulers, in simulation."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json


def schedule(
    jobs: Annotated[Path, typer.Argument(help="A file of jobs, YAML or JSON.", dir_okay=False)],
    nodes: Annotated[
        list[str] | None,
        typer.Option("--nodes", help="COUNTxGPUS:GPU_MEMORY_GIB[:MEMORY_GIB] or COUNTxCLOUD:TYPE; several times."),
    ] = None,
    policy: Annotated[
        str, typer.Option("--policy", help="all, optimal, fifo, backfill (EASY) or conservative (backfill).")
    ] = "all",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the local search.")] = 0,
    seconds: Annotated[
        float, typer.Option("--seconds", help="Time limit of each of the exact solver's two steps; 0: without it.")
    ] = 10.0,
    picture: options.Picture = None,
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """Schedule jobs on a given fleet so that its GPUs work, and compare with FIFO and backfill, in simulation.

    docs/scheduling.md shows a file of jobs and explains the figures.
    """
    from planning.documents import read_document
    from planning.jobs.comparison import compare_schedulers
    from planning.jobs.documents import asks_for_book, nodes_in_words, read_workload
    from planning.jobs.report import as_document, print_schedules

    book = None
    if asks_for_book(nodes or []):
        from cli.project_folder import find_project_folder
        from planning.prices.refreshed import project_book

        book = project_book(find_project_folder(directory))
    workload = read_workload(str(jobs), read_document(jobs, "JOBS"), nodes_in_words(nodes or [], book))
    if picture is not None:
        from planning.pictures import check_picture_path

        check_picture_path(picture)
    comparison = compare_schedulers(workload, policy, seed=seed, seconds=seconds)
    if json:
        print_json(as_document(workload, comparison))
    else:
        from rich.console import Console

        print_schedules(workload, comparison, Console())
    if picture is not None:
        from cli.picture_file import write_picture
        from planning.jobs.picture import draw_gantt

        write_picture(picture, draw_gantt(workload, comparison, picture.suffix), json=json)
    return ExitStatus.SUCCESS
