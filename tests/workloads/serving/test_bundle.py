"""A bundle verifies and decrypts as it was written, for whom it was written; all else is refused by name."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.serving.bundle_files import Keys, Written, bundle_of
from tests.workloads.serving.service_process import LABELS, MARKER, files_with_the_model, tiny_model
from trainyard_artifacts.envelope import KeyRefusedError
from trainyard_serving.__main__ import main
from trainyard_serving.bundle import AnotherMachineError, Bundle, decrypt_models, verify_bundle
from trainyard_serving.bundle_index import INDEX_FILE, SIGNATURE_FILE, BundleError, checksums
from trainyard_serving.bundle_keys import (
    BundleKeyError,
    PrivateKey,
    Purpose,
    public_path,
    read_private_key,
    read_public_key,
)
from trainyard_serving.bundle_service import service_of
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.model_repository import UnservableModelError
from workloads.serving.bundle.output import archive_bytes, write_bundle

pytestmark = pytest.mark.xdist_group("bundle")

MODEL = "model-1.onnx.tink"


@pytest.fixture(scope="module")
def written(model_cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return bundle_of(*model_cloud, tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=["bundle", "bundle.tar"])
def refusal(request: pytest.FixtureRequest, written: Written, tmp_path: Path) -> Callable[[dict[str, bytes]], str]:
    """What is said of files that are no bundle of the signer's, as a folder and as an archive."""

    def refuse(files: dict[str, bytes]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        write_bundle(files, folder / request.param)
        with pytest.raises(BundleError) as raised:
            verify_bundle(folder / request.param, written.keys.signer)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    return refuse


def decrypt_all(bundle: Bundle, key: PrivateKey) -> None:
    for _ in decrypt_models(bundle, key):
        pass


@pytest.mark.parametrize("name", ["bundle", "bundle.tar"])
def test_what_is_written_is_verified_and_decrypted_without_a_cloud(written: Written, name: str, tmp_path: Path) -> None:
    write_bundle(written.files, tmp_path / name)
    bundle = verify_bundle(tmp_path / name, written.keys.signer)
    (due,) = written.order.fetched
    assert list(decrypt_models(bundle, written.keys.machine_key)) == [(due.release, due.manifest, tiny_model())]
    assert (bundle.index.job, bundle.index.releases, bundle.index.model.labels) == ("digits", (due.release,), LABELS)
    assert bundle.settings["max_batch_size"] == 64
    assert not set(bundle.settings) & {"releases", "work_dir", "listen_address"}
    assert 'name: "digits"' in bundle.files["config.pbtxt"].decode()
    assert files_with_the_model(tmp_path) == []


def test_the_checksums_are_those_that_sha256sum_reads(written: Written, tmp_path: Path) -> None:
    write_bundle(written.files, tmp_path / "bundle")
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    checked = subprocess.run(command, cwd=tmp_path / "bundle", capture_output=True, text=True, check=True)
    assert checked.stdout.splitlines() == [f"{name}: OK" for name in sorted(written.files) if name != "SHA256SUMS"]


def test_equal_inputs_give_equal_bytes_but_for_the_ciphertext(written: Written) -> None:
    again = written.again()
    assert {name for name in again if again[name] != written.files[name]} == {
        MODEL,
        INDEX_FILE,
        SIGNATURE_FILE,
        "SHA256SUMS",
    }
    assert archive_bytes(again) == archive_bytes(dict(reversed(again.items())))
    assert MARKER.encode() not in archive_bytes(again)


def test_a_file_altered_by_one_byte_is_refused_by_name(written: Written, refusal: Any) -> None:
    for name, data in written.files.items():
        for position in (0, len(data) // 2, len(data) - 1):
            altered = bytearray(data)
            altered[position] ^= 1
            said = refusal({**written.files, name: bytes(altered)})
            assert name in said
            assert "was altered" in said
            shorter = refusal({**written.files, name: data[:-1]})
            assert name in shorter


def test_a_file_that_is_missing_or_too_many_is_refused_by_name(written: Written, refusal: Any) -> None:
    for name in written.files:
        assert f"{name} is missing" in refusal({key: data for key, data in written.files.items() if key != name})
    said = refusal({**written.files, "model.py": b"import os", "compose.override.yaml": b""})
    assert "compose.override.yaml is there and bundle.json does not list it; model.py is there" in said


def test_all_that_is_wrong_is_told_at_once(written: Written, refusal: Any) -> None:
    files = {**written.files, "compose.yaml": b"", "more": b"", "config.pbtxt": written.files["config.pbtxt"][::-1]}
    del files["README.md"]
    said = refusal(files)
    assert all(name in said for name in ("compose.yaml", "more", "config.pbtxt", "README.md"))
    assert MODEL not in said


def test_a_bundle_signed_by_another_key_is_refused(written: Written, refusal: Any, tmp_path: Path) -> None:
    forger = Keys.made_in(tmp_path).signing_key
    files = {**written.files, SIGNATURE_FILE: forger.sign(written.files[INDEX_FILE])}
    said = refusal({**files, "SHA256SUMS": checksums({k: v for k, v in files.items() if k != "SHA256SUMS"})})
    assert (
        f"it is signed by another key than {public_path(written.keys.signing)} ({written.keys.signer.identity})" in said
    )


def test_a_bundle_for_another_machine_is_not_decrypted(written: Written, tmp_path: Path) -> None:
    other = Keys.made_in(tmp_path)
    write_bundle(written.files, tmp_path / "bundle")
    bundle = verify_bundle(tmp_path / "bundle", written.keys.signer)
    with pytest.raises(AnotherMachineError) as raised:
        decrypt_all(bundle, other.machine_key)
    assert isinstance(raised.value, KeyRefusedError)
    assert f"encrypted for the key {written.keys.recipient.identity}, and {other.machine} is" in str(raised.value)
    # Whatever the index says, the ciphertext itself does not open.
    claimed = replace(bundle, index=bundle.index.model_copy(update={"recipient": other.machine_key.identity}))
    with pytest.raises(BundleError, match=r"model-1\.onnx\.tink cannot be decrypted"):
        decrypt_all(claimed, other.machine_key)


def test_a_model_of_another_run_does_not_decrypt_as_this_one(written: Written, tmp_path: Path) -> None:
    write_bundle(written.files, tmp_path / "bundle")
    bundle = verify_bundle(tmp_path / "bundle", written.keys.signer)
    (release,) = bundle.index.releases
    other = release.model_copy(update={"run": "ba9876543210"})
    moved = replace(bundle, index=bundle.index.model_copy(update={"releases": (other,)}))
    with pytest.raises(BundleError, match=r"model-1\.onnx\.tink cannot be decrypted"):
        decrypt_all(moved, written.keys.machine_key)


def test_releases_are_bundled_each_and_verified_together(written: Written, refusal: Any, tmp_path: Path) -> None:
    (fetched,) = written.order.fetched
    releases = tuple(
        fetched.release.model_copy(update={"version": version, "percent": percent})
        for version, percent in ((1, 90), (7, 10), (22, 0))
    )
    service = written.order.specification.model_copy(update={"releases": releases})
    files = written.again(specification=service, fetched=tuple(fetched._replace(release=each) for each in releases))
    assert {f"model-{each.version}.onnx.tink" for each in releases} < set(files)
    write_bundle(files, tmp_path / "canary.tar")
    bundle = verify_bundle(tmp_path / "canary.tar", written.keys.signer)
    decrypted = list(decrypt_models(bundle, written.keys.machine_key))
    assert decrypted == [(each, fetched.manifest, tiny_model()) for each in releases]
    assert service_of(bundle, work_dir="/work") == service.model_copy(update={"work_dir": "/work"})
    readme = files["README.md"].decode()
    assert "- version 7 (run 0123456789ab), 10 % of the requests that name no version\n" in readme
    assert "model-22.onnx.tink is missing" in refusal(
        {name: data for name, data in files.items() if name != "model-22.onnx.tink"}
    )


def test_releases_that_clients_would_call_differently_are_not_bundled(written: Written) -> None:
    (fetched,) = written.order.fetched
    other = fetched.manifest.model_copy(update={"model": fetched.manifest.model.model_copy(update={"labels": ("a",)})})
    second = fetched._replace(release=fetched.release.model_copy(update={"version": 2, "percent": 0}), manifest=other)
    with pytest.raises(UnservableModelError, match=r"version 2 \(run 0123456789ab\) has other labels"):
        written.again(fetched=(fetched, second))


def test_a_signed_bundle_with_another_model_than_the_runs_is_refused(written: Written, tmp_path: Path) -> None:
    (fetched,) = written.order.fetched
    altered = written.again(fetched=(fetched._replace(model=tiny_model() + b" "),))
    write_bundle(altered, tmp_path / "bundle.tar")
    bundle = verify_bundle(tmp_path / "bundle.tar", written.keys.signer)
    with pytest.raises(BundleError, match=r"is not model\.onnx of digits/0123456789ab: decrypted, its sha256 is"):
        decrypt_all(bundle, written.keys.machine_key)


def test_links_and_pipes_in_a_folder_are_refused_and_not_followed(written: Written, tmp_path: Path) -> None:
    for make in (lambda path: path.symlink_to(tmp_path / "outside"), os.mkfifo, lambda path: path.mkdir()):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        (tmp_path / "outside").write_bytes(written.files["compose.yaml"])
        write_bundle(written.files, folder)
        (folder / "compose.yaml").unlink()
        make(folder / "compose.yaml")
        with pytest.raises(BundleError, match=r"'compose\.yaml' is not a plain file"):
            verify_bundle(folder, written.keys.signer)


def test_a_private_key_that_others_may_read_is_refused(written: Written, tmp_path: Path) -> None:
    assert written.keys.machine.stat().st_mode & 0o777 == 0o600
    key = tmp_path / "machine-key"
    key.write_bytes(written.keys.machine.read_bytes())
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        with pytest.raises(BundleKeyError, match=f"its mode is {mode:04o}: others may reach it"):
            read_private_key(key, Purpose.DECRYPT)


def test_what_systemd_has_passed_on_counts_as_private(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "credentials" / "machine-key"
    key.parent.mkdir()
    key.write_bytes(written.keys.machine.read_bytes())
    key.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(key.parent))
    assert read_private_key(key, Purpose.DECRYPT).identity == written.keys.recipient.identity


def test_keys_in_each_others_place_are_told_and_none_is_shown(written: Written, tmp_path: Path) -> None:
    keys = written.keys
    secret = json.loads(keys.machine.read_text())["key"][0]["keyData"]["value"]
    nothing = tmp_path / "nothing"
    nothing.write_text("{")
    nothing.chmod(0o600)
    refused = (
        (read_public_key, keys.machine, Purpose.DECRYPT, "holds a private key, and a public one is wanted here"),
        (read_public_key, public_path(keys.machine), Purpose.SIGN, "type HpkePublicKey, expected Ed25519PublicKey"),
        (read_private_key, keys.machine, Purpose.SIGN, "type HpkePrivateKey, expected Ed25519PrivateKey"),
        (read_public_key, nothing, Purpose.SIGN, "is not a key that 'yard bundle key sign' has made"),
        (read_private_key, nothing, Purpose.DECRYPT, "is not a key that 'yard bundle key decrypt' has made"),
        (read_private_key, tmp_path / "none", Purpose.SIGN, "cannot be read: No such file"),
    )
    for read, path, purpose, expected in refused:
        with pytest.raises(BundleKeyError) as raised:
            read(path, purpose)
        assert expected in str(raised.value)
        assert str(path) in str(raised.value)
        assert secret not in str(raised.value)
    assert secret not in repr(keys.machine_key)


def test_a_machine_refuses_with_one_line_and_the_exit_code_for_it(
    written: Written,
    triton_environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRAINYARD_TRITON_VENV", str(triton_environment))
    keys, other = written.keys, Keys.made_in(tmp_path)
    write_bundle(written.files, tmp_path / "bundle")
    write_bundle({**written.files, "config.pbtxt": b""}, tmp_path / "altered")

    def ends(bundle: str, signer: Path, key: Path, *more: str) -> tuple[ExitStatus, str]:
        place = ["--bundle", str(tmp_path / bundle), "--work-dir", str(tmp_path / "work")]
        status = main([*place, "--signer", str(signer), "--private-key", str(key), *more])
        return status, capsys.readouterr().err

    signer = public_path(keys.signing)
    cases = (
        (ends("altered", signer, keys.machine), ExitStatus.BAD_MODEL, "config.pbtxt was altered"),
        (ends("none", signer, keys.machine), ExitStatus.BAD_MODEL, "none cannot be read: No such file"),
        (ends("bundle", public_path(other.signing), keys.machine), ExitStatus.BAD_MODEL, "signed by another key"),
        (ends("bundle", signer, keys.signing), ExitStatus.BAD_SPECIFICATION, "expected HpkePrivateKey"),
        (ends("bundle", signer, keys.machine, "--http-port", "0"), ExitStatus.BAD_SPECIFICATION, "http_port: "),
        (ends("bundle", signer, other.machine), ExitStatus.ACCESS_REFUSED, "write the bundle for this machine"),
    )
    for (status, said), expected, reason in cases:
        assert status == expected, said
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        assert reason in said
    assert not (tmp_path / "work").exists()


def test_what_is_there_is_never_replaced(written: Written, tmp_path: Path) -> None:
    for name in ("bundle", "bundle.tar"):
        write_bundle(written.files, tmp_path / name)
        with pytest.raises(OSError, match=r"exists|not empty"):
            write_bundle({}, tmp_path / name)
        verify_bundle(tmp_path / name, written.keys.signer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "bundle.tar"]
    digest = hashlib.sha256((tmp_path / "bundle.tar").read_bytes()).hexdigest()
    assert digest == hashlib.sha256(archive_bytes(written.files)).hexdigest()
