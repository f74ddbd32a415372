"""The token of a stack's service: a secret output that the commands which ask the service take by themselves."""

from pathlib import Path

import pytest

from cli.deployed_model import find_model
from cli.exit_status import ExitStatus
from cli.loadtest_target import target_of_stack
from tests.cli.yard import make_project, yard

TOKEN = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
OUTPUTS = {
    "manifest_uri": "s3://models/digits/0123456789ab/manifest.json",
    "job": "digits",
    "run": "0123456789ab",
    "encryption_key_uri": "aws-kms://key",
    "http_url": "http://127.0.0.1:9",
    "grpc_url": "127.0.0.1:10",
}
PROGRAM = f"""
import pulumi

for name, value in {OUTPUTS!r}.items():
    pulumi.export(name, value)
pulumi.export("service_token", pulumi.Output.secret({TOKEN!r}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    make_project(folder, PROGRAM)
    up = yard("up", "--yes", "-C", str(folder))
    assert up.code == ExitStatus.SUCCESS, up.err
    assert TOKEN not in up.out + up.err
    return folder


def test_it_is_shown_to_those_who_ask_for_it_and_in_no_file(project: Path) -> None:
    asked = ("output", "service_token", "-C", str(project))
    assert yard(*asked).out == "[secret]\n"
    assert yard(*asked, "--show-secrets").out == f"{TOKEN}\n"
    written = [path for path in (project / ".pulumi").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]


def test_clients_take_it_from_the_stack_unless_they_are_told_another(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = yard("output", "-C", str(project), "--json")
    assert TOKEN not in stack.out
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    model = find_model(project, "local")
    assert (model.token, TOKEN in repr(model)) == (TOKEN, False)
    target = target_of_stack(project, "local", "", (), "")
    assert (target.token, TOKEN in repr(target)) == (TOKEN, False)
    monkeypatch.setenv("ANOTHER", "one")
    assert target_of_stack(project, "local", "", (), "ANOTHER").token == "one"
