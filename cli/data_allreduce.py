"""`yard data allreduce`: how data-parallel training scales, and whether the network or the GPU sets the pace."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.data_instance_type import type_named
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.project_folder import find_project_folder
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.network.allreduce import Scaling
    from planning.network.interconnect import NodeNetwork

_MOST_NODES = 4096


def allreduce(
    instance_type: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help="Instance type of every node.")],
    nodes: Annotated[int, typer.Option("--nodes", "-n", help="Up to how many nodes.")] = 8,
    parameters: Annotated[float, typer.Option("--parameters", help="Of the model, such as 7e9.")] = 1e9,
    bytes_each: Annotated[
        float, typer.Option("--bytes-each", help="Bytes of a gradient: 2 for bfloat16, 4 for float32.")
    ] = 2.0,
    step_seconds: Annotated[
        float | None, typer.Option("--step-seconds", help="What one GPU computes in a step, measured.")
    ] = None,
    tokens: Annotated[
        float | None,
        typer.Option("--tokens", help="Tokens of one GPU in a step; with --tflops instead of --step-seconds."),
    ] = None,
    tflops: Annotated[float | None, typer.Option("--tflops", help="What one GPU reaches, not its peak.")] = None,
    overlap: Annotated[
        float, typer.Option("--overlap", help="Share of the computing during which gradients can travel.")
    ] = 0.5,
    achieved: Annotated[
        float, typer.Option("--achieved", help="Share of the hardware's bandwidth that all-reduce reaches.")
    ] = 0.8,
    gpu_gbps: Annotated[float | None, typer.Option("--gpu-gbps", help="Between GPUs of a node, one way.")] = None,
    node_gbps: Annotated[float | None, typer.Option("--node-gbps", help="Between nodes.")] = None,
    cloud: Annotated[str, typer.Option("--cloud", help="Where several clouds have a type of that name.")] = "",
    picture: options.Picture = None,
    directory: options.Directory = Path(),
    json: options.Json = False,
) -> int:
    """Tell how data-parallel training scales with nodes, and whether the network or the GPU is the limit."""
    from planning.network.interconnect import network_of
    from planning.prices.refreshed import project_book
    from planning.quantities import above, whole

    above("--parameters", parameters, 0.0)
    above("--bytes-each", bytes_each, 0.0)
    if whole("--nodes", nodes, 1) > _MOST_NODES:
        raise PlanningError(f"--nodes = {nodes}: must be at most {_MOST_NODES}")
    compute = _compute_seconds(step_seconds, tokens, tflops, parameters)
    if picture and compute is None:
        raise PlanningError(f"--picture = '{picture}': must come with --step-seconds, or with --tokens and --tflops")
    if picture:
        from planning.pictures import check_picture_path

        check_picture_path(picture)
    instance = type_named(project_book(find_project_folder(directory)), instance_type, cloud, "--type")
    network = network_of(instance, gpu_gbps=gpu_gbps, node_gbps=node_gbps)
    rows = [_row(network, count, parameters * bytes_each, compute, overlap, achieved) for count in _counts(nodes)]
    document = {
        "type": instance.name,
        "cloud": instance.cloud,
        "gpus_per_node": network.gpus,
        "gpu_gbps": network.gpu_gbps,
        "node_gbps": network.node_gbps,
        "gradient_bytes": parameters * bytes_each,
        "compute_seconds": compute,
        "overlap": overlap,
        "achieved": achieved,
        "results": rows,
        "sources": list(network.sources),
    }
    known = [] if compute is None else _scalings(network, nodes, parameters * bytes_each, compute, overlap, achieved)
    if picture and not known:
        raise PlanningError(f"--picture = '{picture}': there is nothing to draw, the bandwidths are unknown")
    if json:
        print_json(document)
    else:
        _print_allreduce(document)
    if picture:
        from cli.picture_file import write_picture
        from planning.network.picture import draw_scaling

        write_picture(picture, draw_scaling(known, instance.name, picture.suffix), json=json)
    return ExitStatus.SUCCESS


def _compute_seconds(
    step_seconds: float | None, tokens: float | None, tflops: float | None, parameters: float
) -> float | None:
    """What one GPU computes in a step; None where nobody says.

    6 operations for each parameter and token: Kaplan et al., "Scaling Laws for Neural Language Models" (2020).
    """
    from planning.quantities import above

    if step_seconds is not None and (tokens is not None or tflops is not None):
        raise PlanningError("--step-seconds: excludes --tokens and --tflops")
    if (tokens is None) != (tflops is None):
        raise PlanningError("--tokens and --tflops: must come together")
    if tokens is not None and tflops is not None:
        return 6 * parameters * above("--tokens", tokens, 0.0) / (above("--tflops", tflops, 0.0) * 1e12)
    return None if step_seconds is None else above("--step-seconds", step_seconds, 0.0)


def _counts(most: int) -> list[int]:
    """1, 2, 4 ... and the last one asked for."""
    counts = [1]
    while counts[-1] * 2 <= most:
        counts.append(counts[-1] * 2)
    return counts if counts[-1] == most else [*counts, most]


def _scalings(
    network: "NodeNetwork", nodes: int, gradient_bytes: float, compute: float, overlap: float, achieved: float
) -> "list[Scaling]":
    """How each number of nodes scales, where that is known."""
    from planning.network.allreduce import scaling_efficiency

    all_counts = (
        scaling_efficiency(compute, gradient_bytes, count, network, overlap=overlap, achieved=achieved)
        for count in _counts(nodes)
    )
    return [scaling for scaling in all_counts if scaling]


def _row(
    network: "NodeNetwork", nodes: int, gradient_bytes: float, compute: float | None, overlap: float, achieved: float
) -> dict[str, Any]:
    from planning.network.allreduce import GOOD_EFFICIENCY, allreduce, least_compute_seconds, scaling_efficiency

    found = allreduce(gradient_bytes, nodes, network, achieved=achieved)
    row: dict[str, Any] = {
        "nodes": nodes,
        "gpus": nodes * network.gpus,
        "unknown": list(network.unknown(nodes)),
        "allreduce": None if found is None else dataclasses.asdict(found),
        "least_step_seconds": None if found is None else least_compute_seconds(found.seconds, GOOD_EFFICIENCY, overlap),
        "scaling": None,
    }
    if compute is not None:
        scaling = scaling_efficiency(compute, gradient_bytes, nodes, network, overlap=overlap, achieved=achieved)
        row["scaling"] = None if scaling is None else dataclasses.asdict(scaling)
    return row


def _print_allreduce(document: dict[str, Any]) -> None:
    from rich.console import Console

    from cli.data_tables import column_table, duration, print_list

    console = Console()
    computes = document["compute_seconds"] is not None
    columns = ["nodes", "GPUs", "all-reduce", "in a node", "between", "by"]
    columns += ["step", "efficiency"] if computes else ["step for 90 %"]
    table = column_table(columns, left=0)
    for row in document["results"]:
        found, scaling = row["allreduce"], row["scaling"]
        if found is None:
            table.add_row(str(row["nodes"]), str(row["gpus"]), "unknown", *[""] * (len(columns) - 3))
            continue
        cells = [duration(found[key]) for key in ("seconds", "inside_seconds", "between_seconds")]
        last = [duration(scaling["step_seconds"]), f"{scaling['efficiency']:.0%}"] if scaling else []
        table.add_row(
            str(row["nodes"]),
            str(row["gpus"]),
            *cells,
            found["algorithm"] or "-",
            *(last or [duration(row["least_step_seconds"])]),
        )
    console.print(table)
    lines = [
        f"{document['gradient_bytes'] / 1e9:,.3g} GB of gradients, {document['cloud']} {document['type']}; modelled",
        f"assumed unless given: {document['achieved']:.0%} of the hardware's bandwidth is reached, gradients travel "
        f"during {document['overlap']:.0%} of the computing",
    ]
    if not computes:
        lines.append("step for 90 %: what one GPU has to compute in a step so that the network costs a tenth at most")
    for row in document["results"]:
        if row["unknown"]:
            lines.append(f"{row['nodes']} nodes: unknown: {', '.join(row['unknown'])}; give --gpu-gbps or --node-gbps")
        elif row["scaling"] and row["scaling"]["warning"]:
            lines.append(f"warning: {row['nodes']} nodes: {row['scaling']['warning']}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    print_list(console, "Sources", document["sources"])
