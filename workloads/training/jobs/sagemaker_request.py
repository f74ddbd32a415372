"""A job as CreateTrainingJob's request. Pure.

The container runs ``trainyard_training.managed``, which makes torchrun's arguments of SageMaker's description of the
nodes. The job file is an input channel: an environment variable holds 512 characters, a hyperparameter 2,500.
"""

import json
from collections.abc import Iterator
from typing import Any

from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.limits import managed_seconds
from workloads.training.jobs.metrics import METRICS
from workloads.training.jobs.platforms import SageMakerPlatform

CHANNEL = "job"
FILE = "JOB.json"
CONTAINER_FILE = f"/opt/ml/input/data/{CHANNEL}/{FILE}"
"""Where SageMaker puts the channel's object. Source: "How Amazon SageMaker AI Provides Training Information"."""
_MOST_HYPERPARAMETERS = 100
_LONGEST_HYPERPARAMETER = 2500
_DAY = 86_400
_SHOWN_BY_NAME = ("seed", "epochs", "global_batch_size", "learning_rate", "target_accuracy")
_SHOWN_GROUPS = ("model", "strategy", "optimization", "computation", "input", "stop_when", "privacy")


def create_request(job: TrainingSpecification, platform: SageMakerPlatform, name: str) -> dict[str, Any]:
    """Everything that CreateTrainingJob is given. Limits of lengths and counts are those of its reference."""
    resources = job.resources
    seconds = managed_seconds(job)
    stopping: dict[str, Any] = {"MaxRuntimeInSeconds": seconds}
    spot = resources.capacity == "spot"
    if spot:
        stopping["MaxWaitTimeInSeconds"] = int(platform.max_wait_seconds or seconds + _DAY)
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": platform.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": platform.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-m", "trainyard_training.managed"],
            "ContainerArguments": [f"--nproc-per-node={resources.processes_per_instance}", CONTAINER_FILE],
            "MetricDefinitions": [{"Name": metric, "Regex": regex} for metric, regex in METRICS.items()],
        },
        "HyperParameters": hyperparameters(job),
        "InputDataConfig": [
            {
                "ChannelName": CHANNEL,
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": job_file_uri(platform, name),
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"{platform.staging_uri}/{name}/output"},
        "ResourceConfig": {
            "InstanceType": resources.instance_type,
            "InstanceCount": resources.instance_count,
            "VolumeSizeInGB": resources.volume_gib,
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": spot,
        # The job itself reads data, writes checkpoints and asks the key service.
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": platform.encrypt_traffic_between_instances
        and resources.instance_count > 1,
        "Environment": {"AWS_REGION": platform.region, "AWS_DEFAULT_REGION": platform.region},
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in {**platform.tags, "trainyard:job": job.job, "trainyard:run": job.run}.items()
        ],
    }
    if platform.output_kms_key is not None:
        request["OutputDataConfig"]["KmsKeyId"] = platform.output_kms_key
    if platform.volume_kms_key is not None:
        request["ResourceConfig"]["VolumeKmsKeyId"] = platform.volume_kms_key
    if platform.subnets:
        request["VpcConfig"] = {
            "Subnets": list(platform.subnets),
            "SecurityGroupIds": list(platform.security_group_ids),
        }
    return request


def job_file_uri(platform: SageMakerPlatform, name: str) -> str:
    """Where the job file is put. The channel is every object whose name begins so: this one."""
    return f"{platform.staging_uri}/{name}/{CHANNEL}/{FILE}"


def hyperparameters(job: TrainingSpecification) -> dict[str, str]:
    """What SageMaker's console and search show; the container reads the job file and not these.

    At most 100, whose values have at most 2,500 characters; longer values are left out.
    """
    document = job.model_dump(mode="json")
    shown = {name: json.dumps(document[name]) for name in _SHOWN_BY_NAME}
    shown |= {name: text for group in _SHOWN_GROUPS for name, text in _flat(group, document[group])}
    short = [(name, text) for name, text in shown.items() if len(text) <= _LONGEST_HYPERPARAMETER]
    return dict(short[:_MOST_HYPERPARAMETERS])


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for field, inner in value.items():
            yield from _flat(f"{name}.{field}", inner)
    elif value is not None:
        yield name, json.dumps(value)
