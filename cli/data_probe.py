"""`yard data probe`: what a bucket really gives from here, measured with objects that are removed again."""

import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.network.measurement import ProbeResult

_SCHEMES = ("s3", "gs")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def probe(
    uri: Annotated[str, typer.Argument(metavar="URI", help="s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.")],
    streams: Annotated[str, typer.Option("--streams", help="Numbers of connections to try.")] = "1,2,4,8,16,32",
    object_mb: Annotated[
        float, typer.Option("--object-mb", help="Size of an object in MB (10^6 bytes), 5 at most.")
    ] = 4.0,
    seconds: Annotated[
        float, typer.Option("--seconds", help="Time for each number of connections and direction.")
    ] = 3.0,
    most_mb: Annotated[float, typer.Option("--most-mb", help="Write, and read, no more than this.")] = 1000.0,
    json: options.Json = False,
) -> int:
    """Measure throughput and latency to a bucket; 'yard data transfer --measured' takes the JSON.

    Writes objects of its own, reads them and removes them, interrupted or not. Costs what the cloud asks for some
    hundred requests and, from outside its region, for the bytes that are read. Credentials and endpoint are those of
    the environment (AWS_REGION, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS and so on).
    """
    levels = _levels(streams)
    parts = urlsplit(uri)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise PlanningError(f"URI = {uri!r}: must be s3://BUCKET/PREFIX or gs://BUCKET/PREFIX")
    from planning.network.measurement import check_levels
    from planning.network.probe import MOST_OBJECT_BYTES, ProbeLeftovers, ProbeStopped
    from planning.network.probe import probe as measure
    from planning.quantities import above, between
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.storage import ObjectStore

    object_bytes = int(between("--object-mb", object_mb, 0.001, MOST_OBJECT_BYTES / 1e6) * 1e6)
    most_bytes = int(above("--most-mb", most_mb, 0.0) * 1e6)
    above("--seconds", seconds, 0.0)
    check_levels(levels, object_bytes, most_bytes)
    try:
        with _stop_on_signals() as stop:
            result = measure(
                ObjectStore(f"{uri.rstrip('/')}/trainyard-probe-{uuid.uuid4().hex}"),
                shown_uri=uri,
                stop=stop,
                streams=levels,
                object_bytes=object_bytes,
                seconds=seconds,
                most_bytes=most_bytes,
                report=lambda text: typer.echo(f"yard: {text}", err=True),
            )
    except ProbeStopped:
        raise CommandError("stopped; what the probe wrote is removed", ExitStatus.CANCELLED) from None
    except (ArtifactError, ProbeLeftovers) as error:
        raise CommandError(str(error)) from None
    if json:
        print_json(result.document())
    else:
        _print(result)
    return ExitStatus.SUCCESS


def _levels(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise PlanningError(
            f"--streams = {text!r}: must be whole numbers with commas between, such as 1,4,16"
        ) from None


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that an interrupt sets. Nothing is raised where it arrives, so that no removal is cut short."""
    stop = threading.Event()

    def note(_number: int, _frame: object) -> None:
        if not stop.is_set():
            typer.echo("yard: stopping once the requests under way have ended", err=True)
        stop.set()

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(result: "ProbeResult") -> None:
    from rich.console import Console

    from cli.data_tables import column_table

    console = Console()
    table = column_table(["connections", "write MB/s", "read MB/s"], left=0)
    for streams in dict.fromkeys(level.streams for level in result.levels):
        reached = {level.direction: level for level in result.levels if level.streams == streams}
        table.add_row(str(streams), *(f"{reached[way].megabytes_per_second:,.1f}" for way in ("write", "read")))
    console.print(table)
    half, most = (result.first_byte_percentile_ms(share) for share in (0.5, 0.95))
    lines = [
        f"first byte: p50 {half:.1f} ms, p95 {most:.1f} ms over {len(result.first_byte_ms)} reads of one byte",
        *(
            f"{way}: {result.best(way).megabytes_per_second:,.1f} MB/s at best; {result.saturating_streams(way)} "
            "connections are enough for 95 % of it"
            for way in ("write", "read")
        ),
        f"{result.bytes_written / 1e6:,.0f} MB written, {result.bytes_read / 1e6:,.0f} MB read, in objects of "
        f"{result.object_bytes / 1e6:g} MB; all of them removed",
        "measured from this machine, whose own network and processors are in the figures",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
