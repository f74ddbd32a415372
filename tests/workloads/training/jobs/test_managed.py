"""The entry point on managed platforms: from the platform's description of the nodes to torchrun's arguments."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainyard_training.exit_status import ExitStatus
from trainyard_training.managed import (
    ALONE,
    Nodes,
    NodesError,
    find_nodes,
    launch_arguments,
    launch_environment,
    main,
    nodes_of_sagemaker,
    nodes_of_vertex,
)

CLUSTER_SPEC = {
    "cluster": {
        "workerpool0": ["cmle-training-workerpool0-ab-0:2222"],
        "workerpool1": ["cmle-training-workerpool1-ab-0:2222", "cmle-training-workerpool1-ab-1:2222"],
    },
    "environment": "cloud",
    "task": {"type": "workerpool1", "index": 1, "trial": ""},
}


def test_sagemakers_hosts_have_one_order_on_all_of_them() -> None:
    hosts = [f"algo-{number}" for number in range(1, 13)]
    seen = {
        nodes_of_sagemaker({"current_host": host, "hosts": hosts[turn:] + hosts[:turn]}).rank
        for turn, host in enumerate(hosts)
    }
    assert seen == set(range(12))
    nodes = nodes_of_sagemaker({"current_host": "algo-10", "hosts": hosts, "network_interface_name": "eth0"})
    assert (nodes.hosts[0], nodes.rank, nodes.interface) == ("algo-1", 9, "eth0")


def test_vertexs_chief_is_the_first_node() -> None:
    assert nodes_of_vertex(CLUSTER_SPEC) == Nodes(
        hosts=(
            "cmle-training-workerpool0-ab-0",
            "cmle-training-workerpool1-ab-0",
            "cmle-training-workerpool1-ab-1",
        ),
        rank=2,
    )
    chief = {**CLUSTER_SPEC, "task": {"type": "workerpool0", "index": 0}}
    assert nodes_of_vertex(chief).rank == 0


@pytest.mark.parametrize("task", [{"type": "workerpool1", "index": 2}, {"type": "workerpool7", "index": 0}, {}])
def test_a_task_that_is_not_in_the_cluster_is_refused(task: dict[str, object]) -> None:
    with pytest.raises(NodesError, match="CLUSTER_SPEC cannot be used"):
        nodes_of_vertex({**CLUSTER_SPEC, "task": task})


def test_a_host_that_is_not_among_sagemakers_is_refused() -> None:
    with pytest.raises(NodesError, match="SageMaker's description"):
        nodes_of_sagemaker({"current_host": "algo-3", "hosts": ["algo-1"]})


def test_the_file_counts_then_the_variable_then_nothing(tmp_path: Path) -> None:
    file = tmp_path / "resourceconfig.json"
    environment = {"CLUSTER_SPEC": json.dumps(CLUSTER_SPEC)}
    assert find_nodes({}, file) == ALONE
    assert find_nodes(environment, file).rank == 2
    file.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    assert find_nodes(environment, file).hosts == ("algo-1",)
    file.write_text("{")
    with pytest.raises(NodesError, match="cannot be read"):
        find_nodes({}, file)


def test_one_node_listens_on_loopback_only() -> None:
    assert launch_arguments(ALONE, 4, "/JOB.json") == [
        "--standalone", "--nproc-per-node=4", "-m", "trainyard_training", "/JOB.json",
    ]  # fmt: skip


def test_several_nodes_meet_at_the_first_one() -> None:
    nodes = [Nodes(("algo-1", "algo-2"), rank, "eth0") for rank in (0, 1)]
    first, second = (launch_arguments(each, 8, "/JOB.json") for each in nodes)
    assert {"--nnodes=2", "--rdzv-endpoint=algo-1:29500", "--rdzv-conf=is_host=1"} <= {*first}
    assert {*first} - {*second} == {"--rdzv-conf=is_host=1"}
    assert "--standalone" not in first


def test_the_platforms_ranks_are_not_the_workers() -> None:
    environment = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "chief", "HOME": "/"}
    assert launch_environment(ALONE, environment) == {"HOME": "/"}
    several = launch_environment(Nodes(("a", "b"), 0, "eth0"), environment)
    assert several == {"HOME": "/", "NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}


def test_it_becomes_the_launcher_and_ends_with_its_code(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "trainyard_training.managed", "--nproc-per-node=2", str(tmp_path / "JOB.json")],
        env={name: value for name, value in os.environ.items() if name != "CLUSTER_SPEC"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == ExitStatus.BAD_SPECIFICATION
    assert ended.stdout.startswith("node 1 of 1: --standalone --nproc-per-node=2")
    assert "JOB.json: cannot be read" in ended.stderr


def test_a_description_that_cannot_be_used_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTER_SPEC", "[]")
    with pytest.raises(SystemExit) as ended:
        main(["JOB.json"])
    assert ended.value.code == ExitStatus.BAD_SPECIFICATION
    assert capsys.readouterr().err.startswith("error: CLUSTER_SPEC cannot be used")
