"""The files of the engine and of the real pulumi command are the same files, in both directions."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.checkpoint import empty_deployment, encode_checkpoint, new_manifest, passphrase_provider, state_salt
from engine.file_backend import FileBackend, HistoryEntry
from engine.lock import StackLock, StackLocked
from engine.passphrase import PassphraseCrypter, find_or_create_passphrase, passphrase_file
from engine.project import load_project
from engine.stack_settings import load_stack_settings, resolve_config, set_config, set_encryption_salt

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the `pulumi` command is not on PATH"),
]

PROJECT = """\
name: p
runtime: {name: python, options: {virtualenv: "VIRTUALENV"}}
config:
  text: {type: string, default: "<&> é"}
  list: {type: array, items: {type: integer}, default: [1, 2]}
  ratio: {default: 0.5}
  object: {type: object, default: {b: 1e22, a: [1.50, null, 017, "x"]}}
  aws:region: here
"""
PROGRAM = """
import json, os
import pulumi
class Part(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("t:m:Part", "part", {})
        self.register_outputs({"secret": pulumi.Output.secret("hidden")})
Part()
pulumi.export("config", pulumi.Output.secret(os.environ["PULUMI_CONFIG"]))
pulumi.export("secret_keys", os.environ["PULUMI_CONFIG_SECRET_KEYS"])
"""


class Pulumi:
    """The real command in a project of its own, which keeps its state in the project folder."""

    def __init__(self, folder: Path, passphrase: str) -> None:
        self.folder = folder
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def fails(self, *arguments: str) -> str:
        with pytest.raises(AssertionError) as caught:
            self(*arguments)
        return str(caught.value)


@pytest.fixture
def pulumi(tmp_path: Path) -> Pulumi:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT.replace("VIRTUALENV", sys.prefix))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return Pulumi(tmp_path, "päss")


def test_what_the_command_deployed_is_read(pulumi: Pulumi) -> None:
    pulumi("stack", "init", "s")
    pulumi("config", "set", "--secret", "token", "geheim <&>")
    pulumi("config", "set", "--path", "tree.list[0]", "5")
    pulumi("config", "set", "--path", "--secret", "tree.deep", "x")
    pulumi("config", "set", "decimal", "1.50")
    backend = FileBackend(pulumi.folder, "p", {})
    before = backend.read_checkpoint("s")
    assert before is not None
    assert before.get("resources") is None
    pulumi("up", "--yes", "--skip-preview")

    settings = load_stack_settings(load_project(pulumi.folder), "s")
    crypter = PassphraseCrypter("päss", settings.encryption_salt)
    config = resolve_config(settings, crypter.decrypt)
    deployment = backend.read_checkpoint("s")
    assert deployment is not None
    assert state_salt(deployment) == settings.encryption_salt
    by_name = {resource["urn"].rpartition("::")[2]: resource for resource in deployment["resources"]}
    outputs = by_name["p-s"]["outputs"]
    received = json.loads(json.loads(crypter.decrypt(outputs["config"]["ciphertext"])))
    assert received == config.values
    assert sorted(json.loads(outputs["secret_keys"])) == list(config.secret_keys)
    assert crypter.decrypt(by_name["part"]["outputs"]["secret"]["ciphertext"]) == '"hidden"'
    [entry] = backend.read_history("s")
    assert entry["config"] == config.recorded
    assert backend.list_stacks() == ["s"]
    backup = backend.newest_good_backup("s")
    assert backup is not None


def test_what_the_engine_wrote_is_read_by_the_command(pulumi: Pulumi) -> None:
    generated = passphrase_file(pulumi.folder, "p", "s")
    find_or_create_passphrase(generated, {})
    del pulumi.environment["PULUMI_CONFIG_PASSPHRASE"]
    pulumi.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(generated)
    crypter = PassphraseCrypter.with_new_salt(generated.read_text().strip())
    settings = set_encryption_salt(load_stack_settings(load_project(pulumi.folder), "s"), crypter.salt_state)
    settings = set_config(settings, "token", "geheim é", encrypt=crypter.encrypt)
    settings = set_config(settings, "tree", {"list": [1, 2.5, "x: y", None, True]})

    def secret(text: str) -> dict[str, str]:
        signature = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
        return {**signature, "ciphertext": crypter.encrypt(json.dumps(text))}

    root = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
    resources: list[dict[str, Any]] = [
        {"urn": root, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": {"answer": 42, "hidden": secret("é")}},
        {"urn": "urn:pulumi:s::p::t:m:Part::part", "custom": False, "type": "t:m:Part", "parent": root},
    ]
    latest = empty_deployment(new_manifest("3.260.0", datetime.now(UTC)), passphrase_provider(crypter.salt_state))
    backend = FileBackend(pulumi.folder, "p", {})
    backend.check_writable()
    backend.write_checkpoint("s", encode_checkpoint("p", "s", latest, map(json.dumps, resources)))
    config = resolve_config(settings, crypter.decrypt)
    entry = HistoryEntry(
        "update", "succeeded", 1e9, 1e9 + 5, "by the engine", config=config.recorded, resource_changes={"create": 2}
    )
    backend.add_history("s", entry)

    assert pulumi("config", "get", "token", "-s", "s") == "geheim é"
    listed = json.loads(pulumi("config", "--json", "--show-secrets", "-s", "s"))
    assert {key: value["value"] for key, value in listed.items()} == config.values
    assert [stack["name"] for stack in json.loads(pulumi("stack", "ls", "--json"))] == ["s"]
    exported = json.loads(pulumi("stack", "export", "--show-secrets", "-s", "s"))["deployment"]
    assert [resource["urn"] for resource in exported["resources"]] == [resource["urn"] for resource in resources]
    assert json.loads(pulumi("stack", "output", "--json", "--show-secrets", "-s", "s")) == {"answer": 42, "hidden": "é"}
    [update] = json.loads(pulumi("stack", "history", "--json", "--show-secrets", "-s", "s"))
    assert (update["kind"], update["result"], update["message"]) == ("update", "succeeded", "by the engine")
    assert update["resourceChanges"] == {"create": 2}
    assert update["config"]["p:token"]["value"] == "geheim é"
    pulumi("destroy", "--yes", "--skip-preview", "-s", "s")
    assert not (backend.read_checkpoint("s") or {}).get("resources")
    assert len(backend.read_history("s")) == 2
    pulumi("stack", "rm", "--yes", "--preserve-config", "s")
    assert backend.list_stacks() == []


def test_the_command_and_the_engine_keep_each_other_out(pulumi: Pulumi) -> None:
    pulumi("stack", "init", "s")
    with StackLock(pulumi.folder, "p", "s"):
        refusal = pulumi.fails("up", "--yes", "--skip-preview")
        assert "the stack is currently locked by 1 lock(s)" in refusal
        assert f"(pid {os.getpid()})" in refusal
    (pulumi.folder / "__main__.py").write_text("import pathlib, time\npathlib.Path('runs').touch()\ntime.sleep(60)\n")
    deployment = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=pulumi.folder, env=pulumi.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        while not (pulumi.folder / "runs").exists():
            assert deployment.poll() is None
            time.sleep(0.05)
        with pytest.raises(StackLocked, match=rf"\(pid {deployment.pid}\)"), StackLock(pulumi.folder, "p", "s"):
            pass
    finally:
        # Its plugins are in process groups of their own, and would go on.
        processes = psutil.Process(deployment.pid).children(recursive=True)
        deployment.kill()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        deployment.communicate()
    with StackLock(pulumi.folder, "p", "s") as lock:
        assert [owner.pid for owner in lock.taken_over] == [deployment.pid]
