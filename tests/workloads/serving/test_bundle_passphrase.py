"""Private keys under a passphrase, from a file, a descriptor or the terminal; and what is said of a wrong one."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.application import run
from cli.exit_status import ExitStatus
from tests.cli.yard import ROOT
from tests.workloads.serving.bundle_files import Keys, bundle_of_no_model
from trainyard_serving.bundle_keys import (
    BundleKeyError,
    Purpose,
    create_key,
    public_path,
    read_private_key,
    read_public_key,
)
from trainyard_serving.bundle_passphrase import passphrase_of
from workloads.serving.bundle.output import write_bundle

SECRET = "correct horse battery"


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a signing key under the passphrase, and the passphrase in a file."""
    place = tmp_path_factory.mktemp("keys")
    written(place / "passphrase", f"{SECRET}\n")
    create_key(place / "key", Purpose.SIGN, passphrase=SECRET)
    return place


def test_a_protected_key_signs_as_any_other(folder: Path) -> None:
    key = read_private_key(folder / "key", Purpose.SIGN, passphrase_file=folder / "passphrase")
    public = read_public_key(public_path(folder / "key"), Purpose.SIGN)
    assert key.identity == public.identity
    public.verify(key.sign(b"index"), b"index")
    text = (folder / "key").read_text()
    assert SECRET not in text
    assert set(json.loads(text)["keyset"]) == {"encryptedKeyset", "keysetInfo"}
    assert (folder / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("correct horse\n", 0o600, "the passphrase is wrong, or the file was altered"),
        (f" {SECRET}\n", 0o600, "the passphrase is wrong, or the file was altered"),
        (f"\n{SECRET}\n", 0o600, "the first line of {} is empty: it must be the passphrase"),
        (f"{SECRET}\n", 0o640, "{} holds a passphrase and its mode is 0640: others may reach it; make it 0600"),
    ],
)
def test_another_passphrase_is_one_clear_error(
    folder: Path, tmp_path: Path, content: str, mode: int, said: str
) -> None:
    file = written(tmp_path / "given", content, mode)
    with pytest.raises(BundleKeyError) as raised:
        read_private_key(folder / "key", Purpose.SIGN, passphrase_file=file)
    assert said.format(file) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "horse" not in str(raised.value)


def test_nobody_is_asked_where_there_is_no_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(
        BundleKeyError, match=r"key cannot be used: .* give it by --passphrase-file, which may be a desc"
    ):
        read_private_key(folder / "key", Purpose.SIGN)


@pytest.mark.parametrize("passphrase", ["", "seven77"])
def test_a_passphrase_that_is_too_short_makes_no_key(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(BundleKeyError, match="it must have 8 or more"):
        create_key(tmp_path / "key", Purpose.DECRYPT, passphrase=passphrase)
    assert list(tmp_path.iterdir()) == []


def test_an_altered_file_is_refused_and_costs_no_memory(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "key").read_text())
    changes: list[dict[str, Any]] = [
        {"argon2id": document["argon2id"] | {"memory_kib": 2**30}},
        {"argon2id": document["argon2id"] | {"iterations": 2}},
        {"argon2id": document["argon2id"] | {"salt": "AAAAAAAAAAAAAAAAAAAAAA=="}},
        {"keyset": document["keyset"] | {"encryptedKeyset": "AAAA"}},
        {"schema_version": 2},
        {"more": 1},
    ]
    for change in changes:
        key = written(tmp_path / "key", json.dumps(document | change))
        with pytest.raises(BundleKeyError, match="was altered"):
            read_private_key(key, Purpose.SIGN, passphrase_file=folder / "passphrase")


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), st.sampled_from(["", "\n", "\r\n"])
)
def test_any_line_of_text_is_a_passphrase(passphrase: str, end: str) -> None:
    assert passphrase_of(f"{passphrase}{end}" + ("more" if end else ""), Path("passphrase")) == passphrase


def test_characters_count_and_not_how_they_are_typed(tmp_path: Path) -> None:
    create_key(tmp_path / "key", Purpose.SIGN, passphrase="gr\u00fc\u00dfe an alle")
    composed = written(tmp_path / "passphrase", "gru\u0308\u00dfe an alle")
    read_private_key(tmp_path / "key", Purpose.SIGN, passphrase_file=composed)


def test_it_comes_through_a_descriptor_and_is_on_no_command_line(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, SECRET.encode())
    os.close(theirs)
    command = ["-m", "trainyard_serving.bundle_keys", "sign", str(tmp_path / "key")]
    given_by = ["--passphrase-file", f"/dev/fd/{ours}"]
    try:
        made = subprocess.run(
            [sys.executable, *command, *given_by], capture_output=True, text=True, check=True, pass_fds=(ours,)
        )
    finally:
        os.close(ours)
    key = read_private_key(tmp_path / "key", Purpose.SIGN, passphrase_file=written(tmp_path / "passphrase", SECRET))
    assert made.stdout == f"{key.identity}\n"


def test_whoever_sits_at_the_terminal_is_asked(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "yard.py"), "bundle", "key", "sign", str(tmp_path / "key")]
    said, status = at_a_terminal(command, [("New passphrase of", SECRET), ("once more:", SECRET)])
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert "private, under a passphrase, " in said
    assert SECRET not in said
    read_private_key(tmp_path / "key", Purpose.SIGN, passphrase_file=written(tmp_path / "passphrase", SECRET))


def at_a_terminal(command: list[str], answers: list[tuple[str, str]]) -> tuple[str, int]:
    """What a command says at a terminal of its own, and how it ends; each question is answered once it is asked."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(command[0], command)  # noqa: S606  # no shell is wanted
    said = ""
    try:
        while True:
            if answers and answers[0][0] in said.rpartition("\n")[2]:
                os.write(terminal, f"{answers.pop(0)[1]}\n".encode())
            try:
                said += os.read(terminal, 1024).decode()
            except OSError:
                # The other side of the terminal is closed.
                break
    finally:
        _, status = os.waitpid(process, 0)
        os.close(terminal)
    return said, status


def test_a_key_changes_its_passphrase_and_stays_the_same_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    key, first = tmp_path / "key", written(tmp_path / "first", SECRET)
    identity = create_key(key, Purpose.SIGN)
    change = ["bundle", "passphrase", str(key)]
    assert run([*change, "--new-passphrase-file", str(first)], None) == ExitStatus.SUCCESS
    assert capsys.readouterr().out == f"{key}  private, {identity}: its passphrase is changed\n"
    assert read_private_key(key, Purpose.SIGN, passphrase_file=first).identity == identity
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    for options, said in (
        (["--new-passphrase-file", str(first)], "there is no terminal to ask for it"),
        (["--passphrase-file", str(first)], "--new-passphrase-file: must name a file"),
        (
            ["--passphrase-file", str(first), "--new-passphrase-file", str(written(tmp_path / "short", "abc"))],
            "8 or more",
        ),
    ):
        assert run([*change, *options], None) == ExitStatus.CONFIGURATION
        assert said in capsys.readouterr().err
    assert run(["bundle", "passphrase", str(public_path(key)), "--new-passphrase-file", str(first)], None) == 2
    public_path(key).chmod(0o600)
    assert run(["bundle", "passphrase", str(public_path(key)), "--new-passphrase-file", str(first)], None) == 2
    assert "holds a public key, and those have no passphrase" in capsys.readouterr().err
    assert key.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"key", "key.pub", "first", "short"}


def test_yard_takes_the_passphrase_of_either_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given_by = ["--passphrase-file", str(written(tmp_path / "passphrase", SECRET))]
    wrong = ["--passphrase-file", str(written(tmp_path / "wrong", "battery horse correct"))]
    keys = Keys.made_in(tmp_path)
    keys.machine.unlink()
    public_path(keys.machine).unlink()
    assert run(["bundle", "key", "decrypt", str(keys.machine), *given_by], None) == ExitStatus.SUCCESS
    assert f"{keys.machine}  private, under a passphrase, " in capsys.readouterr().out
    write_bundle(bundle_of_no_model(keys), tmp_path / "bundle")
    verify = ["bundle", "verify", str(tmp_path / "bundle"), "--signer", str(public_path(keys.signing))]
    assert run([*verify, "--private-key", str(keys.machine), *given_by], None) == ExitStatus.SUCCESS
    capsys.readouterr()
    assert run([*verify, "--private-key", str(keys.machine), *wrong], None) == ExitStatus.CONFIGURATION
    told = capsys.readouterr().err
    assert told == f"yard: {keys.machine} cannot be used: the passphrase is wrong, or the file was altered\n"
    protected = tmp_path / "protected"
    create_key(protected, Purpose.SIGN, passphrase=SECRET)
    write = ["bundle", "write", str(tmp_path / "new"), "--recipient", str(public_path(keys.machine))]
    assert run([*write, "--signing-key", str(protected), *wrong], None) == ExitStatus.CONFIGURATION
    assert f"--signing-key: {protected} cannot be used: the passphrase is wrong" in capsys.readouterr().err
