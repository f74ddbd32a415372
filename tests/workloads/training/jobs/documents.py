"""Job and platform files that are valid, to be changed in one thing at a time."""

from typing import Any

from tests.workloads.conftest import TRAINING_FIELDS
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.platforms import SageMakerPlatform, VertexPlatform

IMAGE_DIGEST = "@sha256:" + "0123456789abcdef" * 4
AWS_KEY = "aws-kms://arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
GCP_KEY = "gcp-kms://projects/yard-1/locations/europe-west4/keyRings/training/cryptoKeys/model"


def job_file(scheme: str, key: str, resources: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A job whose objects are below buckets of one scheme."""
    places = {f"{what}_uri": f"{scheme}://yard-{what}/digits" for what in ("datasets", "checkpoints", "models")}
    return {**TRAINING_FIELDS, **places, "encryption_key_uri": key, "resources": resources or {}, **changes}


def local_job(**changes: Any) -> TrainingSpecification:
    """A job for this machine."""
    return TrainingSpecification.model_validate(job_file("s3", AWS_KEY, **changes))


def sagemaker_job(resources: dict[str, Any] | None = None, **changes: Any) -> TrainingSpecification:
    """A job for SageMaker on two instances."""
    on = {"instance_type": "ml.g5.12xlarge", "instance_count": 2, "processes_per_instance": 4, "volume_gib": 50}
    return TrainingSpecification.model_validate(job_file("s3", AWS_KEY, {**on, **(resources or {})}, **changes))


def vertex_job(resources: dict[str, Any] | None = None, **changes: Any) -> TrainingSpecification:
    """A job for Vertex AI on three instances."""
    on = {"instance_type": "g2-standard-24", "instance_count": 3, "processes_per_instance": 2, "volume_gib": 50}
    on |= {"accelerator_type": "NVIDIA_L4", "accelerator_count": 2}
    return TrainingSpecification.model_validate(job_file("gs", GCP_KEY, {**on, **(resources or {})}, **changes))


SAGEMAKER: dict[str, Any] = {
    "kind": "sagemaker",
    "region": "us-east-1",
    "role_arn": "arn:aws:iam::123456789012:role/training",
    "image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/trainyard{IMAGE_DIGEST}",
    "staging_uri": "s3://yard-staging/jobs",
    "output_kms_key": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "volume_kms_key": "12345678-1234-1234-1234-123456789012",
    "subnets": ["subnet-1", "subnet-2"],
    "security_group_ids": ["sg-1"],
    "tags": {"team": "vision"},
}
VERTEX: dict[str, Any] = {
    "kind": "vertex",
    "project": "yard-1",
    "location": "europe-west4",
    "service_account": "training@yard-1.iam.gserviceaccount.com",
    "image": f"europe-west4-docker.pkg.dev/yard-1/images/trainyard{IMAGE_DIGEST}",
    "staging_uri": "gs://yard-staging/jobs",
    "encryption_key_name": "projects/yard-1/locations/europe-west4/keyRings/jobs/cryptoKeys/disks",
    "network": "projects/12345/global/networks/training",
    "labels": {"Team": "vision"},
}


def sagemaker_platform(**changes: Any) -> SageMakerPlatform:
    """SageMaker with everything that can be set."""
    return SageMakerPlatform.model_validate({**SAGEMAKER, **changes}, strict=False)


def vertex_platform(**changes: Any) -> VertexPlatform:
    """Vertex AI with everything that can be set."""
    return VertexPlatform.model_validate({**VERTEX, **changes}, strict=False)
