"""The manifests in docs/scale.md are such as a cluster with Kueue accepts."""

from pathlib import Path

import pytest
import yaml

from tests.controlplane.api import Manifest
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE

pytestmark = ON_CONTROL_PLANE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


def test_the_manifests_for_several_clusters_are_accepted(control_plane: ControlPlane) -> None:
    manifests = documented()
    kinds = {manifest["kind"] for manifest in manifests}
    assert kinds >= {"AdmissionCheck", "MultiKueueConfig", "MultiKueueCluster", "ClusterQueue", "ClusterRole"}
    accepted = control_plane.dry_run(manifests)
    assert [each["metadata"]["name"] for each in accepted] == [each["metadata"]["name"] for each in manifests]


def test_they_refer_to_one_another() -> None:
    by_kind: dict[str, list[Manifest]] = {}
    for manifest in documented():
        by_kind.setdefault(manifest["kind"], []).append(manifest)
    (check,), (config,), (queue,) = (by_kind[kind] for kind in ("AdmissionCheck", "MultiKueueConfig", "ClusterQueue"))
    clusters = [each["metadata"]["name"] for each in by_kind["MultiKueueCluster"]]
    assert config["spec"]["clusters"] == clusters
    assert check["spec"]["parameters"]["name"] == config["metadata"]["name"]
    assert queue["spec"]["admissionChecksStrategy"]["admissionChecks"] == [{"name": check["metadata"]["name"]}]


def documented() -> list[Manifest]:
    """All manifests of the document's fenced blocks, in their order."""
    blocks = DOCUMENT.read_text().split("```yaml\n")[1:]
    found = [document for block in blocks for document in yaml.safe_load_all(block.split("```")[0])]
    if not found:
        pytest.fail(f"{DOCUMENT} has no manifest any more")
    return found
