"""`yard data assign`: which worker reads which shard, from near by where it can and with equal loads."""

import dataclasses
from typing import Annotated, Any

import typer

from cli import data_storage as storage_options
from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from planning.errors import PlanningError


def assign(
    file: storage_options.File = None,
    shards: storage_options.Shards = None,
    nodes: storage_options.Nodes = None,
    domains: storage_options.Domains = None,
    node: storage_options.NodeList = None,
    replicas: storage_options.Replicas = 1,
    worker: Annotated[
        list[str] | None,
        typer.Option("--worker", metavar="NAME@DOMAIN", help="A worker and the domain or node it is near to; repeat."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="With --json: the shards of every worker too.")] = False,
    json: options.Json = False,
) -> int:
    """Assign every shard to one worker: loads within one of each other, as few bytes from afar as possible."""
    storage = storage_options.read_options(file, shards, nodes, domains, node)
    if worker:
        storage = dataclasses.replace(storage, workers=storage_options.parse_workers(worker))
    if not storage.workers:
        raise PlanningError("workers = none: must come from --worker, or from workers in --file")
    from planning.data.locality import assign_shards, distant_bytes

    placement = storage_options.place_storage(storage, replicas)
    costs = distant_bytes(placement, storage.workers, storage.shard_bytes)
    found = assign_shards(costs)
    rows: list[dict[str, Any]] = []
    for at, each in enumerate(storage.workers):
        mine = [shard for shard, place in enumerate(found.worker_of) if place == at]
        row: dict[str, Any] = {
            "name": each.name,
            "domain": each.domain,
            "shards": len(mine),
            "bytes": sum(storage.shard_bytes[shard] for shard in mine),
            "distant_bytes": float(costs[mine, at].sum()),
        }
        rows.append(row | ({"shard_names": [storage.shards[shard] for shard in mine]} if full else {}))
    document = {
        "shards": len(storage.shards),
        "bytes": sum(storage.shard_bytes),
        "distant_bytes": found.cost,
        "workers": rows,
    }
    if json:
        print_json(document)
    else:
        _print(document)
    return ExitStatus.SUCCESS


def _print(document: dict[str, Any]) -> None:
    from rich.console import Console

    from cli.data_tables import column_table

    console = Console()
    table = column_table(["worker", "domain", "shards", "GB", "GB from afar"], left=2)
    for row in document["workers"]:
        far = f"{row['distant_bytes'] / 1e9:,.1f}"
        table.add_row(row["name"], row["domain"], str(row["shards"]), f"{row['bytes'] / 1e9:,.1f}", far)
    console.print(table)
    local = 1 - document["distant_bytes"] / document["bytes"] if document["bytes"] else 1.0
    console.print(
        f"{local:.1%} of {document['bytes'] / 1e9:,.1f} GB is read near by, the most with loads this equal",
        highlight=False,
        soft_wrap=True,
    )
