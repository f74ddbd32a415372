"""Who can reach whose data: each identity its own bucket, the coordinator none of the sites'."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.workloads.training.federated.conftest import SITES, Cloud, FederatedJob, become
from trainyard_artifacts.storage import AccessRefusedError, ObjectStore, StorageError
from trainyard_federated.local_data import load_site_data
from trainyard_training.data.examples import DataError

pytestmark = pytest.mark.xdist_group("federated")


@pytest.mark.parametrize("reader", [*SITES, "coordinator"])
def test_an_identity_reads_its_own_bucket_and_no_others(
    cloud: Cloud, new_job: Any, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job: FederatedJob = new_job()
    become(reader, cloud, monkeypatch)
    for site in job.specification.sites:
        store = ObjectStore(site.datasets_uri)
        if site.name == reader:
            assert "index.json" in store.list()
            continue
        with pytest.raises(StorageError, match="AccessDenied"):
            store.list()
        with pytest.raises(AccessRefusedError):
            load_site_data(site.datasets_uri, job.specification.examples)
        with pytest.raises(AccessRefusedError):
            store.put("index.json", b"{}")


@pytest.mark.parametrize("site", SITES)
def test_a_site_cannot_use_the_coordinators_key_nor_read_its_checkpoints(cloud: Cloud, site: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("kms", site).encrypt(KeyId=cloud.key_uri.removeprefix("aws-kms://"), Plaintext=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("s3", site).list_objects_v2(Bucket="coordinator")


def test_data_that_is_not_as_agreed_is_refused_by_the_site(
    cloud: Cloud, new_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job: FederatedJob = new_job()
    become("north", cloud, monkeypatch)
    agreed = job.specification.examples
    data = load_site_data(job.specification.sites[0].datasets_uri, agreed)
    assert len(data.train) > len(data.test) > 0
    other = agreed.model_copy(update={"largest_value": 255, "labels": ("yes", "no")})
    with pytest.raises(DataError, match=r"largest_value is 16, not 255; labels is .* not \('yes', 'no'\)"):
        load_site_data(job.specification.sites[0].datasets_uri, other)
