"""Secrets in the passphrase provider's format, where the passphrase comes from, and when a new salt may be made."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.passphrase import (
    DamagedSecret,
    IncorrectPassphrase,
    NoPassphrase,
    PassphraseCrypter,
    find_or_create_passphrase,
    find_passphrase,
    passphrase_file,
)
from engine.project import Project
from engine.secrets_provider import crypter_for_preview, crypter_for_state, crypter_for_update
from engine.stack_settings import StackSettings, load_stack_settings

# Written by the pulumi command 3.260 with the passphrase "x".
SALT = "v1:HFiiQYvTUrE=:v1:XcJcIBEpX9v4PBwg:2Q2uDNK14flrF8pG3ImnMqtZT3O45A=="
SECRET = "v1:B5bFZzEfYm2er2wk:+1kuJ3qoW+gi3VngQA7kDc4WV4DQhcPDlfuxiA=="


@pytest.fixture(scope="module")
def crypter() -> PassphraseCrypter:
    return PassphraseCrypter("x", SALT)


@given(st.text())
def test_every_text_comes_back(crypter: PassphraseCrypter, text: str) -> None:
    secret = crypter.encrypt(text)
    assert crypter.decrypt(secret) == text
    assert crypter.encrypt(text) != secret


def test_decrypts_what_the_pulumi_command_wrote(crypter: PassphraseCrypter) -> None:
    assert crypter.decrypt(SECRET) == "pässword<&>"
    assert crypter.salt_state == SALT


@given(st.text() | st.from_regex(r"v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]{24}", fullmatch=True))
def test_a_damaged_secret_is_an_error_that_does_not_show_it(crypter: PassphraseCrypter, text: str) -> None:
    with pytest.raises(DamagedSecret) as caught:
        crypter.decrypt(text)
    assert len(text) < 16 or text not in str(caught.value)


@pytest.mark.parametrize("salt", ["", "v1", "v2:HFiiQYvTUrE=:v1:a:b", "v1::v1:a:b", "v1:%%%:v1:a:b"])
def test_a_damaged_salt_is_refused_at_once(salt: str) -> None:
    with pytest.raises(DamagedSecret):
        PassphraseCrypter("x", salt)


def test_another_passphrase_is_incorrect() -> None:
    crypter = PassphraseCrypter("wrong", SALT)
    crypter.prepare()
    with pytest.raises(IncorrectPassphrase, match="incorrect passphrase"):
        crypter.decrypt(SECRET)
    with pytest.raises(IncorrectPassphrase):
        crypter.encrypt("text")
    assert "wrong" not in repr(crypter)


def test_a_new_salt_serves_a_later_run_and_is_one_for_all_threads() -> None:
    first = PassphraseCrypter.with_new_salt("päss")
    first.prepare()
    salts: list[str] = []
    threads = [threading.Thread(target=lambda: salts.append(first.salt_state)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(salts)) == 1
    assert PassphraseCrypter("päss", salts[0]).decrypt(first.encrypt("text")) == "text"


def test_the_environment_comes_before_the_generated_file(tmp_path: Path) -> None:
    generated, named = passphrase_file(tmp_path, "p", "s"), tmp_path / "named"
    named.write_text("  from file \n")
    assert find_passphrase(generated, {}) is None
    assert not generated.parent.exists()
    made = find_or_create_passphrase(generated, {})
    assert find_passphrase(generated, {}) == made == find_or_create_passphrase(generated, {})
    assert generated.stat().st_mode & 0o777 == 0o600
    assert len(made.value) > 40
    assert made.value not in repr(made)
    from_file = find_passphrase(generated, {"PULUMI_CONFIG_PASSPHRASE_FILE": str(named)})
    assert from_file is not None
    assert from_file.value == "from file"
    both = {"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_CONFIG_PASSPHRASE_FILE": str(named)}
    empty = find_passphrase(generated, both)
    assert empty is not None
    assert empty.value == ""
    pulumi_reads_it = find_passphrase(tmp_path / "none", {"PULUMI_CONFIG_PASSPHRASE_FILE": str(generated)})
    assert pulumi_reads_it is not None
    assert pulumi_reads_it.value == made.value


def test_all_who_look_at_once_get_one_passphrase(tmp_path: Path) -> None:
    generated = passphrase_file(tmp_path, "p", "s")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: find_or_create_passphrase(generated, {}), range(32)))
    assert len(found) == 1
    assert list(generated.parent.iterdir()) == [generated]


def test_a_named_file_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    named = tmp_path / "absent"
    with pytest.raises(NoPassphrase) as caught:
        find_or_create_passphrase(tmp_path / "generated", {"PULUMI_CONFIG_PASSPHRASE_FILE": str(named)})
    assert str(caught.value) == (
        f"PULUMI_CONFIG_PASSPHRASE_FILE: the file {named} cannot be read: No such file or directory"
    )
    assert list(tmp_path.iterdir()) == []


def settings(folder: Path, text: str) -> StackSettings:
    project = Project(folder / "Pulumi.yaml", "p", "python")
    (folder / "Pulumi.s.yaml").write_text(text)
    return load_stack_settings(project, "s")


def test_a_fresh_clone_without_state_gets_a_new_salt(tmp_path: Path) -> None:
    generated = passphrase_file(tmp_path, "p", "s")
    stack = settings(tmp_path, f"encryptionsalt: {SALT}\nconfig:\n  p:a: 1\n")
    assert crypter_for_preview(stack, "", generated, {}) is None
    assert not generated.exists()
    opened = crypter_for_update(stack, "", generated, {})
    assert opened.salt_is_new
    assert opened.crypter.salt_state != SALT
    assert generated.exists()


@pytest.mark.parametrize(("config", "state_salt"), [(f"  p:a: {{secure: {SECRET}}}\n", ""), ("  p:a: 1\n", SALT)])
def test_secrets_without_their_passphrase_are_refused(tmp_path: Path, config: str, state_salt: str) -> None:
    generated = passphrase_file(tmp_path, "p", "s")
    stack = settings(tmp_path, f"encryptionsalt: {SALT}\nconfig:\n{config}")
    with pytest.raises(NoPassphrase) as missing:
        crypter_for_update(stack, state_salt, generated, {})
    assert str(missing.value) == (
        "stack s has secrets, and their passphrase is not on this machine: set PULUMI_CONFIG_PASSPHRASE, "
        "or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it"
    )
    assert not generated.exists()
    with pytest.raises(IncorrectPassphrase) as wrong:
        crypter_for_update(stack, state_salt, generated, {"PULUMI_CONFIG_PASSPHRASE": "wr0ng"})
    assert "wr0ng" not in str(wrong.value)
    assert str(wrong.value).startswith("incorrect passphrase for stack s: the one from PULUMI_CONFIG_PASSPHRASE does")


def test_the_state_can_have_a_salt_of_its_own(tmp_path: Path) -> None:
    stack = settings(tmp_path, "config: {}\n")
    environment = {"PULUMI_CONFIG_PASSPHRASE": "x"}
    opened = crypter_for_update(stack, SALT, tmp_path / "generated", environment)
    assert opened.crypter.salt_state == SALT
    assert opened.salt_is_new, "the stack's file lacks it"
    assert crypter_for_state(opened, stack, SALT) is opened.crypter
    other = PassphraseCrypter.with_new_salt("x")
    assert crypter_for_state(opened, stack, other.salt_state).decrypt(other.encrypt("text")) == "text"
