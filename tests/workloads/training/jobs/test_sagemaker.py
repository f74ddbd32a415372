"""Jobs on SageMaker: requests as botocore's model of the API takes them, and moto's SageMaker, S3 and CloudWatch."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.conftest import REGION, ObjectCloud
from tests.workloads.training.jobs.documents import IMAGE_DIGEST, sagemaker_job, sagemaker_platform
from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.errors import JobRefusedError, PlatformUnavailableError
from workloads.training.jobs.following import follow
from workloads.training.jobs.platforms import SageMakerPlatform
from workloads.training.jobs.records import JobFolder, Record, folders
from workloads.training.jobs.sagemaker import SageMaker
from workloads.training.jobs.sagemaker_request import create_request, hyperparameters
from workloads.training.jobs.states import JobStatus
from workloads.training.jobs.submission import Order, refresh, submit

NAME = "digits-0123456789ab-20261126-080102"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def test_the_request_has_everything_that_both_files_say() -> None:
    job = sagemaker_job({"capacity": "spot", "usd_per_hour": 14.0}, maximum_cost_usd=7.0, max_runtime_seconds=1000)
    request = create_request(job, sagemaker_platform(max_wait_seconds=7200), NAME)
    assert request["AlgorithmSpecification"]["TrainingImage"].endswith(IMAGE_DIGEST)
    assert request["AlgorithmSpecification"]["ContainerArguments"] == [
        "--nproc-per-node=4",
        "/opt/ml/input/data/job/JOB.json",
    ]
    (channel,) = request["InputDataConfig"]
    assert channel["ChannelName"] == "job"
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://yard-staging/jobs/{NAME}/job/JOB.json"
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g5.12xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": "12345678-1234-1234-1234-123456789012",
    }
    # 7 USD buy half an hour; 1000 s of training and the time to start are less.
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1680, "MaxWaitTimeInSeconds": 7200}
    assert request["OutputDataConfig"]["S3OutputPath"] == f"s3://yard-staging/jobs/{NAME}/output"
    assert request["OutputDataConfig"]["KmsKeyId"].startswith("arn:aws:kms:")
    assert request["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert request["EnableManagedSpotTraining"] is True
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert {"Key": "team", "Value": "vision"} in request["Tags"]
    assert request["HyperParameters"]["learning_rate"] == "0.01"
    assert request["HyperParameters"]["model.name"] == '"digits"'


def test_what_is_not_said_is_not_asked_for() -> None:
    platform = sagemaker_platform(output_kms_key=None, volume_kms_key=None, subnets=[], security_group_ids=[])
    request = create_request(sagemaker_job({"instance_count": 1}), platform, NAME)
    assert "VpcConfig" not in request
    assert "VolumeKmsKeyId" not in request["ResourceConfig"]
    assert "KmsKeyId" not in request["OutputDataConfig"]
    assert set(request["StoppingCondition"]) == {"MaxRuntimeInSeconds"}
    assert request["EnableInterContainerTrafficEncryption"] is False


@pytest.fixture(scope="module")
def validate() -> Callable[[dict[str, Any]], None]:
    """Checks a request against botocore's model: members, types, lengths, and what is also in the model, patterns."""
    service = boto3.client("sagemaker", region_name=REGION).meta.service_model
    shape = service.operation_model("CreateTrainingJob").input_shape

    def check(value: Any, model: Any) -> None:
        if model.type_name == "structure":
            assert set(value) <= set(model.members), set(value) - set(model.members)
            assert set(model.required_members) <= set(value)
            for name, member in value.items():
                check(member, model.members[name])
        elif model.type_name == "list":
            assert model.metadata.get("min", 0) <= len(value) <= model.metadata.get("max", 10**6)
            for member in value:
                check(member, model.member)
        elif model.type_name == "map":
            assert len(value) <= model.metadata.get("max", 10**6)
            for name, member in value.items():
                check(name, model.key)
                check(member, model.value)
        elif model.type_name == "string":
            assert isinstance(value, str)
            assert model.metadata.get("min", 0) <= len(value) <= model.metadata.get("max", 10**6)
            assert not model.enum or value in model.enum, value
            # Python has no classes of Unicode's properties.
            pattern = re.sub(r"\\p\{[LZN]\}", r"\\w ", model.metadata.get("pattern", ".*"))
            assert re.fullmatch(pattern, value, re.DOTALL), (model.name, value)
        else:
            assert isinstance(value, {"integer": int, "boolean": bool}[model.type_name])
            if model.type_name == "integer":
                assert value >= model.metadata.get("min", 0)

    return lambda request: check(request, shape)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 512),
    volume=st.integers(1, 16_384),
    spot=st.booleans(),
    seconds=st.floats(1, 2e6),
    options=st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\Z"), st.integers() | st.text(max_size=20), max_size=120),
)
def test_every_valid_job_is_a_valid_request(
    validate: Callable[[dict[str, Any]], None],
    count: int,
    volume: int,
    spot: bool,
    seconds: float,
    options: dict[str, Any],
) -> None:
    resources = {"instance_count": count, "volume_gib": volume, "capacity": "spot" if spot else "on_demand"}
    job = sagemaker_job(resources, max_runtime_seconds=seconds, model={"options": options})
    request = create_request(job, sagemaker_platform(), NAME)
    validate(request)
    stopping = request["StoppingCondition"]
    assert stopping.get("MaxWaitTimeInSeconds", stopping["MaxRuntimeInSeconds"]) >= stopping["MaxRuntimeInSeconds"]
    assert ("MaxWaitTimeInSeconds" in stopping) == spot


def test_hyperparameters_keep_to_sagemakers_limits() -> None:
    shown = hyperparameters(sagemaker_job(model={"options": {f"o{i}": i for i in range(200)} | {"long": "x" * 3000}}))
    assert len(shown) == 100
    assert "model.options.long" not in shown


def submitted(cloud: ObjectCloud, tmp_path: Path, run: str, **changes: Any) -> JobFolder:
    return submit(Order(staged_job(cloud, run, **changes), staged_platform(cloud)), tmp_path, f"digits-{run}")


def staged_job(cloud: ObjectCloud, run: str, **changes: Any) -> TrainingSpecification:
    places = {"checkpoints_uri": f"s3://{cloud.checkpoints_bucket}/{run}", "run": run}
    return sagemaker_job({"usd_per_hour": 2.0}, **places, **changes)


def staged_platform(cloud: ObjectCloud, **changes: Any) -> SageMakerPlatform:
    key = cloud.key_uri.removeprefix("aws-kms://")
    return sagemaker_platform(staging_uri=f"s3://{cloud.models_bucket}/staging", output_kms_key=key, **changes)


def test_a_job_is_created_with_its_file_where_the_container_reads_it(object_cloud: ObjectCloud, tmp_path: Path) -> None:
    folder = submitted(object_cloud, tmp_path, "created1")
    described = object_cloud.client("sagemaker").describe_training_job(TrainingJobName=folder.name)
    assert folder.read().remote == described["TrainingJobArn"]
    uri = described["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    stored = object_cloud.client("s3").get_object(Bucket=bucket, Key=key)
    assert TrainingSpecification.model_validate_json(stored["Body"].read()) == folder.job()
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert stored["SSEKMSKeyId"] == object_cloud.key_uri.removeprefix("aws-kms://")
    # moto's jobs are through as soon as they are created.
    record = refresh(folder)
    assert record.status.state == "succeeded"
    assert record.status.metrics == {"train:progress": 100.0}
    assert folder.read() == record


def test_its_output_is_that_of_all_instances(object_cloud: ObjectCloud, tmp_path: Path) -> None:
    folder = submitted(object_cloud, tmp_path, "followed1")
    logs, now = object_cloud.client("logs"), int(time.time() * 1000)
    platform, record = SageMaker(staged_platform(object_cloud)), folder.read()
    assert platform.output(folder, record, None) == ([], None)
    logs.create_log_group(logGroupName=LOG_GROUP)

    def print_line(stream: str, timestamp: int, message: str) -> None:
        event = {"timestamp": timestamp, "message": message}
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=[event])

    streams = [f"{folder.name}/algo-{number}-1" for number in (1, 2)]
    for stream in streams:
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    print_line(streams[0], now - 5000, "first")
    print_line(streams[1], now - 4000, "second\nand more")
    lines, position = platform.output(folder, record, None)
    assert lines == ["first", "second", "and more"]
    # The clock of one instance is behind, and its line comes late.
    print_line(streams[0], now - 4500, "late")
    print_line(streams[1], now - 3000, "last")
    lines, position = platform.output(folder, record, position)
    assert lines == ["late", "last"]
    assert platform.output(folder, record, position)[0] == []
    told = list(follow(folder, 0.0))
    assert told[:-1] == ["first", "late", "second", "and more", "last"]
    end = told[-1]
    assert isinstance(end, JobStatus)
    assert end.state == "succeeded"


def test_a_refused_job_leaves_nothing_behind(object_cloud: ObjectCloud, tmp_path: Path) -> None:
    platform = staged_platform(object_cloud).model_copy(update={"role_arn": "arn:"})
    order = Order(staged_job(object_cloud, "refused1"), platform)
    with pytest.raises(JobRefusedError, match=r"cannot create training job digits: .*RoleArn") as refused:
        submit(order, tmp_path, "digits")
    assert object_cloud.environment["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)
    assert folders(tmp_path) == []
    kept = object_cloud.client("s3").list_objects_v2(Bucket=object_cloud.models_bucket, Prefix="staging/digits/")
    assert kept["KeyCount"] == 0


def test_a_bucket_that_is_not_there_is_told_by_name(object_cloud: ObjectCloud, tmp_path: Path) -> None:
    platform = staged_platform(object_cloud)
    platform = platform.model_copy(update={"staging_uri": "s3://nowhere-at-all/jobs"})
    with pytest.raises(JobRefusedError, match=r"cannot put the job file to s3://nowhere-at-all/jobs/digits"):
        submit(Order(staged_job(object_cloud, "nobucket1"), platform), tmp_path, "digits")
    assert folders(tmp_path) == []


def test_an_endpoint_that_is_away_keeps_the_record(
    object_cloud: ObjectCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with pytest.raises(PlatformUnavailableError, match=r"cannot create training job digits: .*127.0.0.1:1"):
        submit(Order(staged_job(object_cloud, "away1"), staged_platform(object_cloud)), tmp_path, "digits")
    (folder,) = folders(tmp_path)
    assert folder.read().status.state == "queued"


class StubbedSageMaker(SageMaker):
    """Answers of a SageMaker whose jobs take their time, checked against botocore's model."""

    def __init__(self, platform: SageMakerPlatform) -> None:
        super().__init__(platform)
        self.client = boto3.client("sagemaker", region_name=REGION)
        self.stubber = Stubber(self.client)
        self.stubber.activate()

    def _client(self, service: str) -> Any:
        assert service == "sagemaker"
        return self.client

    def describes(self, status: str, secondary: str, **more: Any) -> None:
        answer = {
            "TrainingJobName": NAME,
            "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:123456789012:training-job/{NAME}",
            "ModelArtifacts": {"S3ModelArtifacts": "s3://b/x"},
            "TrainingJobStatus": status,
            "SecondaryStatus": secondary,
            "StoppingCondition": {},
            "CreationTime": datetime.now(UTC),
            **more,
        }
        self.stubber.add_response("describe_training_job", answer, {"TrainingJobName": NAME})


@pytest.fixture
def running(object_cloud: ObjectCloud) -> tuple[StubbedSageMaker, JobFolder, Record]:
    status = JobStatus(state="queued", created=datetime.now(UTC), usd_per_hour=3.6)
    return StubbedSageMaker(sagemaker_platform()), JobFolder(Path("/nowhere", NAME)), Record(name=NAME, status=status)


def test_a_running_job_is_stopped(running: tuple[StubbedSageMaker, JobFolder, Record]) -> None:
    sagemaker, folder, record = running
    sagemaker.stubber.add_response("stop_training_job", {}, {"TrainingJobName": NAME})
    sagemaker.stop(folder, record)
    sagemaker.describes("Stopping", "Stopping")
    assert sagemaker.status(folder, record).state == "stopping"
    sagemaker.stubber.assert_no_pending_responses()


def test_stopping_what_has_ended_is_no_error(running: tuple[StubbedSageMaker, JobFolder, Record]) -> None:
    sagemaker, folder, record = running
    for status in ("Completed", "InProgress"):
        sagemaker.stubber.add_client_error(
            "stop_training_job", "ValidationException", "The request was rejected because it is in status X", 400
        )
        sagemaker.describes(status, "Completed" if status == "Completed" else "Training")
    sagemaker.stop(folder, record)
    with pytest.raises(JobRefusedError, match="The request was rejected"):
        sagemaker.stop(folder, record)


def test_the_cost_so_far_is_that_of_the_billed_seconds(running: tuple[StubbedSageMaker, JobFolder, Record]) -> None:
    sagemaker, folder, record = running
    sagemaker.describes(
        "InProgress",
        "Training",
        TrainingStartTime=datetime.now(UTC),
        BillableTimeInSeconds=500,
        FinalMetricDataList=[{"MetricName": "training_loss", "Value": 0.25, "Timestamp": datetime.now(UTC)}],
        SecondaryStatusTransitions=[
            {
                "Status": "Training",
                "StartTime": datetime.now(UTC),
                "StatusMessage": "Image downloaded.",
            }
        ],
    )
    status = sagemaker.status(folder, record)
    assert status.cost_usd == pytest.approx(0.5)
    assert status.metrics == {"training_loss": 0.25}
    assert status.reason == "Image downloaded."
    assert json.loads(json.dumps(status.document()))["cost_usd"] == pytest.approx(0.5)
