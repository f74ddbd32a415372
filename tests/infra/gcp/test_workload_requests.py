"""The workloads' own client of Cloud Storage, with what its service accounts are granted: that is enough, and no more.

Requests are those that obstore makes; Cloud Storage and IAM are stand-ins (`cloud_storage`).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from infra.platform import Identity
from tests.infra.gcp.cloud_storage import CloudStorage, serving
from tests.infra.recorder import provision
from trainyard_artifacts.storage import AccessRefusedError, ObjectNotFoundError, ObjectStore

BUCKET = "trainyard-gcp-dev-checkpoints-ml-platform-example"
LARGE = b"1" * 12_000_000
"""More than obstore puts at once."""

pytestmark = pytest.mark.xdist_group("gcp platforms")


class Workloads:
    """A Cloud Storage for each identity, with its own grants."""

    def __init__(self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, team: str = "") -> None:
        self._stack, self._monkeypatch, self._team = stack, monkeypatch, team
        self.served: dict[Identity, CloudStorage] = {}

    def store(self, identity: Identity, purpose: str, folder: str = "digits/run") -> ObjectStore:
        """A folder of a bucket, as the identity reaches it."""
        if identity not in self.served:
            resources = provision("gcp-dev", {"kubernetes.teams": {self._team: {}}} if self._team else {})
            begins = f"teams-{self._team}-{identity.value}-" if self._team else f"identity-{identity.value}-"
            members = resources.all("gcp:storage/bucketIAMMember:BucketIAMMember")
            grants = [each for each in members if each.name.startswith(begins)]
            self.served[identity] = self._stack.enter_context(serving(CloudStorage(grants)))
        for name, value in self.served[identity].environment().items():
            self._monkeypatch.setenv(name, value)
        return ObjectStore(f"gs://trainyard-gcp-dev-{purpose}-ml-platform-example/{folder}")


@pytest.fixture
def workloads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workloads]:
    with ExitStack() as stack:
        yield Workloads(stack, monkeypatch)


def refused(*requests: Callable[[], object]) -> None:
    for request in requests:
        with pytest.raises(AccessRefusedError):
            request()


def test_a_training_keeps_checkpoints_and_removes_them(workloads: Workloads) -> None:
    checkpoints = workloads.store(Identity.TRAINING, "checkpoints")
    with pytest.raises(ObjectNotFoundError):
        checkpoints.get("state")
    for content in (b"one", b"two", LARGE, LARGE):
        checkpoints.put("state", content)
        assert checkpoints.get("state") == content
    assert checkpoints.list() == ("state",)
    checkpoints.delete("state")
    assert checkpoints.list() == ()
    assert workloads.served[Identity.TRAINING].asked == {
        "storage.multipartUploads.create",
        "storage.objects.create",
        "storage.objects.delete",
        "storage.objects.get",
        "storage.objects.list",
    }


def test_a_training_publishes_and_replaces_a_manifest_and_nothing_else(workloads: Workloads) -> None:
    models = workloads.store(Identity.TRAINING, "models")
    with pytest.raises(ObjectNotFoundError):
        models.get("manifest.json")
    for name, content in {"model-0123.tink": LARGE, "report-4567.tink": b"report", "manifest.json": b"{}"}.items():
        models.put(name, content)
    models.put("manifest.json", b"{ }")
    assert models.get("manifest.json") == b"{ }"
    refused(
        lambda: models.get("model-0123.tink"),
        lambda: models.put("model-0123.tink", b"another"),
        lambda: models.put("model-0123.tink", LARGE),
        lambda: models.delete("report-4567.tink"),
    )


def test_a_loader_writes_data_sets_and_writes_them_again(workloads: Workloads) -> None:
    datasets = workloads.store(Identity.LOADER, "datasets")
    for content in (LARGE, b"another"):
        datasets.put("train-00000.npz", content)
    assert datasets.get("train-00000.npz") == b"another"
    with pytest.raises(AccessRefusedError):
        workloads.store(Identity.LOADER, "checkpoints").put("state", b"x")


def test_a_training_reads_data_sets_and_changes_none(workloads: Workloads) -> None:
    datasets = workloads.store(Identity.TRAINING, "datasets")
    with pytest.raises(ObjectNotFoundError):
        datasets.get("index.json")
    assert datasets.list() == ()
    refused(
        lambda: datasets.put("index.json", b"x"),
        lambda: datasets.put("index.json", LARGE),
        lambda: datasets.delete("index.json"),
    )


def test_serving_reads_models_and_changes_none(workloads: Workloads) -> None:
    models = workloads.store(Identity.SERVING, "models")
    with pytest.raises(ObjectNotFoundError):
        models.get("manifest.json")
    with pytest.raises(AccessRefusedError):
        models.put("manifest.json", b"x")


@pytest.mark.parametrize("identity", list(Identity))
@pytest.mark.parametrize("purpose", ["datasets", "checkpoints", "models", "logs"])
def test_nobody_works_outside_the_workload_s_folder(workloads: Workloads, identity: Identity, purpose: str) -> None:
    elsewhere = workloads.store(identity, purpose, "other/run")
    refused(
        lambda: elsewhere.get("manifest.json"),
        lambda: elsewhere.put("manifest.json", b"x"),
        lambda: elsewhere.delete("manifest.json"),
    )


def test_a_team_works_in_its_folder_and_sees_of_others_no_more_than_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        workloads = Workloads(stack, monkeypatch, team="vision")
        own = workloads.store(Identity.TRAINING, "checkpoints", "vision/run")
        own.put("state", LARGE)
        assert own.list() == ("state",)
        with pytest.raises(ObjectNotFoundError):
            own.get("missing")
        another = workloads.store(Identity.TRAINING, "checkpoints", "speech/run")
        workloads.served[Identity.TRAINING].objects[BUCKET, "speech/run/state"] = b"secret"
        assert another.list() == ("state",)
        refused(lambda: another.get("state"), lambda: another.put("state", b"x"), lambda: another.delete("state"))
