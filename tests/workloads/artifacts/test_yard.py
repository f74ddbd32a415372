"""`yard artifacts get` and `yard predict`: the stack tells where the model is and of which run it has to be."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import make_project, yard
from tests.workloads.conftest import REGION, ObjectCloud
from tests.workloads.serving.service_process import publish, tiny_model

PROGRAM = """
import pulumi

for name, value in {outputs!r}.items():
    pulumi.export(name, pulumi.Output.secret(value) if "secret" in name else value)
"""


@dataclass(frozen=True)
class Stack:
    """A stack whose outputs tell of a published model."""

    folder: Path
    outputs: dict[str, str]

    def export(self, **changes: str) -> None:
        """Deploy the stack with other outputs."""
        make_project(self.folder, PROGRAM.format(outputs=self.outputs | changes))
        assert yard("up", "--yes", "-C", str(self.folder)).code == ExitStatus.SUCCESS


@pytest.fixture
def stack(object_cloud: ObjectCloud, tmp_path: Path) -> Stack:
    manifest_uri = publish(f"s3://{object_cloud.models_bucket}/{tmp_path.name}/yard", object_cloud.key_uri)
    outputs = {
        "manifest_uri": manifest_uri,
        "job": "digits",
        "run": "0123456789ab",
        "encryption_key_uri": object_cloud.key_uri,
        "http_url": "http://127.0.0.1:9",
        "endpoint_url": object_cloud.endpoint,
        "region": REGION,
        "serving_access_key_id": object_cloud.environment["AWS_ACCESS_KEY_ID"],
        "serving_secret_access_key": object_cloud.environment["AWS_SECRET_ACCESS_KEY"],
    }
    made = Stack(tmp_path / "project", outputs)
    made.export()
    return made


def test_neither_a_proxy_nor_the_users_own_aws_settings_come_between(stack: Stack, tmp_path: Path) -> None:
    settings = tmp_path / "config"
    settings.write_text("[profile work]\nregion = eu-west-9\n")
    nobody = "http://127.0.0.1:9"
    theirs = {name: nobody for plain in ("http_proxy", "https_proxy", "all_proxy") for name in (plain, plain.upper())}
    theirs |= {"no_proxy": "intranet.example", "NO_PROXY": "intranet.example"}
    theirs |= {"AWS_CONFIG_FILE": str(settings), "AWS_PROFILE": "home", "HOME": str(tmp_path)}
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("no section\n")

    got = yard("artifacts", "get", str(tmp_path / "model"), "-C", str(stack.folder), environment=theirs)
    assert got.code == ExitStatus.SUCCESS, got.err
    assert (tmp_path / "model" / "model.onnx").read_bytes() == tiny_model()


def test_a_model_of_another_run_or_key_is_refused(stack: Stack, object_cloud: ObjectCloud, tmp_path: Path) -> None:
    stack.export(run="ba9876543210", encryption_key_uri=object_cloud.other_key_uri)
    for command in (["artifacts", "get", str(tmp_path / "model")], ["predict"]):
        refused = yard(*command, "-C", str(stack.folder))
        assert refused.code == ExitStatus.ERROR
        assert "its run is '0123456789ab', not 'ba9876543210'; its encryption key is " in refused.err
        assert "Traceback" not in refused.err
    assert not (tmp_path / "model").exists()
