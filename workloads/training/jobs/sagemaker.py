"""Jobs on SageMaker training, by boto3. Credentials are boto3's business: its environment, files and roles."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import botocore.exceptions

from trainyard_artifacts.errors import one_line_reason
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.errors import JobError, JobRefusedError, PlatformUnavailableError
from workloads.training.jobs.platforms import SageMakerPlatform
from workloads.training.jobs.records import JobFolder, Record
from workloads.training.jobs.sagemaker_request import create_request, job_file_uri
from workloads.training.jobs.sagemaker_states import sagemaker_status
from workloads.training.jobs.states import JobStatus

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_LATE_MILLISECONDS = 10_000
_CONFIG = botocore.config.Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}, user_agent_extra="trainyard"
)


class SageMaker:
    """Creates, describes and stops training jobs of one region."""

    def __init__(self, specification: SageMakerPlatform) -> None:
        self._specification = specification

    def request(self, job: TrainingSpecification, name: str) -> Mapping[str, Any]:
        """CreateTrainingJob's request."""
        return create_request(job, self._specification, name)

    def create(self, job: TrainingSpecification, folder: JobFolder) -> str | None:
        """Put the job file where the container will read it, then create the job; returns its ARN.

        Raises:
            JobRefusedError: AWS refuses one or the other; the job file is taken away again.
            PlatformUnavailableError: AWS did not answer.
        """
        parts = urlsplit(job_file_uri(self._specification, folder.name))
        place = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        key = self._specification.output_kms_key
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key is not None else {}
        storage = self._client("s3")
        with self._asking(f"put the job file to {parts.geturl()}"):
            storage.put_object(**place, **encryption, Body=job.model_dump_json(indent=2).encode())
        try:
            with self._asking(f"create training job {folder.name}"):
                created = self._client("sagemaker").create_training_job(**self.request(job, folder.name))
        except JobRefusedError:
            with self._asking(f"take {parts.geturl()} away"):
                storage.delete_object(**place)
            raise
        return str(created["TrainingJobArn"])

    def status(self, folder: JobFolder, record: Record) -> JobStatus:
        """DescribeTrainingJob's answer, translated."""
        with self._asking(f"describe training job {folder.name}"):
            description = self._client("sagemaker").describe_training_job(TrainingJobName=folder.name)
        return sagemaker_status(description, record.status.usd_per_hour)

    def output(self, folder: JobFolder, record: Record, position: str | None) -> tuple[list[str], str | None]:
        """Lines of all instances from CloudWatch Logs, by time.

        A position is the last millisecond and the identifiers of the newest events: an instance's lines may arrive
        after younger ones of another, so that some seconds are read twice.
        """
        last, seen = json.loads(position) if position else (0, [])
        logs = self._client("logs")
        events: list[dict[str, Any]] = []
        try:
            with self._asking(f"read the output of training job {folder.name}"):
                pages = logs.get_paginator("filter_log_events").paginate(
                    logGroupName=_LOG_GROUP,
                    # Streams are called JOB/algo-1-1234567890; one more job's name may begin like this one's.
                    logStreamNamePrefix=f"{folder.name}/",
                    startTime=max(last - _LATE_MILLISECONDS, 0),
                )
                events = [event for page in pages for event in page["events"]]
        except _NotFoundError:
            return [], position  # There is no such group or stream before the first line.
        last = max([last, *(int(event["timestamp"]) for event in events)])
        fresh = [event for event in events if event["eventId"] not in set(seen)]
        recent = [event["eventId"] for event in events if event["timestamp"] >= last - _LATE_MILLISECONDS]
        return [line for event in fresh for line in str(event["message"]).splitlines()], json.dumps([last, recent])

    def stop(self, folder: JobFolder, record: Record) -> None:
        """StopTrainingJob: SIGTERM, and 120 s for a last checkpoint."""
        try:
            with self._asking(f"stop training job {folder.name}"):
                self._client("sagemaker").stop_training_job(TrainingJobName=folder.name)
        except JobRefusedError:
            # A job that has ended is refused, too.
            if not self.status(folder, record).has_ended:
                raise

    def _client(self, service: str) -> Any:
        return boto3.client(service, region_name=self._specification.region, config=_CONFIG)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except botocore.exceptions.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            message = f"SageMaker in {self._specification.region} cannot {what}: {one_line_reason(error)}"
            if code in ("ResourceNotFoundException", "ResourceNotFound"):
                raise _NotFoundError(message) from None
            if status >= 500 or code in ("Throttling", "ThrottlingException"):
                raise PlatformUnavailableError(message) from None
            raise JobRefusedError(message) from None
        except botocore.exceptions.NoCredentialsError:
            raise JobRefusedError(
                f"SageMaker in {self._specification.region} cannot {what}: there are no AWS credentials; set"
                " AWS_PROFILE, or log in by 'aws sso login'"
            ) from None
        except botocore.exceptions.ParamValidationError as error:
            raise JobRefusedError(f"cannot {what}: {one_line_reason(error)}") from None
        except botocore.exceptions.BotoCoreError as error:
            raise PlatformUnavailableError(
                f"SageMaker in {self._specification.region} cannot {what}: {one_line_reason(error)}"
            ) from None


class _NotFoundError(JobError):
    """There is no such thing."""
