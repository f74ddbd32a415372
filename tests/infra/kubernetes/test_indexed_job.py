"""The objects of a job: what a reviewer reads, and what a cluster makes of a job's settings.

TRAINYARD_WRITE_GOLDEN=1 writes the manifests anew.
"""

import os
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.cluster import EntryPoint, JobSpecification
from infra.kubernetes.indexed_job import JobSurroundings, job_manifests
from infra.kubernetes.object import Manifest
from infra.workload_settings import JobPodSettings
from tests.infra.kubernetes.manifests import as_yaml, resolved, schema_problems
from tests.infra.kubernetes.pools import POOLS
from trainyard_training.exit_status import ExitStatus
from workloads.training.component import HOPELESS_CODES, RUN_AGAIN_CODES

GOLDEN = Path(__file__).parent / "golden"
IMAGE = f"registry.example.com/trainyard/training@sha256:{'1' * 64}"
ENTRY = EntryPoint("trainyard-training", "trainyard_training", (), launcher="trainyard_training.launch")
AROUND = JobSurroundings(
    namespace="research",
    pools=POOLS,
    queued=True,
    ready_minutes=45,
    environment={"AWS_REGION": "eu-west-1"},
    labels={"app.kubernetes.io/part-of": "trainyard"},
)


def manifests(*, processes: int | None = 2, around: JobSurroundings = AROUND, **pods: Any) -> list[Manifest]:
    job = JobSpecification(
        ENTRY,
        {"job": "digits", "epochs": 12},
        "training",
        deadline_seconds=960,
        grace_seconds=60,
        processes=processes,
        pods=JobPodSettings(**pods),
        run_again_codes=RUN_AGAIN_CODES,
        hopeless_codes=HOPELESS_CODES,
    )
    return resolved(lambda: job_manifests("training", job, pulumi.Output.from_input(IMAGE), around))


def job_of(found: list[Manifest]) -> dict[str, Any]:
    assert found[-1]["kind"] == "Job"
    return dict(found[-1]["spec"])


def pod_of(found: list[Manifest]) -> dict[str, Any]:
    return dict(job_of(found)["template"]["spec"])


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("job_on_one_node", {}),
        ("job_on_two_nodes", {"nodes": 2, "gpus": 8, "cpus": 90, "memory_gib": 500, "shared_memory_gib": 64}),
    ],
)
def test_the_objects_are_what_was_reviewed(name: str, pods: dict[str, Any]) -> None:
    written, golden = as_yaml(manifests(**pods)), GOLDEN / f"{name}.yaml"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(written)
    assert written == golden.read_text()


@pytest.mark.parametrize(
    "pods",
    [
        {},
        {"nodes": 2, "gpus": 8, "zone": "spread"},
        {"nodes": 3, "zone": "any", "retries": 0},
        {"gpus": 0, "cpus": 1, "memory_gib": 4},
        {"keep_finished_hours": 0, "priority": "low"},
    ],
)
def test_every_object_is_valid_in_three_versions_of_kubernetes(pods: dict[str, Any]) -> None:
    assert schema_problems(manifests(**pods)) == []


def test_interruptions_are_not_counted_and_bad_code_fails_at_once() -> None:
    first, again, never = job_of(manifests())["podFailurePolicy"]["rules"]
    assert first["action"] == "Ignore"
    assert first["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert again == {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [ExitStatus.STOPPED_EARLY]}}
    hopeless = {
        ExitStatus.BAD_SPECIFICATION,
        ExitStatus.BAD_DATA,
        ExitStatus.DIVERGED,
        ExitStatus.MODEL_REFUSED,
        ExitStatus.TOO_DEAR,
        ExitStatus.OUT_OF_TIME,
    }
    assert never == {"action": "FailJob", "onExitCodes": {"operator": "In", "values": sorted(hopeless)}}


def test_a_job_without_gpus_does_not_wait_in_a_queue() -> None:
    found = manifests(gpus=0, cpus=1, memory_gib=4)
    assert job_of(found)["suspend"] is False
    assert "kueue.x-k8s.io/queue-name" not in found[-1]["metadata"]["labels"]
    assert "tolerations" not in pod_of(found)


def test_a_cluster_without_queue_starts_jobs_at_once() -> None:
    around = JobSurroundings(**{**vars(AROUND), "queued": False})
    found = manifests(around=around)
    assert job_of(found)["suspend"] is False
    assert "kueue.x-k8s.io/queue-name" not in found[-1]["metadata"]["labels"]
    # Its nodes and images come out of the deadline, which is for more than its work.
    assert job_of(found)["activeDeadlineSeconds"] == 960 + 15 * 60
    assert job_of(manifests())["activeDeadlineSeconds"] == 960 + 45 * 60


def test_a_job_waits_in_the_queue_of_its_capacity() -> None:
    assert manifests()[-1]["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "spot"
    bought = manifests(capacity="on_demand")
    assert bought[-1]["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "on-demand"


def test_only_nodes_that_fit_are_asked_for() -> None:
    (term,) = pod_of(manifests(gpus=8))["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"] == [{"key": "trainyard.dev/pool", "operator": "In", "values": ["large"]}]


def test_fabric_is_asked_for_where_every_node_has_it_and_there_are_several() -> None:
    def limits(**pods: Any) -> dict[str, str]:
        return dict(pod_of(manifests(**pods))["containers"][0]["resources"]["limits"])

    assert limits(nodes=2, gpus=8)["vpc.amazonaws.com/efa"] == "1"
    assert "vpc.amazonaws.com/efa" not in limits(nodes=1, gpus=8)
    assert "vpc.amazonaws.com/efa" not in limits(nodes=2, gpus=1)


def test_the_command_has_a_worker_for_each_gpu_of_each_node() -> None:
    command = pod_of(manifests(nodes=2, gpus=8))["containers"][0]["command"]
    assert command[:3] == ["python", "-m", "trainyard_training.launch"]
    assert {"--nnodes=2", "--nproc-per-node=8", "--rdzv-endpoint=training-0.training:29500"} <= {*command}
    alone = pod_of(manifests(gpus=8))["containers"][0]["command"]
    assert {"--standalone", "--nproc-per-node=8"} <= {*alone}
    single = pod_of(manifests(processes=None, gpus=0, cpus=1, memory_gib=4))["containers"][0]["command"]
    assert single == ["python", "-m", "trainyard_training", "/etc/trainyard/specification.json"]


def test_another_specification_is_another_job() -> None:
    def digest(epochs: int) -> str:
        job = JobSpecification(ENTRY, {"epochs": epochs}, "training", deadline_seconds=60)
        found = resolved(lambda: job_manifests("training", job, IMAGE, AROUND))
        return str(job_of(found)["template"]["metadata"]["annotations"]["trainyard.dev/specification-digest"])

    assert digest(1) != digest(2)
    assert digest(1) == digest(1)


def test_pods_hold_no_token_and_no_right_that_they_do_not_need() -> None:
    pod = pod_of(manifests())
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "training"
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert not any("secret" in volume for volume in pod["volumes"])


def test_a_job_that_no_pool_has_room_for_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"training\.pods\.gpus = 16: no pool can ever give that"):
        manifests(gpus=16)
