"""Object storage: the same behaviour over a bucket and a directory, errors that name operation and URI."""

from pathlib import Path

import pytest

from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.errors import one_line_reason
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore, StorageError, split_object_uri


@pytest.fixture(params=["s3", "file"])
def store(request: pytest.FixtureRequest, object_cloud: ObjectCloud, tmp_path: Path) -> ObjectStore:
    if request.param == "s3":
        return ObjectStore(f"s3://{object_cloud.models_bucket}/{tmp_path.name}")
    return ObjectStore(f"file://{tmp_path}/objects")


def test_what_is_put_is_there_until_it_is_deleted(store: ObjectStore) -> None:
    assert store.list() == ()
    store.put("folder/name", b"first")
    store.put("folder/name", b"second")
    store.put("other", b"")
    assert store.get("folder/name") == b"second"
    assert store.list() == ("folder/name", "other")
    store.delete("folder/name")
    store.delete("folder/name")
    assert store.list() == ("other",)


def test_a_missing_object_is_named_with_operation_and_uri(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError) as caught:
        store.get("nothing.bin")
    assert str(caught.value) == f"cannot read {store.uri}/nothing.bin: there is no such object"


@pytest.mark.parametrize("uri", ["", "bucket/x", "ftp://bucket/x", "s3://", "file://", "gs:///x"])
def test_what_is_no_store_is_refused(uri: str) -> None:
    with pytest.raises(StorageError, match="expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///DIRECTORY"):
        ObjectStore(uri)


@pytest.mark.usefixtures("object_cloud")
def test_a_missing_bucket_is_said_to_be_missing() -> None:
    store = ObjectStore("s3://no-such-bucket-here/x")
    with pytest.raises(ObjectNotFoundError, match="cannot write s3://no-such-bucket-here/x/y: there is no such bucket"):
        store.put("y", b"")
    with pytest.raises(ObjectNotFoundError, match="cannot list s3://no-such-bucket-here/x: there is no such bucket"):
        store.list()


@pytest.mark.usefixtures("object_cloud")
def test_an_unreachable_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageError) as caught:
        ObjectStore("s3://bucket/x").get("y")
    assert "cannot read s3://bucket/x/y: the endpoint http://127.0.0.1:9 (AWS_ENDPOINT_URL)" in str(caught.value)


@pytest.mark.usefixtures("object_cloud")
def test_plain_http_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(StorageError, match="AWS_ALLOW_HTTP=true is not set"):
        ObjectStore("s3://bucket/x")


def test_an_error_shows_no_credential(object_cloud: ObjectCloud) -> None:
    secret = object_cloud.environment["AWS_SECRET_ACCESS_KEY"]
    answer = f"status: <Error><Code>SignatureDoesNotMatch</Code><Message>no {secret}</Message><Key>{secret}</Key>"
    assert one_line_reason(answer) == "SignatureDoesNotMatch: no [AWS_SECRET_ACCESS_KEY]"
    assert secret not in one_line_reason(f"connection with {secret}\nfailed")


def test_an_object_uri_splits_into_store_and_name() -> None:
    assert split_object_uri("s3://bucket/a/b.json") == ("s3://bucket/a", "b.json")
    for uri in ("s3://bucket", "s3://bucket/a/", "b.json"):
        with pytest.raises(StorageError, match="it names no object"):
            split_object_uri(uri)
