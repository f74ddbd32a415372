"""The cluster as what runs workloads: what is in its way, how a job's end is told, and what waits for what."""

import pulumi
import pulumi_kubernetes
import pytest

from infra.kubernetes.cluster import exit_code
from infra.kubernetes.object import pulumi_name, type_token
from tests.infra.plan import Plan, plan
from tests.infra.recorder import provision

JOB = "kubernetes:batch/v1:Job"

pytestmark = pytest.mark.xdist_group("planned stacks")


@pytest.fixture(scope="module")
def prod() -> Plan:
    return plan("prod")


def test_a_job_that_is_complete_has_succeeded() -> None:
    assert exit_code("training", {"conditions": [{"type": "Complete", "status": "True"}]}) == 0
    assert exit_code("training", None) == 0


def test_a_job_that_has_failed_fails_with_the_words_of_the_cluster() -> None:
    condition = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "exit code 2"}
    with pytest.raises(pulumi.RunError, match=r"The job training has failed. PodFailurePolicy: exit code 2"):
        exit_code("training", {"conditions": [{"type": "Suspended", "status": "False"}, condition]})


def test_a_type_is_called_as_pulumi_calls_it() -> None:
    for class_ in (
        pulumi_kubernetes.batch.v1.Job,
        pulumi_kubernetes.core.v1.ConfigMap,
        pulumi_kubernetes.apps.v1.Deployment,
    ):
        version = class_.pulumi_type.split(":")[1].removeprefix("core/")
        assert type_token({"apiVersion": version, "kind": class_.__name__}) == class_.pulumi_type
    flavor = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor"}
    assert type_token(flavor) == "kubernetes:kueue.x-k8s.io/v1beta2:ResourceFlavor"


def test_objects_of_two_namespaces_are_two_resources() -> None:
    assert pulumi_name({"metadata": {"name": "team", "namespace": "vision"}}) == "vision-team"
    assert pulumi_name({"metadata": {"name": "spot"}}) == "spot"


def test_every_name_in_the_cluster_is_known_in_a_preview(prod: Plan) -> None:
    objects = [each for each in prod.resources if each.type.startswith("kubernetes:")]
    assert len(objects) > 50
    for each in objects:
        name = each.inputs["name"] if each.type.endswith(":Release") else each.inputs["metadata"]["name"]
        assert name
        assert "04da6b54" not in name, each.name


def test_training_waits_for_the_data_and_serving_for_the_model(prod: Plan) -> None:
    by_name = {(each.type, each.name): each for each in prod.resources}
    loader, training = by_name[JOB, "trainyard-training-loader"], by_name[JOB, "trainyard-training"]
    assert loader.urn in training.dependencies
    specification = by_name["kubernetes:core/v1:ConfigMap", "trainyard-serving-specification"]
    assert training.urn in specification.dependencies


def test_workloads_wait_for_the_queue_the_device_plugin_and_their_rights(prod: Plan) -> None:
    (training,) = (each for each in prod.resources if (each.type, each.name) == (JOB, "trainyard-training"))
    waited = {urn.rpartition("::")[2] for urn in training.dependencies}
    assert {"trainyard-spot", "addons-nvidia-device-plugin", "trainyard-default-deny", "trainyard-training"} <= waited


def test_karpenter_s_pools_come_after_karpenter() -> None:
    registered = provision("dev", {"kubernetes.addons": {"node_autoscaler": "karpenter"}})
    assert [each.name for each in registered.all("kubernetes:karpenter.sh/v1:NodePool")] == ["training"]
    assert registered.all("aws:eks/nodeGroup:NodeGroup")[0].name == "system"
