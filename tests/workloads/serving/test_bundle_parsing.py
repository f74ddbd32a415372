"""Archives and indexes of any kind: nothing but a bundle's files gets through, and nothing but a refusal comes out."""

import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.workloads.serving.bundle_files import Keys, bundle_of_no_model
from trainyard_artifacts.manifest import ModelSignature, TensorSignature
from trainyard_serving.bundle import verify_bundle
from trainyard_serving.bundle_index import (
    BundledFile,
    BundleError,
    BundleIndex,
    decode_index,
    encode_index,
    needed_files,
)
from trainyard_serving.bundle_source import MOST_FILES, opened_bundle
from trainyard_serving.release import Release
from workloads.serving.bundle.output import archive_bytes

TENSOR = TensorSignature(name="x", dtype="float32", shape=(None, 4))
RELEASES = (
    Release(version=1, manifest_uri="s3://models/m/manifest.json", run="0123456789ab", percent=90),
    Release(version=22, manifest_uri="s3://models/n/manifest.json", run="ba9876543210", variant="int8", percent=10),
)
INDEX = BundleIndex(
    kind="trainyard-bundle",
    schema_version=2,
    trainyard_version="0.1.0",
    job="digits",
    releases=RELEASES,
    model_name="digits",
    model=ModelSignature(input=TENSOR, output=TENSOR, labels=("a", "b")),
    image="registry.example/serving@sha256:" + "0" * 64,
    recipient="0" * 32,
    signer="1" * 32,
    files=tuple(BundledFile(name=name, bytes=1, sha256="0" * 64) for name in sorted(needed_files(RELEASES))),
)
PARTS = st.one_of(
    st.sampled_from(["..", ".", "", "etc", "~", "C:", "model.onnx.tink", "con\\..", "a\nb", "ä"]),
    st.text(max_size=12),
)
NAMES = st.builds(lambda start, parts: start + "/".join(parts), st.sampled_from(["", "/"]), st.lists(PARTS, max_size=4))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.made_in(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(keys: Keys) -> dict[str, bytes]:
    return bundle_of_no_model(keys)


def encoded(document: object) -> bytes:
    """A document in the form in which indexes are written."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode(errors="replace")


def archive_of(members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def read_all(archive: bytes) -> dict[str, bytes]:
    """What a bundle's archive holds, in a folder that has to stay as it is."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "bundle.tar")
        place.write_bytes(archive)
        try:
            with opened_bundle(place) as source:
                return {name: source.read(name) for name in source.sizes}
        finally:
            assert list(Path(folder).iterdir()) == [place]


@settings(max_examples=40, deadline=None)
@given(name=NAMES)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assume(("\0" not in name and name.isprintable()) or "\n" in name)
    archive = archive_of([(tarfile.TarInfo("bundle.json"), b"{}"), (tarfile.TarInfo(name), b"x")])
    try:
        read = read_all(archive)
    except BundleError:
        return
    for each in read:
        path = PurePosixPath(each)
        assert (path.name, len(path.parts)) == (each, 1)
        assert not each.startswith(".")


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", "..", "./bundle.json", ".hidden", "a\\..\\b", "é"])
def test_names_that_are_no_plain_ones_are_named_in_the_refusal(name: str) -> None:
    with pytest.raises(BundleError, match="is not a name that a file in a bundle can have") as raised:
        read_all(archive_of([(tarfile.TarInfo(name), b"x")]))
    assert repr(name) in str(raised.value)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE],
)
def test_only_plain_files_are_members(kind: bytes) -> None:
    member = tarfile.TarInfo("compose.yaml")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(BundleError, match=r"'compose\.yaml' is not a plain file"):
        read_all(archive_of([(member, b"")]))


@pytest.mark.parametrize("size", [1000, 2**50])
def test_a_sparse_member_which_can_be_longer_than_the_archive_is_refused(size: int) -> None:
    member = tarfile.TarInfo("model.onnx.tink")
    member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": str(size)}
    member.pax_headers |= {"GNU.sparse.map": f"0,1,{size},0", "GNU.sparse.name": "model.onnx.tink"}
    with pytest.raises(BundleError, match=r"'model\.onnx\.tink' is not a plain file"):
        read_all(archive_of([(member, b"x")]))


def test_a_name_twice_and_too_many_files_are_refused() -> None:
    twice = [(tarfile.TarInfo("compose.yaml"), b"good"), (tarfile.TarInfo("compose.yaml"), b"bad")]
    with pytest.raises(BundleError, match=r"'compose\.yaml' is there twice"):
        read_all(archive_of(twice))
    with pytest.raises(BundleError, match=f"more than {MOST_FILES} files"):
        read_all(archive_bytes({f"file-{number}": b"" for number in range(MOST_FILES + 1)}))


def test_a_compressed_archive_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    with pytest.raises(BundleError, match=r"neither a bundle's folder nor its \.tar"):
        read_all(buffer.getvalue())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_altered_archive_has_the_same_files_or_is_refused(
    keys: Keys, signed: dict[str, bytes], data: st.DataObject
) -> None:
    archive = bytearray(archive_bytes(signed))
    headers = [start for start in range(0, len(archive), 512) if archive[start + 257 : start + 262] == b"ustar"]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.sampled_from(headers) | st.integers(0, len(archive) - 512))
        archive[start + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(archive)) | st.integers(0, len(archive)))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "bundle.tar")
        place.write_bytes(bytes(archive[:cut]))
        try:
            bundle = verify_bundle(place, keys.signer)
        except BundleError:
            return
        assert {name: signed[name] for name in bundle.files} == bundle.files


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_an_index_of_any_form_is_read_as_it_is_or_refused(data: st.DataObject) -> None:
    document: dict[str, Any] = json.loads(encode_index(INDEX))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    change = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "replace":
        place[key] = data.draw(JSON)
    elif change == "remove":
        del place[key]
    elif isinstance(place, dict):
        place[data.draw(st.text(min_size=1))] = data.draw(JSON)
    else:
        place.append(data.draw(JSON))
    text = encoded(document)
    try:
        index = decode_index(text, "bundle.json")
    except BundleError:
        return
    assert encode_index(index) == text


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_an_index_that_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError, match="not one that this version reads"):
        decode_index(data, "bundle.json")


@pytest.mark.parametrize("lacking", sorted(needed_files(RELEASES)))
def test_an_index_lists_all_that_is_served_from(lacking: str) -> None:
    files = [file for file in json.loads(encode_index(INDEX))["files"] if file["name"] != lacking]
    document = json.loads(encode_index(INDEX)) | {"files": files}
    with pytest.raises(BundleError, match=f"not listed: {lacking}"):
        decode_index(encoded(document), "bundle.json")


def test_an_index_in_another_form_of_the_same_meaning_is_refused() -> None:
    assert decode_index(encode_index(INDEX), "bundle.json") == INDEX
    with pytest.raises(BundleError, match="not in the form in which indexes are written"):
        decode_index(encode_index(INDEX) + b" ", "bundle.json")
