"""The objects that AWS's half hands over, on a real control plane: Karpenter's kinds by its own schemas, strictly."""

from infra.aws.karpenter import karpenter_manifests
from infra.aws.kubernetes_side import storage_class
from infra.aws.naming import Names
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.aws.test_karpenter import BLOCK, TAGS
from tests.infra.recorder import settings_of

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE
SERVING = {"capacity": "on_demand", "instance_types": ["g5.xlarge"], "max_nodes": 3}
SPOT = {"capacity": "spot", "instance_types": ["g5.xlarge", "g4dn.xlarge"], "scratch": "instance_store"}


def test_a_control_plane_takes_every_object(control_plane: ControlPlane) -> None:
    changes = {
        "kubernetes.addons.node_autoscaler": "karpenter",
        "gpu_pools": {"block": BLOCK, "serving": SERVING, "training": SPOT},
    }
    settings = settings_of("dev", changes).aws
    names = Names("trainyard", "dev", settings.account_id, settings.region)
    taken = control_plane.dry_run([storage_class(names), *karpenter_manifests(names, settings, TAGS)])
    assert [each["kind"] for each in taken] == ["StorageClass", *["EC2NodeClass", "NodePool"] * 3]
