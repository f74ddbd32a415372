"""The entry point on managed platforms: makes torchrun's arguments of what the platform says of the job's nodes.

``python -m trainyard_training.managed --nproc-per-node=8 JOB.json`` becomes ``python -m trainyard_training.launch``,
alone or as one of several nodes. SageMaker describes the nodes in a file, Vertex AI in the variable ``CLUSTER_SPEC``;
where there is neither, this is the only node.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from trainyard_training.exit_status import ExitStatus

SAGEMAKER_FILE = Path("/opt/ml/input/config/resourceconfig.json")
RENDEZVOUS_PORT = 29500
RESTARTS = 100
"""Of the group of workers, after one of them was lost."""
_OF_THE_PLATFORM = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class NodesError(Exception):
    """The platform's description of the nodes cannot be used."""


@dataclass(frozen=True)
class Nodes:
    """The job's nodes, and which one this is."""

    hosts: tuple[str, ...]
    """The same order on every node; the first one keeps the meeting place."""
    rank: int
    interface: str | None = None
    """The network interface by which the nodes reach each other; None: the libraries find it."""


ALONE = Nodes(hosts=("localhost",), rank=0)


def nodes_of_sagemaker(description: Mapping[str, Any]) -> Nodes:
    """From ``resourceconfig.json``: ``hosts``, ``current_host``, ``network_interface_name``.

    Source: "How Amazon SageMaker AI Provides Training Information", distributed training configuration. Hosts are
    sorted, since nothing says that the file's order is the same everywhere.

    Raises:
        NodesError: it has no such fields, or this host is not among the hosts.
    """
    try:
        # By length first: algo-2 comes before algo-10.
        hosts = tuple(sorted({str(host) for host in description["hosts"]}, key=lambda host: (len(host), host)))
        interface = description.get("network_interface_name")
        return Nodes(hosts, hosts.index(str(description["current_host"])), str(interface) if interface else None)
    except (KeyError, TypeError, ValueError) as error:
        raise NodesError(f"SageMaker's description of the nodes cannot be used: {error!r}") from None


def nodes_of_vertex(cluster_spec: Mapping[str, Any]) -> Nodes:
    """From ``CLUSTER_SPEC``: ``cluster`` has the hosts of every worker pool, ``task`` says which one this is.

    Source: Vertex AI's documentation of distributed training, "CLUSTER_SPEC format".

    Raises:
        NodesError: it has no such fields, or this task is not in the cluster.
    """
    try:
        pools, task = cluster_spec["cluster"], cluster_spec["task"]
        names = sorted(pools)
        hosts = tuple(str(address).rpartition(":")[0] or str(address) for name in names for address in pools[name])
        index, own = int(task["index"]), pools[task["type"]]
        if not 0 <= index < len(own):
            raise IndexError(index)
        before = sum(len(pools[name]) for name in names[: names.index(task["type"])])
        return Nodes(hosts, before + index)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise NodesError(f"CLUSTER_SPEC cannot be used: {error!r}") from None


def find_nodes(environment: Mapping[str, str], sagemaker_file: Path = SAGEMAKER_FILE) -> Nodes:
    """What the platform says of the nodes, or this one alone.

    Raises:
        NodesError: it says something that cannot be used.
    """
    try:
        if sagemaker_file.exists():
            return nodes_of_sagemaker(json.loads(sagemaker_file.read_bytes()))
        if environment.get("CLUSTER_SPEC"):
            return nodes_of_vertex(json.loads(environment["CLUSTER_SPEC"]))
    except (OSError, json.JSONDecodeError) as error:
        raise NodesError(f"the platform's description of the nodes cannot be read: {error}") from None
    return ALONE


def launch_arguments(nodes: Nodes, processes: int, job_file: str) -> list[str]:
    """Arguments of ``trainyard_training.launch`` on this node."""
    if len(nodes.hosts) == 1:
        gather = ["--standalone"]
    else:
        gather = [
            f"--nnodes={len(nodes.hosts)}",
            "--rdzv-id=trainyard",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={nodes.hosts[0]}:{RENDEZVOUS_PORT}",
            # The platform's names are not always those that a host has for itself, by which torchrun would decide.
            f"--rdzv-conf=is_host={int(nodes.rank == 0)}",
            f"--max-restarts={RESTARTS}",
        ]
    return [*gather, f"--nproc-per-node={processes}", "-m", "trainyard_training", job_file]


def launch_environment(nodes: Nodes, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for the launcher: without the platform's own ranks, which are nodes' and not workers'."""
    kept = {name: value for name, value in environment.items() if name not in _OF_THE_PLATFORM}
    if nodes.interface and len(nodes.hosts) > 1:
        kept |= {"NCCL_SOCKET_IFNAME": nodes.interface, "GLOO_SOCKET_IFNAME": nodes.interface}
    return kept


def main(arguments: list[str]) -> NoReturn:
    """Becomes the launcher; the process keeps its number, and so gets the platform's SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m trainyard_training.managed", allow_abbrev=False)
    parser.add_argument("--nproc-per-node", type=int, default=1, help="Workers on this node.")
    parser.add_argument("job_file")
    options = parser.parse_args(arguments)
    try:
        nodes = find_nodes(os.environ)
    except NodesError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(ExitStatus.BAD_SPECIFICATION)
    command = launch_arguments(nodes, options.nproc_per_node, options.job_file)
    print(f"node {nodes.rank + 1} of {len(nodes.hosts)}: {' '.join(command)}", flush=True)
    module = ["-m", "trainyard_training.launch"]
    os.execve(sys.executable, [sys.executable, *module, *command], launch_environment(nodes, os.environ))  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
