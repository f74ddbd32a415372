"""The values of the charts: those that were reviewed, and none that a chart does not know.

TRAINYARD_WRITE_GOLDEN=1 writes the reviewed values anew. `known_values.json` was recorded by hand from the charts' own
`values.yaml` and templates at the versions that it names; a value `a.b.*` is one that the chart takes whole.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.aws import cluster_autoscaler as autoscaler_role
from infra.aws import interruptions, karpenter_policies, node_pool
from infra.aws.settings import KUBERNETES_VERSIONS
from infra.gcp import kubernetes_side as gke
from infra.kubernetes.addon_settings import AddonSettings
from infra.kubernetes.charts import cluster_autoscaler, karpenter, termination_handler
from infra.kubernetes.charts.chart import LEVELS
from infra.kubernetes.charts.cluster_facts import mirrored
from infra.kubernetes.charts.selection import addons, namespaces
from tests.infra.kubernetes.charts.clusters import charts, everything, facts

HERE = Path(__file__).parent
WRITE = os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1"
KNOWN: dict[str, dict[str, Any]] = json.loads((HERE / "known_values.json").read_text())
UPSTREAM = ("registry.k8s.io", "quay.io", "public.ecr.aws", "ghcr.io", "docker.io", "nvcr.io")

PRODUCTION = charts(everything(), facts())
KARPENTER = charts(AddonSettings(node_autoscaler="karpenter"), facts())
GKE = charts(
    everything(),
    facts(
        aws=None,
        provided=gke.PROVIDED,
        gpu_driver_folder=gke.GPU_DRIVER_FOLDER,
        service_account_annotations={},
        load_balancer_annotations=gke.load_balancer_annotations(),
    ),
)
REVIEWED = {**PRODUCTION, **{name: KARPENTER[name] for name in ("karpenter", "karpenter-crd")}}
COMBINATIONS = {
    "production": PRODUCTION,
    "karpenter": KARPENTER,
    "gke": GKE,
    "development": charts(everything(), facts(production=False, storage_class="", aws=None)),
    "shared": charts(everything(device_plugin={"time_slices": 4}), facts(kubernetes_version="1.34")),
    "sliced": charts(everything(device_plugin={"mig_strategy": "mixed"}), facts(kubernetes_version="1.36")),
}


def leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object, by its path."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, values


def texts(values: Any) -> Iterator[str]:
    """Every text in values, keys among them."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield str(key)
            yield from texts(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from texts(value)
    else:
        yield str(values)


class Readable(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Readable.add_representer(str, _text)


@pytest.mark.parametrize("release", REVIEWED)
def test_values_are_those_that_were_reviewed(release: str) -> None:
    chart = REVIEWED[release]
    head = f"# {chart.repository or 'registry'}\n# {chart.chart} {chart.version}, in {chart.namespace}\n"
    plain = json.loads(json.dumps(chart.values))
    text = head + yaml.dump(plain, Dumper=Readable, sort_keys=False, width=120)
    golden = HERE / "golden" / f"{release}.yaml"
    if WRITE:
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_every_value_is_one_that_its_chart_knows(combination: str) -> None:
    unknown = []
    for chart in COMBINATIONS[combination].values():
        known = KNOWN[chart.chart.rsplit("/", 1)[-1]]["values"]
        whole = tuple(each.removesuffix("*") for each in known if each.endswith(".*"))
        unknown += [
            f"{chart.release}: {path}"
            for path, _ in leaves(dict(chart.values))
            if path not in known and not f"{path}.".startswith(whole)
        ]
    assert unknown == []


def test_values_were_recorded_of_the_versions_that_are_installed() -> None:
    recorded = {name: each["version"] for name, each in KNOWN.items()}
    assert {chart.chart.rsplit("/", 1)[-1]: chart.version for chart in REVIEWED.values()} == recorded


def test_what_runs_once_runs_on_system_nodes_and_the_rest_on_nodes_with_gpus() -> None:
    for combination in COMBINATIONS.values():
        for chart in combination.values():
            selectors = [
                {path.split("nodeSelector.", 1)[1]: value}
                for path, value in leaves(dict(chart.values))
                if "nodeSelector." in path
            ]
            assert all(
                each in ({"trainyard.dev/pool": "system"}, {"nvidia.com/gpu.present": "true"}) for each in selectors
            )
            # The node exporter runs on every node.
            assert selectors or chart.release in ("prometheus-node-exporter", "karpenter-crd")


def test_images_come_from_the_mirror() -> None:
    mirror = {registry: f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{registry}-cache" for registry in UPSTREAM}
    for settings in (everything(), AddonSettings(node_autoscaler="karpenter")):
        for chart in charts(settings, facts(registries=mirror)).values():
            found = [text for text in texts(dict(chart.values)) if text.split("/")[0] in UPSTREAM]
            assert found == [], chart.release


@given(
    registry=st.sampled_from(UPSTREAM),
    path=st.from_regex(r"[a-z]{1,8}(/[a-z-]{1,8}){0,2}(:v[0-9]{1,3})?", fullmatch=True),
    others=st.dictionaries(st.sampled_from(UPSTREAM), st.just("mirror.example/cache")),
)
def test_a_mirror_changes_the_registry_and_nothing_else(registry: str, path: str, others: dict[str, str]) -> None:
    expected = others.get(registry, registry)
    assert mirrored(f"{registry}/{path}", others) == f"{expected}/{path}"
    assert mirrored(registry, others) == expected
    # A registry that is only named alike is another one.
    assert mirrored(f"{registry}.example/{path}", others) == f"{registry}.example/{path}"


def test_without_aws_nothing_of_aws_is_left() -> None:
    elsewhere = charts(everything(), facts(aws=None, service_account_annotations={}, load_balancer_annotations={}))
    assert set(PRODUCTION) - set(elsewhere) == {"cluster-autoscaler", "aws-node-termination-handler"}
    found = [text for chart in elsewhere.values() for text in texts(dict(chart.values)) if "aws" in text]
    assert found == []


def test_on_gke_what_the_cluster_brings_is_left_out_and_the_rest_is_the_same() -> None:
    assert set(PRODUCTION) - set(GKE) == {"cluster-autoscaler", "nvidia-device-plugin", "aws-node-termination-handler"}
    others = {name: chart for name, chart in GKE.items() if name not in ("dcgm-exporter", "envoy-gateway")}
    assert all(chart == PRODUCTION[name] for name, chart in others.items())


def test_on_gke_the_exporter_is_shown_the_driver_and_the_gpus() -> None:
    exporter, elsewhere = GKE["dcgm-exporter"].values, PRODUCTION["dcgm-exporter"].values
    added = {name: value for name, value in exporter.items() if value != elsewhere.get(name)}
    driver, place = "/home/kubernetes/bin/nvidia", "/usr/local/nvidia"
    assert added == {
        "extraEnv": [
            {"name": "LD_LIBRARY_PATH", "value": f"{place}/lib64"},
            {"name": "DCGM_EXPORTER_KUBERNETES_GPU_ID_TYPE", "value": "device-name"},
        ],
        "extraHostVolumes": [{"name": "nvidia-driver", "hostPath": driver}],
        "extraVolumeMounts": [{"name": "nvidia-driver", "mountPath": place, "readOnly": True}],
        "securityContext": {"privileged": True},
    }


def test_each_add_on_goes_by_its_own_setting() -> None:
    off: dict[str, Any] = {"node_autoscaler": "none"}
    off |= {addon.name: {"enabled": False} for addon in addons(everything(), facts()) if addon.name not in off}
    for addon in addons(everything(), facts()):
        without = everything(**{"scale_to_zero": {"enabled": False}, addon.name: off[addon.name]})
        assert addon.name not in [each.name for each in addons(without, facts())]
    assert addons(AddonSettings.model_validate(off), facts()) == []
    assert namespaces(AddonSettings.model_validate(off), facts()) == {}


def test_the_handler_is_left_out_beside_karpenter_and_without_a_queue() -> None:
    assert "aws-node-termination-handler" not in KARPENTER
    aws = facts().aws
    assert aws
    nobody_told = facts(aws=type(aws)(region="eu-west-1", interruption_queue="", interruption_queue_url=""))
    assert "aws-node-termination-handler" not in charts(everything(), nobody_told)


def test_only_what_needs_privileges_is_where_they_are_allowed() -> None:
    assert namespaces(everything(), facts()) == LEVELS
    privileged = {chart.release for chart in REVIEWED.values() if LEVELS.get(chart.namespace) == "privileged"}
    assert privileged == {"nvidia-device-plugin", "dcgm-exporter", "prometheus-node-exporter"}
    # Teams cannot be named so.
    assert all(namespace.startswith("trainyard-") for namespace in LEVELS)


def test_service_accounts_and_nodes_are_called_as_aws_knows_them() -> None:
    assert cluster_autoscaler.SERVICE_ACCOUNT == autoscaler_role.SERVICE_ACCOUNT
    assert karpenter.SERVICE_ACCOUNT == karpenter_policies.SERVICE_ACCOUNT
    assert termination_handler.SERVICE_ACCOUNT == interruptions.SERVICE_ACCOUNT
    assert termination_handler.MANAGED_TAG in node_pool.MANAGED_TAG
    accounts = {
        "cluster-autoscaler": PRODUCTION["cluster-autoscaler"].values["rbac"]["serviceAccount"]["name"],
        "karpenter": KARPENTER["karpenter"].values["serviceAccount"]["name"],
        "aws-node-termination-handler": PRODUCTION["aws-node-termination-handler"].values["serviceAccount"]["name"],
    }
    assert all(name == account for name, account in accounts.items())


@pytest.mark.parametrize(("production", "pods"), [(True, 2), (False, 1)])
def test_production_has_two_of_what_others_need(production: bool, pods: int) -> None:
    cluster = facts(production=production)
    found = {**charts(everything(), cluster), **charts(AddonSettings(node_autoscaler="karpenter"), cluster)}
    counts = {
        f"{chart.release}: {path}": value
        for chart in found.values()
        for path, value in leaves(dict(chart.values))
        if path.rsplit(".", 1)[-1] in ("replicas", "replicaCount")
    }
    assert len(counts) == 10
    assert set(counts.values()) == {pods}


def test_the_autoscaler_is_that_of_the_kubernetes_version() -> None:
    for version in KUBERNETES_VERSIONS:
        values = charts(everything(), facts(kubernetes_version=version))["cluster-autoscaler"].values
        assert values["image"]["tag"].startswith(f"v{version}.")
    with pytest.raises(ValueError, match=r"no cluster autoscaler is known for Kubernetes 1\.99, only for 1\.34"):
        cluster_autoscaler.image_tag("1.99")


@given(grace=st.integers(min_value=1, max_value=86_400))
def test_nodes_are_given_the_time_that_pods_need(grace: int) -> None:
    assert termination_handler.drain_seconds(grace) >= max(grace, termination_handler.NOTICE_SECONDS)
    assert cluster_autoscaler.arguments(facts(grace_seconds=grace))["max-graceful-termination-sec"] == grace


def test_shared_gpus_are_offered_in_turns_and_told_apart() -> None:
    shared = COMBINATIONS["shared"]
    configuration = yaml.safe_load(shared["nvidia-device-plugin"].values["config"]["map"]["shared"])
    assert configuration["sharing"]["timeSlicing"]["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert configuration["sharing"]["timeSlicing"]["failRequestsGreaterThanOne"] is True
    assert shared["dcgm-exporter"].values["extraEnv"] == [{"name": "KUBERNETES_VIRTUAL_GPUS", "value": "true"}]
    assert "config" not in PRODUCTION["nvidia-device-plugin"].values
    assert PRODUCTION["dcgm-exporter"].values["extraEnv"] == []


def test_of_slices_the_engine_is_what_is_measured() -> None:
    sliced = COMBINATIONS["sliced"]
    assert sliced["nvidia-device-plugin"].values["migStrategy"] == "mixed"
    queries = [rule["metricsQuery"] for rule in sliced["prometheus-adapter"].values["rules"]["custom"]]
    assert "100 * avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE{<<.LabelMatchers>>}) by (<<.GroupBy>>)" in queries


def test_the_queue_takes_jobs_of_teams_and_waits_for_all_of_their_pods() -> None:
    chart = charts(everything(queue={"ready_minutes": 60}), facts())["kueue"]
    configuration = yaml.safe_load(chart.values["managerConfig"]["controllerManagerConfigYaml"])
    assert configuration["integrations"]["frameworks"] == ["batch/job"]
    assert configuration["managedJobsNamespaceSelector"]["matchExpressions"] == [
        {"key": "trainyard.dev/team", "operator": "Exists"}
    ]
    assert configuration["waitForPodsReady"]["timeout"] == "60m"


def test_teams_are_measured_and_cannot_speak_for_each_other() -> None:
    jobs = {name: job for name, job in PRODUCTION["prometheus"].values["scrapeConfigs"].items() if len(job) > 1}
    spaces = {
        name: job["kubernetes_sd_configs"][0]["namespaces"]["names"]
        for name, job in jobs.items()
        if name != "containers"
    }
    assert spaces["teams"] == ["trainyard", "vision"]
    assert sum("trainyard" in names or "vision" in names for names in spaces.values()) == 1
    assert {name for name, job in jobs.items() if job.get("honor_labels")} == {"gpus", "kube-state-metrics"}
    targets = [rule.get("target_label") for rule in jobs["teams"]["relabel_configs"]]
    assert {"namespace", "pod"} <= set(targets)


def test_what_is_measured_is_bounded_by_the_room_there_is() -> None:
    server = PRODUCTION["prometheus"].values["server"]
    assert server["persistentVolume"] == {"enabled": True, "size": "50Gi", "storageClass": "encrypted-gp3"}
    assert server["retentionSize"] == "38400MB"
    without = charts(everything(monitoring={"retention_days": 2}), facts())["prometheus"].values["server"]
    assert (without["persistentVolume"]["enabled"], without["emptyDir"]["sizeLimit"]) == (False, "8Gi")
    assert (without["retention"], without["retentionSize"]) == ("2d", "6144MB")
