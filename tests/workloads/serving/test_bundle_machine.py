"""The compose file and the systemd unit: what they keep the service from, and that systemd reads the unit."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.yard import ROOT
from tests.workloads.serving.bundle_files import specification
from trainyard_serving.bundle_service import argument_parser
from workloads.serving.bundle.compose import compose_text
from workloads.serving.bundle.systemd_unit import unit_text

URI, KEY = "s3://models/m/manifest.json", "aws-kms://arn:aws:kms:us-east-1:123456789012:key/k"
IMAGE = "registry.example/serving@sha256:" + "0" * 64
LEAST_EXPOSED = 20
"""In tenths, as `systemd-analyze security` counts: from 0 to 100; below 20 is its best class but one."""


def composed(image: str | None = IMAGE, **changes: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(compose_text(specification(URI, KEY, **changes), image)))


def test_the_container_can_do_nothing_but_serve() -> None:
    service = composed()["services"]["serving"]
    assert service["image"] == IMAGE
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "1000:1000"
    assert service["ulimits"] == {"core": 0}
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "environment", "env_file"} & set(
        service
    )
    assert [volume["read_only"] for volume in service["volumes"]] == [True, True]
    assert all(place.split(":")[1].startswith("size=") for place in service["tmpfs"])


def test_only_the_machine_itself_reaches_the_ports_and_it_may_choose_them() -> None:
    service = composed(http_port=9000)["services"]["serving"]
    assert service["ports"] == [
        "127.0.0.1:${TRAINYARD_HTTP_PORT:-9000}:9000",
        "127.0.0.1:${TRAINYARD_GRPC_PORT:-8001}:8001",
        "127.0.0.1:${TRAINYARD_METRICS_PORT:-8002}:8002",
    ]
    assert "http://127.0.0.1:9000/v2/health/ready" in service["healthcheck"]["test"][-1]


def test_gpus_are_reserved_where_the_model_is_served_on_them() -> None:
    assert "deploy" not in composed()["services"]["serving"]
    reserved = composed(device="gpu")["services"]["serving"]["deploy"]["resources"]["reservations"]["devices"]
    assert reserved == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]


def test_an_image_that_nobody_has_named_has_to_be_set() -> None:
    assert composed(None)["services"]["serving"]["image"].startswith("${TRAINYARD_IMAGE:?")


def test_both_start_the_service_as_it_reads_its_arguments() -> None:
    document = composed()
    first, *rest = document["services"]["serving"]["command"]
    chosen = argument_parser().parse_args(rest)
    assert first == "--bundle"
    targets = [volume["target"] for volume in document["services"]["serving"]["volumes"]]
    assert targets == [str(chosen.bundle), str(chosen.signer)]
    (secret,) = document["services"]["serving"]["secrets"]
    assert str(chosen.private_key) == f"/run/secrets/{secret}"
    assert secret in document["secrets"]

    lines = unit_text(specification(URI, KEY)).splitlines()
    (started,) = [line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart=")]
    python, *words = started.split()
    assert words[:3] == ["-m", "trainyard_serving", "--bundle"]
    assert Path(python).is_absolute()
    assert str(argument_parser().parse_args(words[3:]).private_key) == "%d/machine-key"
    assert "LoadCredential=machine-key:/etc/trainyard/machine-key" in lines


WITH_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


@WITH_SYSTEMD
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_systemd_reads_the_unit_and_finds_it_little_exposed(device: str, tmp_path: Path) -> None:
    unit = tmp_path / "trainyard-serving.service"
    unit.write_text(unit_text(specification(URI, KEY, device=device), python=sys.executable))
    for command in (
        ["verify", "--man=no"],
        ["security", "--offline=yes", "--no-pager", f"--threshold={LEAST_EXPOSED}"],
    ):
        ended = subprocess.run(
            ["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False, timeout=60
        )
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout


@WITH_SYSTEMD
def test_the_documented_drop_in_for_a_sealed_key_is_one_that_systemd_reads(tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "bundle.md").read_text()
    _, name, rest = manual.partition("/trainyard-serving.service.d/machine-key.conf <<END\n")
    assert name
    drop_in = rest.partition("END\n")[0]
    assert "LoadCredentialEncrypted=machine-key:" in drop_in
    unit = tmp_path / "trainyard-serving.service"
    unit.write_text(unit_text(specification(URI, KEY), python=sys.executable))
    folder = tmp_path / f"{unit.name}.d"
    folder.mkdir()
    (folder / "machine-key.conf").write_text(drop_in)
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
