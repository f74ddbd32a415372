"""The add-ons as releases: what is asked of Helm, in which order, and what others wait for."""

from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from pulumi.runtime import mocks

from infra.kubernetes.addon_settings import ADDONS, AddonSettings
from infra.kubernetes.addons import Addons, AddonsArguments, addon_namespaces
from infra.kubernetes.charts.cluster_facts import ClusterFacts
from tests.infra.kubernetes.charts.clusters import everything, facts
from tests.infra.recorder import Resources, record

RELEASE = "kubernetes:helm.sh/v3:Release"


def install(settings: AddonSettings, cluster: ClusterFacts, after: dict[str, list[pulumi.Resource]]) -> Resources:
    """What the add-ons register; `after` is filled with what each one's own objects wait for."""

    def build() -> None:
        provider = pulumi_kubernetes.Provider("cluster", kubeconfig="{}")
        addons = Addons("addons", AddonsArguments(provider=provider, settings=settings, facts=cluster))
        after.update({name: list(addons.after(name)) for name in ADDONS})
        with pytest.raises(ValueError, match="istio is no add-on; must be one of node_autoscaler, device_plugin"):
            addons.after("istio")  # type: ignore[arg-type]

    return record(build)


@pytest.fixture
def dependencies(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Names of what each resource waits for, by its own name, filled as resources are registered."""
    found: dict[str, set[str]] = {}
    register = mocks.MockMonitor.RegisterResource

    def listen(self: mocks.MockMonitor, request: Any) -> Any:
        found[request.name] = {urn.rsplit("::", 1)[-1] for urn in request.dependencies}
        return register(self, request)

    monkeypatch.setattr(mocks.MockMonitor, "RegisterResource", listen)
    return found


def test_a_release_names_its_chart_by_version_and_is_taken_back_when_it_fails() -> None:
    release = install(everything(), facts(), {}).one(RELEASE, "addons-cluster-autoscaler").inputs
    assert release["values"].pop("extraArgs")["expander"] == "least-waste"
    assert {name: value for name, value in release.items() if name != "values"} == {
        "name": "cluster-autoscaler",
        "chart": "cluster-autoscaler",
        "version": "9.59.0",
        "repositoryOpts": {"repo": "https://kubernetes.github.io/autoscaler"},
        "namespace": "kube-system",
        "createNamespace": False,
        "skipCrds": False,
        "atomic": True,
        "cleanupOnFail": True,
        "skipAwait": False,
        "timeout": 600,
        "maxHistory": 5,
        "compat": "true",
    }
    assert release["values"]["rbac"]["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"].startswith("arn:")


def test_the_autoscaler_comes_first_and_each_chart_after_what_it_needs(dependencies: dict[str, set[str]]) -> None:
    install(everything(), facts(), {})
    releases = {name: needs for name, needs in dependencies.items() if name.startswith("addons-")}
    assert [name for name, needs in releases.items() if not needs] == ["addons-cluster-autoscaler"]
    assert "addons-prometheus" in releases["addons-prometheus-adapter"]
    assert "addons-envoy-gateway" in releases["addons-gateway-class"]


def test_karpenter_comes_after_its_kinds_which_its_own_chart_leaves_out(dependencies: dict[str, set[str]]) -> None:
    resources = install(everything(node_autoscaler="karpenter"), facts(), {})
    assert resources.one(RELEASE, "addons-karpenter").inputs["skipCrds"] is True
    assert dependencies["addons-karpenter"] == {"addons-karpenter-crd"}
    assert dependencies["addons-kueue"] == {"addons-karpenter-crd", "addons-karpenter"}


def test_others_wait_for_what_is_installed_and_for_nothing_else() -> None:
    after: dict[str, list[pulumi.Resource]] = {}
    install(everything(), facts(), after)
    assert {name: len(resources) for name, resources in after.items()} == {
        "node_autoscaler": 1,
        "device_plugin": 1,
        "gpu_metrics": 1,
        "queue": 1,
        "termination_handler": 1,
        "monitoring": 3,
        "gateway": 2,
        "scale_to_zero": 1,
    }
    install(AddonSettings(), facts(aws=None), after)
    assert [name for name, resources in after.items() if not resources] == [
        "node_autoscaler",
        "termination_handler",
        "gateway",
        "scale_to_zero",
    ]


def test_a_gateway_names_the_class_that_comes_with_the_add_on() -> None:
    made = install(everything(), facts(), {}).one("kubernetes:gateway.networking.k8s.io/v1:GatewayClass").inputs
    assert made["metadata"]["name"] == "trainyard"
    assert made["spec"]["controllerName"] == "gateway.envoyproxy.io/gatewayclass-controller"


def test_every_release_is_in_a_namespace_that_is_there_before() -> None:
    provider: Any = None
    spaces = addon_namespaces(AddonsArguments(provider=provider, settings=everything(), facts=facts()))
    used = {release.inputs["namespace"] for release in install(everything(), facts(), {}).all(RELEASE)}
    assert used == {*spaces, "kube-system"}
    assert "kube-system" not in spaces


def test_a_cluster_that_no_autoscaler_fits_is_refused_before_anything_is_installed() -> None:
    with pytest.raises(pulumi.RunError, match=r"no cluster autoscaler is known for Kubernetes 1\.99"):
        install(everything(), facts(kubernetes_version="1.99"), {})
