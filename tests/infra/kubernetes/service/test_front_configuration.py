"""The front's configuration as Envoy itself sees it: accepted for every service, with nothing unknown or outdated."""

import subprocess
from pathlib import Path

import pytest

from infra.kubernetes.service.addresses import BOOTSTRAP_FILE, FRONT_FILES
from tests.infra.kubernetes.service.authorities import Authority
from tests.infra.kubernetes.service.front_process import ENVOY
from tests.infra.kubernetes.service.settings_table import TABLE, containers_of, manifests


@pytest.mark.usefixtures("_envoy")
@pytest.mark.parametrize("name", TABLE)
def test_envoy_accepts_it_as_a_pod_starts_it(name: str, tmp_path: Path) -> None:
    found = manifests(name)
    container = containers_of(found)["front"]
    assert container["command"] == ["envoy"]
    ca = Authority("test").write(tmp_path)
    for file, text in found[1]["data"].items():
        # Elsewhere than in a pod its folders are not there.
        moved = text.replace(FRONT_FILES.public_authorities, str(ca)).replace(FRONT_FILES.jwks_ca, str(tmp_path))
        (tmp_path / file).write_text(moved.replace(FRONT_FILES.configuration, str(tmp_path)))
    command = [argument.replace(FRONT_FILES.configuration, str(tmp_path)) for argument in container["args"]]
    checked = subprocess.run(
        [ENVOY, *command, "--mode", "validate"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == f"configuration '{tmp_path / BOOTSTRAP_FILE}' OK\n"


@pytest.mark.usefixtures("_envoy")
def test_envoy_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / BOOTSTRAP_FILE
    path.write_text(manifests()[1]["data"][BOOTSTRAP_FILE].replace("drain_timeout", "draining_timeout"))
    checked = subprocess.run(
        [ENVOY, "--mode", "validate", "-c", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode != 0
    assert "draining_timeout" in checked.stderr
