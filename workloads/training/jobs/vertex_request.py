"""A job as the body of ``projects.locations.customJobs.create``. Pure.

Field names are those of the REST API v1: messages ``CustomJob``, ``CustomJobSpec``, ``WorkerPoolSpec`` and others. The
container runs ``trainyard_training.managed``, which makes torchrun's arguments of ``CLUSTER_SPEC``. The job file is an
object that the container reads below ``/gcs``, where Vertex AI mounts buckets by Cloud Storage FUSE.
"""

import re
from typing import Any

from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.limits import managed_seconds
from workloads.training.jobs.platforms import VertexPlatform

FILE = "JOB.json"
LEAST_DISK_GB = 100
"""Of a boot disk; smaller ones are refused."""
LABEL_OF_NAME = "trainyard-name"


def create_request(job: TrainingSpecification, platform: VertexPlatform, name: str) -> dict[str, Any]:
    """The CustomJob: a pool of one, the chief, and a second pool of the other instances if there are any."""
    resources = job.resources
    pools = [_pool(job, platform, name, replicas=1)]
    if resources.instance_count > 1:
        pools.append(_pool(job, platform, name, replicas=resources.instance_count - 1))
    spot = resources.capacity == "spot"
    spec: dict[str, Any] = {
        "workerPoolSpecs": pools,
        "scheduling": {
            "timeout": f"{managed_seconds(job)}s",
            "strategy": "SPOT" if spot else "STANDARD",
            # Workers cannot go on without each other, and every one begins at the newest checkpoint.
            "restartJobOnWorkerRestart": True,
        },
        "serviceAccount": platform.service_account,
    }
    if platform.network is not None:
        spec["network"] = platform.network
    request: dict[str, Any] = {
        "displayName": name,
        "jobSpec": spec,
        "labels": {
            **{label(key): label(value) for key, value in platform.labels.items()},
            "trainyard-job": label(job.job),
            "trainyard-run": label(job.run),
            LABEL_OF_NAME: name,
        },
    }
    if platform.encryption_key_name is not None:
        request["encryptionSpec"] = {"kmsKeyName": platform.encryption_key_name}
    return request


def job_file_place(platform: VertexPlatform, name: str) -> tuple[str, str]:
    """Bucket and object of the job file."""
    bucket, _, prefix = platform.staging_uri.removeprefix("gs://").partition("/")
    return bucket, f"{prefix}/{name}/{FILE}".lstrip("/")


def label(text: str) -> str:
    """Text as a label or its value: lower-case letters, digits, dashes and underscores, 63 of them at most."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


def _pool(job: TrainingSpecification, platform: VertexPlatform, name: str, *, replicas: int) -> dict[str, Any]:
    resources = job.resources
    machine: dict[str, Any] = {"machineType": resources.instance_type}
    if resources.accelerator_type is not None:
        machine |= {"acceleratorType": resources.accelerator_type, "acceleratorCount": resources.accelerator_count}
    bucket, name_of_object = job_file_place(platform, name)
    return {
        "machineSpec": machine,
        # A 64-bit number, which Google's JSON writes as a string.
        "replicaCount": str(replicas),
        "diskSpec": {
            "bootDiskType": platform.boot_disk_type,
            "bootDiskSizeGb": max(resources.volume_gib, LEAST_DISK_GB),
        },
        "containerSpec": {
            "imageUri": platform.image,
            "command": ["python", "-m", "trainyard_training.managed"],
            "args": [f"--nproc-per-node={resources.processes_per_instance}", f"/gcs/{bucket}/{name_of_object}"],
        },
    }
