"""`yard prices`: the price book that plans are made with: what is in it, how old it is, and the clouds' own prices."""

import datetime
import warnings
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from planning.prices.book import PriceBook
    from planning.prices.live import Source
    from planning.prices.model import Cloud as CloudName

app = typer.Typer(help="The price book, and the clouds' own prices.", no_args_is_help=True, rich_markup_mode=None)


class Cloud(StrEnum):
    """The clouds that a book can have prices of."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    ALIBABA = "alibaba"
    TENCENT = "tencent"
    HUAWEI = "huawei"


class LiveCloud(StrEnum):
    """The clouds that can be asked for their prices."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


class Capacity(StrEnum):
    """How instances are bought."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVED = "reserved"
    FLEX_START = "flex_start"


Regions = Annotated[
    list[str] | None, typer.Option("--region", "-r", help="Only this region; may be given several times.")
]


@app.callback()
def prices() -> None:
    """The price book, and the clouds' own prices."""


@app.command("list")
def list_prices(
    directory: options.Directory = Path(),
    cloud: Annotated[
        list[Cloud] | None, typer.Option("--cloud", "-c", help="Only this cloud; may be given several times.")
    ] = None,
    region: Regions = None,
    gpu: Annotated[
        list[str] | None, typer.Option("--gpu", "-g", help="Only this model of GPU; may be given several times.")
    ] = None,
    capacity: Annotated[
        list[Capacity] | None,
        typer.Option("--capacity", help="Only what is bought in this way; may be given several times."),
    ] = None,
    dated: Annotated[bool, typer.Option("--dated", help="Show prices too that are too old to plan with.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many lines to print; 0: all.")] = 30,
    json: options.Json = False,
) -> int:
    """List prices of instances, the cheapest GPU first, with their sources."""
    from planning.prices.ageing import usable
    from planning.prices.listing import Wanted, age_of, offers

    book = _book(directory)
    wanted = Wanted(
        clouds=[each.value for each in cloud or ()],
        regions=region or (),
        gpus=gpu or (),
        capacities=[each.value for each in capacity or ()],
    )
    found = offers(book if dated else usable(book)[0], wanted)
    age = age_of(book, _today())
    from cli import prices_display as display

    if json:
        document = {"book": display.age_document(age), "prices": [display.offer_document(each) for each in found]}
        print_json(document)
        return ExitStatus.SUCCESS
    if found:
        display.print_offers(found, limit)
    else:
        typer.echo("The book has no such price.\n")
    display.print_age(age)
    return ExitStatus.SUCCESS


@app.command("show")
def show(
    instance_type: Annotated[str, typer.Argument(metavar="TYPE", help="An instance type, such as p5.48xlarge.")],
    directory: options.Directory = Path(),
    json: options.Json = False,
) -> int:
    """Show the facts of an instance type, and all its prices with their sources."""
    from planning.prices.listing import age_of, offers_of

    book = _book(directory)
    found = offers_of(book, instance_type)
    if not found:
        raise CommandError(_unknown_type(book, instance_type), ExitStatus.CONFIGURATION)
    age = age_of(book, _today())
    from cli import prices_display as display

    if json:
        types = [
            display.type_document(each) | {"prices": [display.offer_document(offer) for offer in its]}
            for each, its in found
        ]
        print_json({"book": display.age_document(age), "types": types})
        return ExitStatus.SUCCESS
    for each, its in found:
        display.print_type(each, its)
    display.print_age(age)
    return ExitStatus.SUCCESS


@app.command("age")
def age(directory: options.Directory = Path(), json: options.Json = False) -> int:
    """Show how old the book is, what is too old to plan with, and which clouds have no price with a source."""
    from planning.prices.listing import age_of

    found = age_of(_book(directory), _today())
    from cli import prices_display as display

    if json:
        print_json(display.age_document(found))
    else:
        display.print_age(found)
    return ExitStatus.SUCCESS


@app.command("refresh")
def refresh(
    directory: options.Directory = Path(),
    cloud: Annotated[
        list[LiveCloud] | None, typer.Option("--cloud", "-c", help="Ask this cloud only; may be given several times.")
    ] = None,
    region: Regions = None,
    gcp_endpoint: Annotated[
        str,
        typer.Option(envvar="TRAINYARD_GCP_PRICES_URL", help="Ask another address.", show_default="Google Cloud's own"),
    ] = "",
    azure_endpoint: Annotated[
        str, typer.Option(envvar="TRAINYARD_AZURE_PRICES_URL", help="Ask another address.", show_default="Azure's own")
    ] = "",
    json: options.Json = False,
) -> int:
    """Ask the clouds for their prices, and keep the answers for this project.

    Needs credentials of AWS (pricing:GetProducts, ec2:DescribeSpotPriceHistory) and of Google Cloud (application
    default credentials); Azure's prices are public. A cloud that cannot be asked is told and skipped, and the exit code
    is 1. Without --region: all regions that the book has prices for.
    """
    from planning.prices.refresh import refresh as ask_all

    folder = find_project_folder(directory)
    chosen = [each.value for each in cloud or LiveCloud]
    from cli import prices_display as display
    from cli.moving_line import MovingLine

    with MovingLine("prices") as line:
        outcomes = ask_all(
            folder,
            _sources(chosen, gcp_endpoint, azure_endpoint),
            region or (),
            _today(),
            lambda cloud, text: line.show(f"{cloud} {text}"),
        )
    if json:
        print_json([display.outcome_document(each) for each in outcomes])
    else:
        display.print_outcomes(outcomes)
        if not outcomes:
            typer.echo("None of the clouds has these regions: nothing was asked.")
    return ExitStatus.ERROR if any(each.failure for each in outcomes) or not outcomes else ExitStatus.SUCCESS


def _book(directory: Path) -> "PriceBook":
    from planning.prices.refreshed import project_book

    return project_book(find_project_folder(directory))


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _unknown_type(book: "PriceBook", name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [each.name for each in book.types], n=5)
    hint = f"; did you mean {', '.join(close)}?" if close else "; 'yard prices list --limit 0' shows what there is"
    return f"the price book knows no instance type {name!r}{hint}"


def _sources(chosen: list[str], gcp_endpoint: str, azure_endpoint: str) -> "dict[CloudName, Source]":
    """How to ask the clouds. Their clients take a while to import: only those that are used are."""
    sources: dict[CloudName, Source] = {}
    if LiveCloud.AWS in chosen:
        from planning.prices.live_aws import ask_aws

        sources["aws"] = ask_aws
    if LiveCloud.GCP in chosen:
        with warnings.catch_warnings():
            # Which versions of Python can be used is for this project to tell.
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core\b")
            from planning.prices import live_gcp

        sources["gcp"] = lambda question: live_gcp.ask_gcp(question, gcp_endpoint or live_gcp.ENDPOINT)
    if LiveCloud.AZURE in chosen:
        from planning.prices import live_azure

        sources["azure"] = lambda question: live_azure.ask_azure(question, azure_endpoint or live_azure.ENDPOINT)
    return sources
