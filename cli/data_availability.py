"""`yard data availability`: the probability that a whole data set can be read, and the replication that a target
needs."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import data_storage as storage_options
from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.data.document import Storage

_HOURS_PER_YEAR = 8760
_MOST_REPLICAS = 8
_METHODS = {
    "exact": "exact: every state of nodes and domains was counted",
    "bounds": "bounds that hold for certain, the lower one shown",
    "simulated": "simulated, the lower end of the interval of 95 % confidence shown",
}


def availability(
    file: storage_options.File = None,
    shards: storage_options.Shards = None,
    nodes: storage_options.Nodes = None,
    domains: storage_options.Domains = None,
    node: storage_options.NodeList = None,
    replicas: Annotated[
        int | None,
        typer.Option("--replicas", "-r", help="On how many nodes each shard lies; without it all are shown."),
    ] = None,
    needed: Annotated[
        int, typer.Option("--needed", "-k", help="Parts that give a shard back: 1 for replicas, k for erasure coding.")
    ] = 1,
    node_availability: Annotated[
        float | None, typer.Option("--node-availability", help="Probability that a node is up; overrides the file's.")
    ] = None,
    domain_availability: Annotated[
        float | None,
        typer.Option("--domain-availability", help="Probability that a failure domain is up, apart from its nodes."),
    ] = None,
    target: Annotated[float | None, typer.Option("--target", help="The probability to reach, such as 0.9999.")] = None,
    json: options.Json = False,
) -> int:
    """Tell how likely all shards can be read while nodes and domains fail independently of each other."""
    from planning.data.availability import DomainAvailability
    from planning.data.nodes import domains_of
    from planning.quantities import above, between, whole

    storage = storage_options.read_options(file, shards, nodes, domains, node)
    whole("--needed", needed, 1)
    if target is not None:
        between("--target", above("--target", target, 0.0), 0.0, 1.0)
    if node_availability is not None:
        up = between("--node-availability", node_availability, 0.0, 1.0)
        changed = tuple(dataclasses.replace(each, availability=up) for each in storage.nodes)
        storage = dataclasses.replace(storage, nodes=changed)
    elif file is None and domain_availability is None:
        raise PlanningError(
            "--node-availability: must be the probability that a node is up, such as 0.99 (1 says on purpose that none "
            "fails); or give --domain-availability, or a --file"
        )
    if domain_availability is not None:
        up = between("--domain-availability", domain_availability, 0.0, 1.0)
        storage = dataclasses.replace(storage, domains=DomainAvailability(others=up, own=storage.domains.own))
    most = min(_MOST_REPLICAS, len(domains_of(storage.nodes)))
    tried = [replicas] if replicas is not None else list(range(needed, max(most, needed) + 1))
    rows = [_row(storage, count, needed, target) for count in tried]
    document: dict[str, Any] = {
        "shards": len(storage.shards),
        "nodes": len(storage.nodes),
        "domains": len(domains_of(storage.nodes)),
        "needed": needed,
        "target": target,
        "results": rows,
        "answer": _answer(storage, rows, needed, target),
    }
    if json:
        print_json(document)
    else:
        _print(document)
    return ExitStatus.SUCCESS


def _row(storage: "Storage", replicas: int, needed: int, target: float | None) -> dict[str, Any]:
    from planning.data.availability import product_availability, shard_unavailability
    from planning.data.joint_availability import joint_availability

    placement = storage_options.place_storage(storage, replicas)
    joint = joint_availability(placement, needed=needed, domains=storage.domains)
    return {
        "replicas": replicas,
        "worst_shard": 1 - float(shard_unavailability(placement, needed=needed, domains=storage.domains).max()),
        "product": product_availability(placement, needed=needed, domains=storage.domains),
        "joint": dataclasses.asdict(joint),
        "reaches_target": None if target is None else _reaches(joint.at_least, joint.at_most, target),
    }


def _reaches(at_least: float, at_most: float, target: float) -> bool | None:
    """None where the bounds leave it open."""
    if at_least >= target:
        return True
    return False if at_most < target else None


def _answer(storage: "Storage", rows: list[dict[str, Any]], needed: int, target: float | None) -> str:
    """What replication a target needs, in a sentence; empty where nobody has asked."""
    from planning.data.availability import holder_availability, least_replicas
    from planning.data.placement import Placement

    if target is None:
        return ""
    reaching = [row["replicas"] for row in rows if row["reaches_target"]]
    parts = "replicas" if needed == 1 else f"parts, any {needed} of which give a shard back,"
    if reaching:
        fewer = [row["reaches_target"] for row in rows if row["replicas"] < reaching[0]]
        return f"{reaching[0]} {parts} reach {target}" + (
            ", and fewer do not" if fewer and set(fewer) == {False} else ""
        )
    few, many = rows[0]["replicas"], rows[-1]["replicas"]
    who = f"{many} {parts} are not" if len(rows) == 1 else f"none of {few} to {many} {parts} is"
    answer = f"{who} known to reach {target}"
    if needed > 1:
        return answer
    import numpy as np

    nothing = Placement(nodes=storage.nodes, chosen=np.empty((0, 1), dtype=np.int32))
    weakest = float(holder_availability(nothing, storage.domains).min())
    wanted, reached = least_replicas(len(storage.shards), weakest, target, most=50)
    if wanted is None:
        return f"{answer}; neither would 50 on nodes as good as the weakest ({weakest:g}): {reached:.6g}"
    where = f"in as many domains, on nodes as good as the weakest ({weakest:g})"
    return f"{answer}; by the product formula {wanted} would, {where}"


def _print(document: dict[str, Any]) -> None:
    from rich.console import Console

    from cli.data_tables import column_table

    console = Console()
    target = ["target"] if document["target"] is not None else []
    table = column_table(["replicas", "P(d)", "P(D) product", "P(D) joint", "down a year", *target], left=0)
    verdicts = {True: "reached", False: "missed", None: "open"}
    for row in document["results"]:
        joint = row["joint"]
        mark = "" if joint["method"] == "exact" else ">= "
        table.add_row(
            str(row["replicas"]),
            _probability(row["worst_shard"]),
            _probability(row["product"]),
            mark + _probability(joint["at_least"]),
            _hours((1 - joint["probability"]) * _HOURS_PER_YEAR),
            *([verdicts[row["reaches_target"]]] if target else []),
        )
    console.print(table)
    methods = "; ".join(dict.fromkeys(_METHODS[row["joint"]["method"]] for row in document["results"]))
    domains = f"{document['nodes']} nodes in {document['domains']} failure domains"
    lines = [
        f"{document['shards']:,} shards on {domains}; nodes and domains fail independently of each other",
        "P(d): one shard can be read, the worst placed; P(D): all of them can",
        "product: that of P(d) over all shards, which is a lower bound where shards share nodes",
        f"joint: with what they share; {methods}",
    ]
    if document["answer"]:
        lines.append(document["answer"])
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _probability(value: float) -> str:
    """With as many nines as there are."""
    lost = 1 - value
    return f"{value:.6f}" if lost > 1e-4 or lost <= 0 else f"1 - {lost:.1e}"


def _hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{hours * 60:.2g} min" if hours * 60 >= 1 else f"{hours * 3600:.2g} s"
