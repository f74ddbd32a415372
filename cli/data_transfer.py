"""`yard data transfer`: how long data travels between regions and clouds, and what its egress costs."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.data_instance_type import type_named
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from planning.network.transfer import MeasuredPath, Transfer


def transfer(
    source: Annotated[str, typer.Option("--from", metavar="CLOUD:REGION", help="Where the data lies.")],
    target: Annotated[str, typer.Option("--to", metavar="CLOUD:REGION", help="Where it goes.")],
    gigabytes: Annotated[float, typer.Option("--gb", help="How much, in GB (10^9 bytes).")],
    streams: Annotated[int, typer.Option("--streams", help="TCP connections at once.")] = 32,
    source_end: Annotated[str, typer.Option("--from-end", help="bucket or machine.")] = "bucket",
    target_end: Annotated[str, typer.Option("--to-end", help="bucket or machine.")] = "machine",
    same_zone: Annotated[bool, typer.Option("--same-zone", help="Two machines in one zone.")] = False,
    machine: Annotated[
        str, typer.Option("--machine", metavar="TYPE", help="Instance type of the machine that moves the data.")
    ] = "",
    machines: Annotated[int, typer.Option("--machines", help="How many of them move it at once.")] = 1,
    nic_gbps: Annotated[float | None, typer.Option("--nic-gbps", help="Network of one of them, in Gbit/s.")] = None,
    link_gbps: Annotated[float | None, typer.Option("--link-gbps", help="A bandwidth that is not exceeded.")] = None,
    round_trip_ms: Annotated[float | None, typer.Option("--round-trip-ms", help="Measured; else modelled.")] = None,
    window_mib: Annotated[float, typer.Option("--window-mib", help="TCP window of one connection, in MiB.")] = 3.0,
    loss: Annotated[float, typer.Option("--loss", help="Share of packets lost.")] = 0.0,
    sent_gb: Annotated[float, typer.Option("--sent-gb", help="GB sent the same way this month already.")] = 0.0,
    measured: Annotated[
        Path | None, typer.Option("--measured", help="What 'yard data probe --json' has printed; overrides the model.")
    ] = None,
    directory: options.Directory = Path(),
    json: options.Json = False,
) -> int:
    """Tell how long a transfer takes and what its egress costs."""
    from planning.network.places import Place
    from planning.network.transfer import Conditions, plan_transfer
    from planning.prices.refreshed import project_book

    book = project_book(find_project_folder(directory))
    start, end = Place.parse(source, "--from"), Place.parse(target, "--to")
    # What Conditions refuses, it names; the two ends are words that only it knows.
    conditions: dict[str, Any] = {"source_end": source_end, "target_end": target_end}
    moves = end.cloud if target_end == "machine" or source_end == "bucket" else start.cloud
    found = plan_transfer(
        book,
        start,
        end,
        gigabytes,
        streams=streams,
        conditions=Conditions(
            **conditions,
            same_zone=same_zone,
            machine=type_named(book, machine, moves, "--machine") if machine else None,
            machines=machines,
            nic_gbps=nic_gbps,
            link_gbps=link_gbps,
            round_trip_ms=round_trip_ms,
            window_bytes=window_mib * 2**20,
            loss=loss,
            sent_this_month_gb=sent_gb,
        ),
        measured=_measured(measured, source_end) if measured else None,
    )
    if json:
        document = dataclasses.asdict(found) | {"source": str(start), "target": str(end)}
        print_json(document)
    else:
        _print_transfer(found, "" if measured else f" over {streams} {'connection' if streams == 1 else 'connections'}")
    return ExitStatus.SUCCESS


def _measured(file: Path, source_end: str) -> "MeasuredPath":
    from planning.documents import read_document
    from planning.network.measurement import path_of, read_probe

    result = read_probe(read_document(file, "--measured"), str(file))
    return path_of(result, "read" if source_end == "bucket" else "write")


def _print_transfer(found: "Transfer", how: str) -> None:
    from rich.console import Console

    from cli.data_tables import duration, print_list, print_pairs

    usd = "unknown" if found.usd is None else f"${found.usd:,.2f}"
    print_pairs(
        {
            "from": str(found.source),
            "to": str(found.target),
            "data": f"{found.gigabytes:,g} GB",
            "time": duration(found.seconds) + how,
            "egress": f"{usd} ({found.egress_service})" if found.egress_service else usd,
            "bandwidth": f"{found.bandwidth_gbps:.3g} Gbit/s",
            "limited by": found.limited_by,
            "round trip": f"{found.latency_ms:.3g} ms",
        }
    )
    console = Console()
    print_list(console, "Assumed", found.assumptions)
    print_list(console, "Sources", found.sources)
