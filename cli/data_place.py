"""`yard data place`: which storage node holds which shard, how even that is, and what moves when nodes come and go."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import data_storage as storage_options
from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from planning.errors import PlanningError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.data.document import Storage
    from planning.data.placement import Movement, Placement


def place(
    file: storage_options.File = None,
    shards: storage_options.Shards = None,
    nodes: storage_options.Nodes = None,
    domains: storage_options.Domains = None,
    node: storage_options.NodeList = None,
    replicas: storage_options.Replicas = 1,
    headroom: Annotated[
        float | None,
        typer.Option("--headroom", help="Let no node hold more than its share and this part of it, such as 0.05."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="NAME[:WEIGHT][@DOMAIN]", help="Show what moves when this node joins."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="NAME", help="Show what moves when this node goes.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="With --json: the nodes of every shard too.")] = False,
    json: options.Json = False,
) -> int:
    """Place shards on nodes by weighted rendezvous hashing.

    The same everywhere and every time; nodes that come or go move only what they take or held.
    """
    storage = storage_options.read_options(file, shards, nodes, domains, node)
    before = _placed(storage, replicas, headroom)
    after, moved = None, None
    if add or remove:
        from planning.data.placement import movement

        changed = dataclasses.replace(storage, nodes=_changed_nodes(storage, add or [], remove or []))
        after = _placed(changed, replicas, headroom)
        moved = movement(before, after)
    document = {
        "shards": len(storage.shards),
        "replicas": replicas,
        "nodes": _rows(before),
        "largest_excess": _largest_excess(before),
    }
    if after is not None and moved is not None:
        document |= {"after": {"nodes": _rows(after), "largest_excess": _largest_excess(after)}}
        document |= {"movement": dataclasses.asdict(moved)}
    if full:
        shown = after or before
        document["placement"] = {name: list(shown.holders(at)) for at, name in enumerate(storage.shards)}
    if json:
        print_json(document)
    else:
        _print(document, moved)
    return ExitStatus.SUCCESS


def _placed(storage: "Storage", replicas: int, headroom: float | None) -> "Placement":
    if headroom is None:
        return storage_options.place_storage(storage, replicas)
    from planning.data.bounded_placement import bound_by_weight

    if any(node.capacity is not None for node in storage.nodes):
        raise PlanningError(f"--headroom = {headroom}: must not come with nodes that have a capacity of their own")
    bounded = bound_by_weight(storage.nodes, len(storage.shards), replicas=replicas, headroom=headroom)
    return storage_options.place_storage(dataclasses.replace(storage, nodes=bounded), replicas)


def _changed_nodes(storage: "Storage", add: "Sequence[str]", remove: "Sequence[str]") -> Any:
    known = [node.name for node in storage.nodes]
    problems = [
        f"--remove = {name!r}: must be one of {', '.join(known[:20])}{' ...' if len(known) > 20 else ''}"
        for name in remove
        if name not in known
    ]
    if problems:
        raise PlanningError.of(problems)
    kept = [node for node in storage.nodes if node.name not in remove]
    return (*kept, *storage_options.parse_nodes(add, "--add"))


def _rows(placement: "Placement") -> list[dict[str, Any]]:
    total = sum(node.weight for node in placement.nodes)
    return [
        {
            "name": node.name,
            "domain": node.domain,
            "weight": node.weight,
            "replicas": int(count),
            "by_weight": placement.chosen.size * node.weight / total,
        }
        for node, count in zip(placement.nodes, placement.counts(), strict=True)
    ]


def _largest_excess(placement: "Placement") -> float:
    """By how much the fullest node, against its weight, has more than its share: 0.1 is a tenth more."""
    return max(row["replicas"] / row["by_weight"] for row in _rows(placement)) - 1


def _print(document: dict[str, Any], moved: "Movement | None") -> None:
    from rich.console import Console

    from cli.data_tables import column_table

    console = Console()
    after = {row["name"]: row for row in document["after"]["nodes"]} if moved else {}
    columns = ["node", "domain", "weight", "replicas", "by weight"] + (["afterwards", "change"] if moved else [])
    table = column_table(columns, left=2)
    before = {row["name"]: row for row in document["nodes"]}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        row = old or new or {}
        cells = [name, row["domain"], f"{row['weight']:g}", str(old["replicas"]) if old else "-"]
        cells.append(f"{old['by_weight']:,.0f}" if old else "-")
        if moved:
            cells.append(str(new["replicas"]) if new else "-")
            cells.append(f"{(new['replicas'] if new else 0) - (old['replicas'] if old else 0):+d}")
        table.add_row(*cells)
    console.print(table)
    each = f"{document['replicas']} replica{'s' if document['replicas'] > 1 else ''}"
    excess = f"the fullest node has {document['largest_excess']:+.1%} against its weight"
    console.print(
        f"{document['shards']:,} shards, {each} each; {excess}",
        highlight=False,
        soft_wrap=True,
    )
    if document["replicas"] > 1:
        console.print(
            "with several replicas a heavy node, or a domain, can hold no more than one of each shard",
            highlight=False,
            soft_wrap=True,
        )
    if moved:
        share = moved.moved / moved.total
        console.print(
            f"{moved.moved:,} of {moved.total:,} replicas move ({share:.1%}); no way to the same counts moves fewer "
            f"than {moved.least:,}",
            highlight=False,
            soft_wrap=True,
        )
