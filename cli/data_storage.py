"""Storage nodes, shards and workers, from options or from a file: what `yard data place`, `availability` and `assign`
share."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planning.errors import PlanningError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planning.data.document import Storage
    from planning.data.locality import Worker
    from planning.data.nodes import StorageNode
    from planning.data.placement import Placement

File = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", help="YAML or JSON with shards, nodes, domains and workers; docs/data-and-network.md shows one."
    ),
]
Shards = Annotated[int | None, typer.Option("--shards", help="How many shards; they are called 0, 1, 2 ...")]
Nodes = Annotated[int | None, typer.Option("--nodes", help="How many equal nodes; they are called node-0, node-1 ...")]
Domains = Annotated[
    int | None,
    typer.Option("--domains", help="Over how many failure domains the nodes are spread; without it each is its own."),
]
NodeList = Annotated[
    list[str] | None,
    typer.Option("--node", metavar="NAME[:WEIGHT][@DOMAIN]", help="One node; may be given several times."),
]
Replicas = Annotated[int, typer.Option("--replicas", "-r", help="On how many nodes each shard lies.")]

DEFAULT_SHARDS = 1000
_NODE = re.compile(r"(?P<name>[^:@]+)(?::(?P<weight>[^:@]+))?(?:@(?P<domain>[^:@]+))?")


def read_options(
    file: Path | None, shards: int | None, nodes: int | None, domains: int | None, node_list: "Sequence[str] | None"
) -> "Storage":
    """The storage that the options describe; those on the command line come before those of the file."""
    from planning.data.availability import ALWAYS_UP
    from planning.data.document import DEFAULT_SHARD_GB, Storage
    from planning.data.placement import number_shards
    from planning.quantities import BYTES_PER_GB

    ways = [name for name, given in (("--file", file), ("--nodes", nodes is not None), ("--node", node_list)) if given]
    if len(ways) != 1:
        told = " and ".join(ways) or "none of them"
        raise PlanningError(f"nodes: must come from one of --file, --nodes and --node, not from {told}")
    if domains is not None and nodes is None:
        raise PlanningError(f"--domains = {domains}: must come with --nodes; otherwise each node names its own")
    if file:
        storage = read_file(file)
        if storage.shards and shards is None:
            return storage
        names = number_shards(DEFAULT_SHARDS if shards is None else shards)
        return dataclasses.replace(storage, shards=names, shard_bytes=(DEFAULT_SHARD_GB * BYTES_PER_GB,) * len(names))
    names = number_shards(DEFAULT_SHARDS if shards is None else shards)
    return Storage(
        shards=names,
        shard_bytes=(DEFAULT_SHARD_GB * BYTES_PER_GB,) * len(names),
        nodes=tuple(parse_nodes(node_list or [], "--node")) or _equal_nodes(nodes or 0, domains),
        domains=ALWAYS_UP,
        workers=(),
    )


def read_file(file: Path) -> "Storage":
    """The storage that a file describes. Raises PlanningError."""
    from planning.data.document import read_storage
    from planning.documents import read_document

    return read_storage(read_document(file, "--file"), str(file))


def parse_nodes(texts: "Sequence[str]", option: str) -> "list[StorageNode]":
    """Nodes written `NAME[:WEIGHT][@DOMAIN]`. Raises PlanningError naming every one that is not."""
    from planning.data.nodes import StorageNode

    problems, nodes = [], []
    for text in texts:
        found = _NODE.fullmatch(text)
        try:
            weight = float((found and found["weight"]) or 1)
        except ValueError:
            found = None
        if found:
            nodes.append(StorageNode(name=found["name"], weight=weight, domain=found["domain"] or ""))
        else:
            problems.append(f"{option} = {text!r}: must be NAME[:WEIGHT][@DOMAIN], such as disk-7:2.5@zone-a")
    if problems:
        raise PlanningError.of(problems)
    return nodes


def parse_workers(texts: "Sequence[str]") -> "tuple[Worker, ...]":
    """Workers written `NAME@DOMAIN`. Raises PlanningError naming every one that is not."""
    from planning.data.locality import Worker

    parts = [text.partition("@") for text in texts]
    wrong = [text for text, (name, _, domain) in zip(texts, parts, strict=True) if not name or not domain]
    if wrong:
        raise PlanningError.of(f"--worker = {text!r}: must be NAME@DOMAIN, such as gpu-1@zone-a" for text in wrong)
    return tuple(Worker(name=name, domain=domain) for name, _, domain in parts)


def place_storage(storage: "Storage", replicas: int) -> "Placement":
    """The placement of a storage, within the capacities of its nodes where they have some."""
    from planning.data.bounded_placement import place_within_capacity
    from planning.data.placement import place

    if any(node.capacity is not None for node in storage.nodes):
        return place_within_capacity(storage.shards, storage.nodes, replicas=replicas)
    return place(storage.shards, storage.nodes, replicas=replicas)


def _equal_nodes(count: int, domains: int | None) -> "tuple[StorageNode, ...]":
    from planning.data.nodes import StorageNode
    from planning.quantities import whole

    whole("--nodes", count, 1)
    if domains is not None and whole("--domains", domains, 1) > count:
        raise PlanningError(f"--domains = {domains}: must be at most {count}, the number of nodes")
    return tuple(
        StorageNode(name=f"node-{number}", domain="" if domains is None else f"domain-{number % domains}")
        for number in range(count)
    )
