"""The order in which a destroy takes a whole stack apart, by what its plan says depends on what: workloads, then the
drain, then add-ons, nodes, cluster and network. Any engine deletes what depends before what it depends on.
"""

import json
from collections.abc import Iterable

import pytest
import yaml

from tests.cli.yard import ROOT
from tests.infra.plan import Plan, Planned, make_project, plan, preview

DRAIN = "pulumi-python:dynamic/kubernetes:Drain"
RELEASE = "kubernetes:helm.sh/v3:Release"
WORKLOADS = ("trainyard:training:TrainingJob", "trainyard:serving:InferenceService")
FINISHING = {
    "dev": {"addons-cluster-autoscaler", "addons-kueue"},
    "prod": {"addons-cluster-autoscaler", "addons-kueue"},
    "everything": {"addons-karpenter", "addons-kueue", "addons-envoy-gateway", "addons-keda"},
}
"""Add-ons that end what is made in the cloud, or let go of objects that are deleted."""

pytestmark = pytest.mark.xdist_group("planned stacks")


class Order:
    """What has to be there as long as a resource is."""

    def __init__(self, stack: str, planned: Plan) -> None:
        self.stack, self.planned = stack, planned
        self._resources = {each.urn: each for each in planned.resources}
        self._needs = {each.urn: {*each.dependencies, each.parent} for each in planned.resources}
        for step in planned.document["steps"]:
            state = step["newState"]
            if state["urn"] in self._needs:
                self._needs[state["urn"]].add(state.get("provider", "").rpartition("::")[0])

    @property
    def drain(self) -> Planned:
        (drain,) = self.planned.all(DRAIN)
        return drain

    def after(self, resource: Planned) -> list[Planned]:
        """All that is deleted later than a resource."""
        found: set[str] = set()
        to_follow = [resource.urn]
        while to_follow:
            for needed in self._needs.get(to_follow.pop(), set()) - found:
                found.add(needed)
                to_follow.append(needed)
        return [self._resources[urn] for urn in found if urn in self._resources]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The prod stack with every add-on that has something to finish."""
    aws = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["trainyard:aws"]
    # What Karpenter cannot do.
    aws["gpu_pools"]["distributed"]["tightly_coupled"] = False
    aws["gpu_pools"]["serving"]["min_nodes"] = 0
    addons = {"node_autoscaler": "karpenter", "gateway": {"enabled": True}, "scale_to_zero": {"enabled": True}}
    changes = {"trainyard:aws": aws, "trainyard:kubernetes": {"addons": addons}}
    project = make_project(tmp_path_factory.mktemp("everything"), "prod", changes)
    said = preview(project, "prod", "--json")
    assert said.code == 0, said.out + said.err
    return Plan(json.loads(said.out))


@pytest.fixture(scope="module", params=list(FINISHING))
def order(request: pytest.FixtureRequest) -> Order:
    stack = str(request.param)
    return Order(stack, request.getfixturevalue("everything") if stack == "everything" else plan(stack))


def names(resources: Iterable[Planned]) -> set[str]:
    return {each.name for each in resources}


def of_type(resources: Iterable[Planned], type_: str) -> set[str]:
    return {each.name for each in resources if each.type == type_}


def test_every_workload_goes_before_the_cluster_is_drained(order: Order) -> None:
    components = {each.urn for each in order.planned.resources if each.type in WORKLOADS}
    workloads = [each for each in order.planned.resources if each.parent in components]
    in_cluster = [each for each in workloads if each.type.startswith("kubernetes:")]
    assert {"Job", "Deployment", "Service"} <= {each.type.rpartition(":")[2] for each in in_cluster}
    for each in in_cluster:
        assert order.drain in order.after(each), each.name


def test_what_finishes_a_deletion_goes_after_the_drain_and_so_do_its_rights(order: Order) -> None:
    after = order.after(order.drain)
    assert of_type(after, RELEASE) >= FINISHING[order.stack]
    assert of_type(after, "aws:eks/addon:Addon") >= {"workload-addons-aws-ebs-csi-driver", "addons-vpc-cni"}
    autoscaler = {"karpenter-controller", "karpenter-node"} if order.stack == "everything" else {"autoscaler"}
    assert of_type(after, "aws:iam/role:Role") >= {"cluster", "node", "workload-addons-ebs-csi", *autoscaler}


def test_what_a_namespace_holds_is_drained_before_the_namespace_goes(order: Order) -> None:
    """Whoever deletes a namespace waits in silence for all that is in it."""
    after = order.after(order.drain)
    teams = [each for each in order.planned.all("kubernetes:core/v1:Namespace") if each.name == "trainyard"]
    assert teams
    assert names(teams) <= of_type(after, "kubernetes:core/v1:Namespace")
    assert of_type(after, "kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue")
    assert bool(of_type(after, "kubernetes:karpenter.sh/v1:NodePool")) == (order.stack == "everything")


def test_nodes_cluster_and_network_go_after_the_add_ons_in_this_order(order: Order) -> None:
    planned, after = order.planned, order.after(order.drain)
    (cluster,), (network,) = planned.all("aws:eks/cluster:Cluster"), planned.all("aws:ec2/vpc:Vpc")
    groups = planned.all("aws:eks/nodeGroup:NodeGroup")
    private = [each for each in planned.all("aws:ec2/subnet:Subnet") if "private" in each.name]
    assert groups
    assert private
    assert names([*groups, cluster, network, *private]) <= names(after)
    (system,) = (each for each in groups if each.name == "system")
    for release in planned.all(RELEASE):
        assert system in order.after(release), release.name
    for group in groups:
        assert cluster in order.after(group), group.name
        assert group not in order.after(cluster), group.name
    assert names([network, *private]) <= names(order.after(cluster))
    for subnet in private:
        assert network in order.after(subnet), subnet.name


def test_the_plan_shows_neither_a_credential_nor_the_way_into_the_cluster(order: Order) -> None:
    kept = {name: value for name, value in order.drain.inputs.items() if name != "__provider"}
    assert kept.keys() == {"cluster", "name", "kubeconfig", "teams", "limit_minutes"}
    assert "token" not in json.dumps(kept)
    # A reference to the class, not the class.
    assert len(order.drain.inputs["__provider"]) < 200
