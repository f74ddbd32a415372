"""`yard compare`: scores clouds and regions for a piece of work, and says what each figure rests on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from planning.comparison.report import Comparison


def compare(
    gpu: Annotated[str, typer.Option("--gpu", help="Model of the GPU, such as A100; its variants count too.")] = "",
    gpu_memory: Annotated[
        float | None, typer.Option("--gpu-memory", metavar="GIB", help="The least memory of each GPU, in GiB.")
    ] = None,
    per: Annotated[
        str, typer.Option("--per", help="What prices are for: gpu, memory (GiB), or tflops (peak dense FP16).")
    ] = "",
    clouds: Annotated[
        list[str] | None, typer.Option("--cloud", help="Only this cloud; several times for more.")
    ] = None,
    regions: Annotated[list[str] | None, typer.Option("--region", help="Only this region; several times.")] = None,
    continents: Annotated[
        list[str] | None, typer.Option("--continent", help="Only there, such as Europe; several times.")
    ] = None,
    countries: Annotated[
        list[str] | None, typer.Option("--country", help="Only there, such as DE; several times.")
    ] = None,
    data: Annotated[
        str, typer.Option("--data", metavar="CLOUD:REGION", help="Where the data lies that has to be moved.")
    ] = "",
    data_gb: Annotated[
        float, typer.Option("--data-gb", metavar="GB", help="How much data is moved and stored.")
    ] = 1000,
    users: Annotated[
        str, typer.Option("--users", metavar="CLOUD:REGION", help="The region next to the users, for the distance.")
    ] = "",
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="CRITERION=NUMBER", help="How much one counts; 'others' is all not named."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="Weights in YAML or JSON; --weight overrides it.")
    ] = None,
    min_coverage: Annotated[
        float, typer.Option("--min-coverage", help="The share of the weight that has to be known for a rank.")
    ] = 0.5,
    max_age_days: Annotated[
        int, typer.Option("--max-age-days", help="Older prices are left out, counted from the newest one.")
    ] = 365,
    directory: options.Directory = Path(),
    sources: Annotated[bool, typer.Option("--sources", help="Print every figure's sources too.")] = False,
    json: options.Json = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Draw a page that needs no net, .html.", dir_okay=False),
    ] = None,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw a picture, .png.", dir_okay=False)
    ] = None,
) -> int:
    """Compare clouds and regions, with weights of your own.

    On price, spot, offers, network, storage, egress, data protection and distance.
    """
    from planning.comparison.features import load_features
    from planning.comparison.report import compare as compare_all
    from planning.comparison.request import Request, per_of
    from planning.comparison.weights import make_weights, parse_weights
    from planning.documents import as_mapping, read_document
    from planning.network.places import Place
    from planning.prices.refreshed import project_book

    _check_files(html, png)
    given = [as_mapping(read_document(weights, "--weights"), f"--weights = {str(weights)!r}")] if weights else []
    request = Request(
        gpu=gpu,
        gpu_memory_gib=gpu_memory,
        per=per_of(per),
        clouds=tuple(clouds or ()),
        regions=tuple(regions or ()),
        continents=tuple(continents or ()),
        countries=tuple(countries or ()),
        data=Place.parse(data, "--data") if data else None,
        data_gb=data_gb,
        users=Place.parse(users, "--users") if users else None,
    )
    comparison = compare_all(
        project_book(find_project_folder(directory)),
        load_features(),
        request,
        make_weights(*given, parse_weights(weight or [])),
        max_age_days=max_age_days,
        min_coverage=min_coverage,
    )
    if json:
        from cli.json_output import print_json
        from planning.comparison.rendering.document import as_document

        print_json(as_document(comparison))
    else:
        _print(comparison, sources=sources)
    _write_files(comparison, html, png, json=json)
    return ExitStatus.SUCCESS


def _print(comparison: "Comparison", *, sources: bool) -> None:
    from rich.console import Console

    from cli.compare_table import print_comparison, print_sources

    console = Console()
    print_comparison(comparison, console)
    if sources:
        print_sources(comparison, console)


def _check_files(html: Path | None, png: Path | None) -> None:
    """Refuses files that cannot be written before anything is computed. Raises PlanningError."""
    from planning.pictures import check_picture_path

    if html is not None:
        check_picture_path(html, (".html", ".htm"), option="--html")
    if png is not None:
        check_picture_path(png, (".png",), option="--png")


def _write_files(comparison: "Comparison", html: Path | None, png: Path | None, *, json: bool) -> None:
    """Writes what is asked for, each file at once or not at all."""
    if html is not None:
        from cli.picture_file import write_picture
        from planning.comparison.rendering.page import as_page

        write_picture(html, as_page(comparison).encode("utf-8"), option="--html", json=json)
    if png is not None:
        from cli.picture_file import write_picture
        from planning.comparison.rendering.picture import as_png

        write_picture(png, as_png(comparison), option="--png", json=json)
