"""The control plane knows the kinds of the same versions that the platform installs."""

import re

from infra.kubernetes.charts import karpenter, queue, scale_to_zero
from tests.controlplane.build import MODULE
from tests.controlplane.crds import CRD_SOURCES


def test_kueue_is_the_installed_version() -> None:
    (pinned,) = re.findall(r"sigs\.k8s\.io/kueue (v\S+)", (MODULE / "go.mod").read_text())
    assert pinned == f"v{queue.VERSION}"


def test_the_kinds_of_the_other_charts_are_those_of_the_installed_versions() -> None:
    versions = {source.name: source.version for source in CRD_SOURCES}
    assert versions["karpenter"] == f"v{karpenter.VERSION}"
    assert versions["keda"] == f"v{scale_to_zero.VERSION}"
