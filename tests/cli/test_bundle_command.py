"""`yard bundle`: keys, and verifying, with one line and an exit code for whatever is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.application import run
from cli.exit_status import ExitStatus
from tests.cli.yard import make_project, yard
from tests.workloads.serving.bundle_files import Keys, bundle_of_no_model
from trainyard_serving.bundle_keys import public_path
from workloads.serving.bundle.output import write_bundle

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.made_in(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def bundle(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundles") / "digits"
    write_bundle(bundle_of_no_model(keys), place)
    return place


def test_a_key_pair_is_made_once_and_the_private_one_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "machine-key"
    made = yard("bundle", "key", "decrypt", str(file))
    assert made.code == ExitStatus.SUCCESS, made.err
    (identity,) = set(re.findall(r"\b[0-9a-f]{32}\b", made.out))
    assert made.out == f"{file}  private, {identity}\n{public_path(file)}  public, {identity}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert run(["bundle", "key", "sign", str(file)], None) == ExitStatus.CONFIGURATION
    assert file.read_bytes() == before


def test_a_public_key_that_is_there_already_leaves_no_private_one(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "key.pub").write_text("somebody's")
    assert run(["bundle", "key", "sign", str(tmp_path / "key")], None) == ExitStatus.CONFIGURATION
    assert capsys.readouterr().err == f"yard: {tmp_path / 'key.pub'} is there already: a key is never overwritten\n"
    assert [path.name for path in tmp_path.iterdir()] == ["key.pub"]


def test_a_machine_that_has_only_the_image_makes_the_same_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trainyard_serving.bundle_keys", "decrypt", str(tmp_path / "machine-key")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"[0-9a-f]{32}\n", made.stdout)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == f"error: {tmp_path / 'machine-key'} is there already: a key is never overwritten\n"


def test_a_bundle_is_verified_with_and_without_the_machines_key(bundle: Path, keys: Keys, capsys: Output) -> None:
    command = ["bundle", "verify", str(bundle), "--signer", str(public_path(keys.signing))]
    assert run(command, None) == ExitStatus.SUCCESS
    told = capsys.readouterr().out
    assert f"{bundle} is whole, unaltered and signed by {keys.signer.identity}" in told
    assert "no model was decrypted" in told
    assert run([*command, "--private-key", str(keys.machine), "--json"], None) == ExitStatus.SUCCESS
    document = json.loads(capsys.readouterr().out)
    assert document["decrypted"] is True
    assert [release["run"] for release in document["releases"]] == ["0123456789ab"]
    assert document["recipient"] == keys.recipient.identity


def test_what_does_not_verify_ends_with_one_line(bundle: Path, keys: Keys, tmp_path: Path, capsys: Output) -> None:
    altered = tmp_path / "altered"
    files = {path.name: path.read_bytes() for path in bundle.iterdir()}
    write_bundle({**files, "compose.yaml": files["compose.yaml"] + b"\n"}, altered)
    other = Keys.made_in(tmp_path)
    signer, others = public_path(keys.signing), public_path(other.signing)
    for arguments, status, reason in (
        ([altered, "--signer", signer], ExitStatus.ERROR, "compose.yaml was altered"),
        ([bundle, "--signer", others], ExitStatus.ERROR, "it is signed by another key than"),
        ([bundle, "--signer", signer, "--private-key", other.machine], ExitStatus.ERROR, "is encrypted for the key"),
        ([bundle, "--signer", keys.signing], ExitStatus.CONFIGURATION, "a public one is wanted here"),
        ([bundle, "--signer", signer, "--private-key", signer], ExitStatus.CONFIGURATION, "others may reach it"),
        ([tmp_path / "none", "--signer", signer], ExitStatus.ERROR, "cannot be read: No such file"),
    ):
        assert run(["bundle", "verify", *map(str, arguments)], None) == status
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("yard: ")
        assert said.err.count("\n") == 1
        assert reason in said.err


def test_all_that_is_wrong_with_the_command_line_is_told_at_once(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["bundle", "write", "nowhere/digits.tar", "--image", "serving:latest"]
    exchanged = ["--recipient", str(keys.signing), "--signing-key", str(public_path(keys.machine))]
    assert run([*command, *exchanged], None) == ExitStatus.CONFIGURATION
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for reason in (
        "nowhere/digits.tar cannot be written: there is no nowhere; ",
        "--image serving:latest: expected NAME@sha256:DIGEST",
        f"--recipient: {keys.signing} holds a private key",
        f"--signing-key: {public_path(keys.machine)} holds a private key and its mode is 0644",
    ):
        assert reason in said
    assert list(tmp_path.iterdir()) == []


def test_a_stack_that_has_no_model_leaves_nothing_behind(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    make_project(tmp_path / "project", "")
    monkeypatch.chdir(tmp_path)
    given = ["--recipient", str(public_path(keys.machine)), "--signing-key", str(keys.signing), "-C", "project"]
    assert run(["bundle", "write", "digits", *given], None) == ExitStatus.STACK_NOT_FOUND
    assert "nothing is deployed in stack local" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
