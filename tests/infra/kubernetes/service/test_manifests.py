"""The objects of a service: what a reviewer reads, and what a cluster makes of a service's settings.

TRAINYARD_WRITE_GOLDEN=1 writes the manifests anew.
"""

import asyncio
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra.kubernetes.object import Manifest
from infra.kubernetes.service.authentication import Clients
from infra.kubernetes.service.exposure import endpoints, is_encrypted
from infra.kubernetes.service.manifests import FRONT_DIGEST, service_manifests
from infra.kubernetes.service.surroundings import SERVICE_LABEL
from infra.kubernetes.specification import DIGEST_ANNOTATION
from infra.service_settings import AuthenticationSettings
from tests.infra.kubernetes.manifests import as_yaml, resolved, schema_problems
from tests.infra.kubernetes.pools import SYSTEM
from tests.infra.kubernetes.service.settings_table import (
    AROUND,
    IMAGE,
    NAME,
    TABLE,
    containers_of,
    manifests,
    one_of,
    pod_of,
    specification,
)
from trainyard_artifacts.specification import load_specification
from trainyard_serving.specification import ServiceSpecification

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["default", "gpu", "gateway"])
def test_the_objects_are_what_was_reviewed(name: str) -> None:
    # The files that pods read are long, and much the same.
    shown = [each for each in manifests(name) if name == "default" or each["kind"] != "ConfigMap"]
    written, golden = as_yaml(shown), GOLDEN / f"service_{name}.yaml"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(written)
    assert written == golden.read_text()


def test_kubernetes_knows_every_field() -> None:
    # What is the same in several rows is looked at once.
    found = {json.dumps(manifest): manifest for name in TABLE for manifest in manifests(name)}
    assert schema_problems([_named_by_row(number, each) for number, each in enumerate(found.values())]) == []


def _named_by_row(number: int, manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": f"{manifest['metadata']['name']}-{number}"}}


@pytest.mark.parametrize("name", TABLE)
def test_no_pod_may_do_more_than_it_has_to(name: str) -> None:
    found = manifests(name)
    pod, containers = pod_of(found), containers_of(found)
    assert list(containers) == ["fetch", "front", "server"]
    assert pod["automountServiceAccountToken"] is False
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    for container in containers.values():
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert "@sha256:" in container["image"]
        resources = container["resources"]
        assert resources["requests"] == resources["limits"]
        assert {"cpu", "memory", "ephemeral-storage"} <= set(resources["limits"])
    for container in (containers["front"], containers["server"]):
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_the_decrypted_model_is_in_memory_and_only_the_fetcher_writes_it() -> None:
    found = manifests("gpu")
    containers = containers_of(found)
    (model,) = [volume for volume in pod_of(found)["volumes"] if volume["name"] == "model"]
    assert model["emptyDir"] == {"medium": "Memory", "sizeLimit": "2Gi"}
    document = json.loads(found[0]["data"]["SERVICE.json"])
    mounts = {
        name: [mount for mount in container["volumeMounts"] if mount["name"] == "model"]
        for name, container in containers.items()
    }
    place = {"name": "model", "mountPath": document["work_dir"]}
    assert mounts == {"fetch": [place], "front": [], "server": [{**place, "readOnly": True}]}


def test_only_the_fetcher_has_credentials_and_it_gets_no_gpu() -> None:
    found = manifests("gpu")
    containers = containers_of(found)
    annotations = one_of(found, "Deployment")["template"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/skip-containers"] == "front,server"
    known = {name: {each["name"]: each["value"] for each in container.get("env", [])}
             for name, container in containers.items()}  # fmt: skip
    assert known["fetch"]["AWS_REGION"] == "eu-west-1"
    assert known["fetch"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert not [name for container in ("front", "server") for name in known[container] if name.startswith("AWS_")]


@pytest.mark.parametrize("name", TABLE)
def test_the_serving_package_accepts_what_a_pod_is_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / "SERVICE.json"
    path.write_text(manifests(name)[0]["data"]["SERVICE.json"])
    accepted = load_specification(path, ServiceSpecification)
    assert accepted.listen_address == "127.0.0.1"
    assert accepted.device == ("gpu" if name in ("gpu", "slice") else "cpu")
    assert accepted.drain_seconds == specification(name).limits.timeout_seconds


@pytest.mark.parametrize(
    ("name", "resource", "pools"),
    [
        ("default", None, ["system"]),
        ("gpu", "nvidia.com/gpu", ["small", "large"]),
        ("slice", "nvidia.com/mig-1g.5gb", ["large"]),
    ],
)
def test_pods_go_to_nodes_that_have_what_they_ask_for(name: str, resource: str | None, pools: list[str]) -> None:
    found = manifests(name)
    pod = pod_of(found)
    limits = containers_of(found)["server"]["resources"]["limits"]
    assert {key: value for key, value in limits.items() if "nvidia" in key} == ({resource: "1"} if resource else {})
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "trainyard.dev/pool", "operator": "In", "values": pools}]
    assert [each["key"] for each in pod.get("tolerations", [])] == (["nvidia.com/gpu"] if resource else [])
    assert {each["topologyKey"] for each in pod["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }


def test_pods_that_no_pool_can_take_are_refused_before_anything_is_made() -> None:
    with pytest.raises(pulumi.RunError, match=r"serving\.pods\.cpus = 2: no pool can ever give that"):
        # The server alone would fit, but not with the front beside it.
        manifests(
            around=dataclasses.replace(AROUND, pools=[dataclasses.replace(SYSTEM, cpus=1.75)]), pods={"cpus": 1.5}
        )
    with pytest.raises(pulumi.RunError, match="the stack has no pool with GPUs"):
        manifests("gpu", dataclasses.replace(AROUND, pools=[SYSTEM]))
    with pytest.raises(pulumi.RunError, match="gpu_memory_gib = 80: no pool can ever give that"):
        manifests(pods={"gpus": 1, "gpu_memory_gib": 80, "capacity": "spot"})


@pytest.mark.parametrize("name", TABLE)
def test_a_pod_has_time_for_all_its_requests_when_it_ends(name: str) -> None:
    found = manifests(name)
    sleep = containers_of(found)["server"]["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = pod_of(found)["terminationGracePeriodSeconds"]
    assert grace > sleep + specification(name).limits.timeout_seconds
    assert one_of(found, "Deployment")["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    front = yaml.safe_load(found[1]["data"]["envoy.yaml"])
    (filters,) = front["static_resources"]["listeners"][0]["filter_chains"]
    options = filters["filters"][0]["typed_config"]
    longest = float(options["common_http_protocol_options"]["max_connection_duration"].rstrip("s"))
    idle = float(options["common_http_protocol_options"]["idle_timeout"].rstrip("s"))
    # Every connection has been given up before the server is asked to end.
    assert sleep > longest + max(idle, float(options["drain_timeout"].rstrip("s")))


def test_what_a_pod_reads_makes_new_pods_when_it_changes() -> None:
    def digests(*args: Any, **changes: Any) -> tuple[str, str]:
        annotations = one_of(manifests(*args, **changes), "Deployment")["template"]["metadata"]["annotations"]
        return annotations[DIGEST_ANNOTATION], annotations[FRONT_DIGEST]

    before = digests()
    assert digests() == before
    other_batch = digests(max_batch_size=8)
    assert (other_batch[0] != before[0], other_batch[1]) == (True, before[1])
    other_issuer = digests("default", dataclasses.replace(AROUND, issuer="https://elsewhere.example.com"))
    assert (other_issuer[0], other_issuer[1] != before[1]) == (before[0], True)


def test_keys_are_where_the_clusters_issuer_has_them_and_anothers_where_it_is_usual() -> None:
    def uri(issuer: str = "", path: str = "jwks", jwks_uri: str = "") -> str:
        settings = AuthenticationSettings(issuer=issuer, jwks_uri=jwks_uri)
        cluster = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"
        clients = Clients(settings=settings, cluster_issuer=cluster, cluster_keys_path=path, namespace="team")
        return clients.jwks_uri.removeprefix(cluster)

    assert (uri(), uri(path="keys")) == ("/jwks", "/keys")
    assert uri(issuer="https://idp.example.com/") == "https://idp.example.com/keys"
    assert uri(jwks_uri="https://idp.example.com/certs") == "https://idp.example.com/certs"
    front = json.dumps(manifests("default", dataclasses.replace(AROUND, issuer_keys_path="jwks")))
    assert f"{AROUND.issuer}/jwks" in front
    assert f"{AROUND.issuer}/keys" not in front


def test_names_are_known_while_what_is_served_is_not() -> None:
    async def build() -> list[Manifest]:
        unknown: pulumi.Output[Any] = pulumi.Output.from_input(asyncio.get_running_loop().create_future())
        service = dataclasses.replace(specification("gateway"), document=unknown)
        return service_manifests(NAME, service, unknown, dataclasses.replace(AROUND, issuer=unknown))

    names = [(each["kind"], each["metadata"]["name"]) for each in asyncio.run(build())]
    assert names == [
        ("ConfigMap", "serving-specification"),
        ("ConfigMap", "serving-front"),
        ("NetworkPolicy", "serving"),
        ("PodDisruptionBudget", "serving"),
        ("Service", "serving"),
        ("Service", "serving-metrics"),
        ("Deployment", "serving"),
        ("ScaledObject", "serving"),
        ("Gateway", "serving"),
        ("BackendTLSPolicy", "serving"),
        ("HTTPRoute", "serving"),
        ("GRPCRoute", "serving"),
    ]


@pytest.mark.parametrize("name", TABLE)
def test_every_object_finds_the_pods_and_what_it_refers_to(name: str) -> None:
    found = manifests(name)
    label = {SERVICE_LABEL: NAME}
    deployment = one_of(found, "Deployment")
    assert deployment["template"]["metadata"]["labels"].items() >= label.items()
    assert deployment["selector"]["matchLabels"] == label
    assert one_of(found, "PodDisruptionBudget")["selector"]["matchLabels"] == label
    assert one_of(found, "NetworkPolicy")["podSelector"]["matchLabels"] == label
    assert [each["spec"]["selector"] for each in found if each["kind"] == "Service"] == [label, label]
    mounted = {each["configMap"]["name"] for each in pod_of(found)["volumes"] if "configMap" in each}
    own = {each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"}
    assert mounted - own == ({"idp-ca"} if name == "ingress" else set())
    assert own <= mounted
    assert {each["metadata"]["namespace"] for each in found} == {"research"}


def test_clients_and_prometheus_get_through_and_nobody_else() -> None:
    def peers(name: str) -> dict[int, list[str]]:
        policy = one_of(manifests(name), "NetworkPolicy")
        assert policy["policyTypes"] == ["Ingress"]
        return {
            rule["ports"][0]["port"]: [
                ",".join(f"{key}={value}" for way in peer.values() for key, value in way["matchLabels"].items())
                for peer in rule["from"]
            ]
            for rule in policy["ingress"]
        }

    clients, of_namespace = "trainyard.dev/client=true", "kubernetes.io/metadata.name="
    assert peers("default") == {8080: [clients], 8082: [f"{of_namespace}trainyard-monitoring"]}
    assert peers("gateway")[8080] == [clients, f"{of_namespace}trainyard-gateway"]
    assert peers("ingress")[8080] == [clients, f"{of_namespace}ingress"]


def test_the_issuers_keys_are_reached_wherever_they_are() -> None:
    issuer = {"authentication": {"issuer": "https://idp.example.com:8443/realms/ml"}}
    assert one_of(manifests(**issuer), "NetworkPolicy")["egress"] == [{"ports": [{"protocol": "TCP", "port": 8443}]}]


@pytest.mark.parametrize(
    ("name", "http", "grpc", "encrypted"),
    [
        ("default", "serving.research.svc.cluster.local:80", "serving.research.svc.cluster.local:80", False),
        ("mtls", "serving.research.svc.cluster.local:443", "serving.research.svc.cluster.local:443", True),
        ("gateway", "digits.example.com:443", "grpc.digits.example.com:443", True),
        ("ingress", "digits.example.com:443", "digits.example.com:443", True),
    ],
)
def test_clients_are_told_where_to_ask(name: str, http: str, grpc: str, encrypted: bool) -> None:
    service = specification(name)
    metrics = "serving-metrics.research.svc.cluster.local:8082"
    assert endpoints(NAME, service, AROUND) == {"http": http, "grpc": grpc, "metrics": metrics}
    assert is_encrypted(service) is encrypted
    ports = [each["spec"]["ports"][0]["port"] for each in manifests(name) if each["kind"] == "Service"]
    assert ports == [443 if service.authentication.certificate_secret else 80, 8082]


def test_the_images_digest_may_be_an_output() -> None:
    found = resolved(lambda: service_manifests(NAME, specification(), pulumi.Output.from_input(IMAGE), AROUND))
    assert containers_of(found)["server"]["image"] == IMAGE
