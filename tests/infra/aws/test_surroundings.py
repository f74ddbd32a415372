"""What is around the cluster: registry, images, budget, notices of interruption, and tags on everything."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.images import source_version
from tests.infra.recorder import Resources, provision

DIGEST = "sha256:" + "a" * 64
BASES = {"python_image": f"python@{DIGEST}", "triton_image": f"nvcr.io/nvidia/tritonserver@{DIGEST}"}
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/images"

pytestmark = pytest.mark.xdist_group("aws platforms")


@pytest.fixture(params=["dev", "prod"])
def resources(request: pytest.FixtureRequest) -> Resources:
    return provision(request.param)


def test_images_are_scanned_encrypted_and_never_move(resources: Resources) -> None:
    repositories = resources.all("aws:ecr/repository:Repository")
    assert [each.name for each in repositories] == ["registry-serving", "registry-training"]
    for each in repositories:
        assert each.inputs["imageTagMutability"] == "IMMUTABLE"
        assert each.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert each.inputs["encryptionConfigurations"] == [
            {"encryptionType": "KMS", "kmsKey": "arn:aws:mock:::keys-images"}
        ]
    for policy in resources.all("aws:ecr/lifecyclePolicy:LifecyclePolicy"):
        first, last = json.loads(policy.inputs["policy"])["rules"]
        assert first["selection"] == {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 7,
        }
        assert last["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 30}


def test_only_dev_deletes_repositories_with_images() -> None:
    for stack, forced in (("dev", True), ("prod", False)):
        made = provision(stack).all("aws:ecr/repository:Repository")
        assert {each.inputs["forceDelete"] for each in made} == {forced}


def test_nothing_is_built_unless_asked_for() -> None:
    assert provision("prod", {"images.training_digest": DIGEST}).all("docker-build:index:Image") == []


def test_images_are_built_from_pinned_bases_and_pushed_under_the_digest_of_their_sources() -> None:
    images = provision("dev", {"images": {"build": True, **BASES}}).all("docker-build:index:Image")
    assert [each.name for each in images] == ["images-serving", "images-training"]
    for image in images:
        name = image.name.removeprefix("images-")
        assert image.inputs["push"] is True
        assert image.inputs["buildOnPreview"] is False
        assert image.inputs["platforms"] == ["linux/amd64"]
        (base,) = image.inputs["buildArgs"].values()
        assert image.inputs["tags"] == [f"{REPOSITORY}:{source_version(name, base)}"]
        assert "registries" not in image.inputs
        assert Path(image.inputs["dockerfile"]["location"]).is_file()
        assert next(iter(image.inputs["buildArgs"].values())).endswith(DIGEST)


def test_another_source_is_another_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "workloads" / "training" / "image"
    folder.mkdir(parents=True)
    (folder / "train.py").write_text("one")
    monkeypatch.chdir(tmp_path)
    first = source_version("training", "python@sha256:1")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "train.pyc").write_text("compiled")
    assert source_version("training", "python@sha256:1") == first
    assert source_version("training", "python@sha256:2") != first
    (folder / "train.py").write_text("two")
    assert source_version("training", "python@sha256:1") != first


def test_somebody_hears_of_the_bill_before_it_is_written(resources: Resources) -> None:
    budget = resources.one("aws:budgets/budget:Budget").inputs
    assert (budget["budgetType"], budget["timeUnit"], budget["limitUnit"]) == ("COST", "MONTHLY", "USD")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": [f"user:stack${budget['tags']['stack']}"]}]
    alerts = [(each["notificationType"], each["threshold"]) for each in budget["notifications"]]
    assert alerts == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert all("ml-platform@example.com" in each["subscriberEmailAddresses"] for each in budget["notifications"])


def test_no_budget_is_made_where_none_is_set() -> None:
    assert provision("dev", {"budget": {}}).all("aws:budgets/budget:Budget") == []


def test_notices_of_interruption_reach_an_encrypted_queue(resources: Resources) -> None:
    queue = resources.one("aws:sqs/queue:Queue").inputs
    assert queue["sqsManagedSseEnabled"] is True
    assert queue["messageRetentionSeconds"] == 300
    patterns = [json.loads(each.inputs["eventPattern"]) for each in resources.all("aws:cloudwatch/eventRule:EventRule")]
    kinds = {kind for pattern in patterns for kind in pattern["detail-type"]}
    assert {"EC2 Spot Instance Interruption Warning", "EC2 Instance State-change Notification"} <= kinds
    targets = resources.all("aws:cloudwatch/eventTarget:EventTarget")
    assert len(targets) == len(patterns)
    assert {each.inputs["arn"] for each in targets} == {"arn:aws:mock:::interruptions"}


def test_only_the_stacks_rules_send_to_it_and_only_its_reader_reads(resources: Resources) -> None:
    policy = resources.one("aws:sqs/queuePolicy:QueuePolicy")
    allowed = policy.statement("NoticesOfTheStack")
    names = {each.inputs["name"] for each in resources.all("aws:cloudwatch/eventRule:EventRule")}
    sources = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {source.rpartition("/")[2] for source in sources} == names
    assert policy.statement("TlsOnly")["Effect"] == "Deny"
    reader = resources.one("aws:iam/rolePolicy:RolePolicy", "interruptions-handler")
    assert reader.statement("ReadNotices")["Resource"] == allowed["Resource"]


def test_they_can_be_left_out() -> None:
    resources = provision("dev", {"interruptions.enabled": False})
    assert resources.all("aws:sqs/queue:Queue") == []
    assert resources.all("aws:cloudwatch/eventRule:EventRule") == []


@pytest.mark.parametrize(
    ("stack", "tags"),
    [
        (
            "dev",
            {
                "project": "trainyard",
                "stack": "dev",
                "owner": "ml-platform@example.com",
                "cost_centre": "research",
                "expires_at": "2027-01-01T00:00:00Z",
            },
        ),
        (
            "prod",
            {
                "project": "trainyard",
                "stack": "prod",
                "owner": "ml-platform@example.com",
                "cost_centre": "inference",
            },
        ),
    ],
)
def test_everything_that_takes_tags_has_the_stacks(stack: str, tags: dict[str, Any]) -> None:
    tagged = [each for each in provision(stack).registered if "tags" in each.inputs]
    assert len(tagged) >= 50
    for each in tagged:
        assert tags.items() <= each.inputs["tags"].items(), each.name
    types = {each.type.partition("/")[0] for each in tagged}
    assert {"aws:s3", "aws:kms", "aws:iam", "aws:eks", "aws:ec2", "aws:ecr", "aws:sqs", "aws:cloudwatch"} <= types
