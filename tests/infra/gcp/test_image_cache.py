"""Images of others, pulled through the project's own registry."""

import json
from typing import Any

import pytest

from infra.gcp.image_cache import KEPT_DAYS, registries
from infra.gcp.naming import Names
from infra.gcp.settings import NetworkSettings
from infra.kubernetes.charts.cluster_facts import mirrored
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.parts import NAMES
from tests.infra.recorder import Registered, Resources, deploy, provision

REPOSITORY = "gcp:artifactregistry/repository:Repository"
GRANT = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
HOSTS = {"docker.io", "ghcr.io", "quay.io", "registry.k8s.io"}
PLACE = f"{REGION}-docker.pkg.dev/{PROJECT}"
PRIVATE = {"network.nat": "none", "registry.pull_through": True}
WITH_NAT, WITHOUT_NAT = NetworkSettings(), NetworkSettings(nat="none")

pytestmark = pytest.mark.xdist_group("gcp platforms")


def cached(changes: dict[str, Any]) -> list[Registered]:
    """The repositories of others' images of gcp-dev."""
    return [each for each in provision("gcp-dev", changes).all(REPOSITORY) if "remoteRepositoryConfig" in each.inputs]


@pytest.fixture(scope="module")
def resources() -> Resources:
    return provision("gcp-dev", PRIVATE)


def test_each_registry_without_credentials_has_a_place_of_the_stack_s_own() -> None:
    fetched = {
        each.inputs["repositoryId"]: each.inputs["remoteRepositoryConfig"]
        for each in cached({"registry.pull_through": True})
    }
    assert fetched == {
        "trainyard-gcp-dev-cached-docker": {
            "description": "Images from docker.io",
            "dockerRepository": {"publicRepository": "DOCKER_HUB"},
        },
        **{
            f"trainyard-gcp-dev-cached-{short}": {
                "description": f"Images from {host}",
                "commonRepository": {"uri": f"https://{host}"},
            }
            for short, host in (("github", "ghcr.io"), ("k8s", "registry.k8s.io"), ("quay", "quay.io"))
        },
    }
    told = {host: place.removeprefix(f"{PLACE}/") for host, place in registries(NAMES, WITH_NAT).items()}
    assert told.keys() == HOSTS
    assert set(told.values()) == fetched.keys()


def test_what_is_fetched_is_encrypted_labelled_scanned_and_goes_by_itself() -> None:
    for each in cached(PRIVATE):
        assert (each.inputs["format"], each.inputs["mode"]) == ("DOCKER", "REMOTE_REPOSITORY")
        assert "/cryptoKeys/keys-images" in each.inputs["kmsKeyName"]
        assert {"project", "stack", "owner", "cost_centre"} <= each.inputs["labels"].keys()
        assert each.inputs["vulnerabilityScanningConfig"] == {"enablementConfig": "INHERITED"}
        (policy,) = each.inputs["cleanupPolicies"]
        assert policy["action"] == "DELETE"
        assert policy["condition"] == {"tagState": "ANY", "olderThan": f"{KEPT_DAYS * 86_400}s"}
        # Otherwise the policy only says what it would delete.
        assert each.inputs["cleanupPolicyDryRun"] is False
        # A tag moves when it does upstream.
        assert "dockerConfig" not in each.inputs


def test_they_go_with_the_stack_in_production_too() -> None:
    for each in provision("gcp-prod", {"registry.pull_through": True}).all(REPOSITORY):
        is_cached = "remoteRepositoryConfig" in each.inputs
        assert each.inputs["deletionPolicy"] == ("DELETE" if is_cached else "PREVENT")


def test_nodes_read_these_repositories_and_write_none(resources: Resources) -> None:
    grants = [each.inputs for each in resources.all(GRANT)]
    assert {each["repository"] for each in grants} == {
        each.inputs["repositoryId"] for each in resources.all(REPOSITORY)
    }
    assert {each["role"] for each in grants} == {"roles/artifactregistry.reader"}


def test_only_without_a_way_out_an_upstream_is_tried_that_nobody_has_tried(resources: Resources) -> None:
    assert registries(NAMES, WITHOUT_NAT).keys() - registries(NAMES, WITH_NAT).keys() == {"nvcr.io"}
    unproven = [
        each.inputs["repositoryId"]
        for each in resources.all(REPOSITORY)
        if each.inputs.get("remoteRepositoryConfig", {}).get("disableUpstreamValidation")
    ]
    assert unproven == ["trainyard-gcp-dev-cached-nvidia"]


def test_an_image_is_named_by_what_it_is_called_upstream() -> None:
    place = registries(NAMES, WITH_NAT)
    assert mirrored("quay.io/prometheus/prometheus", place) == (
        f"{PLACE}/trainyard-gcp-dev-cached-quay/prometheus/prometheus"
    )
    assert mirrored("public.ecr.aws/karpenter/controller", place) == "public.ecr.aws/karpenter/controller"


def test_what_stands_before_the_inference_service_is_pulled_through_and_the_stack_s_own_images_are_not() -> None:
    objects = deploy("gcp-dev", PRIVATE).registered
    (deployment,) = (each.inputs for each in objects if each.inputs.get("kind") == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    images = [each["image"].rpartition("@")[0] for each in (*pod["initContainers"], *pod["containers"])]
    assert set(images) == {
        f"{PLACE}/trainyard-gcp-dev-serving/serving",
        f"{PLACE}/trainyard-gcp-dev-cached-docker/envoyproxy/envoy",
    }


def test_no_chart_asks_for_an_image_that_a_private_network_does_not_reach() -> None:
    releases = [each for each in deploy("gcp-dev", PRIVATE).registered if each.type.endswith(":Release")]
    assert len(releases) > 3
    for each in releases:
        told = json.dumps(each.inputs["values"])
        assert PLACE in told, each.name
        assert not [host for host in registries(NAMES, WITHOUT_NAT) if f'"{host}' in told], each.name


def test_artifact_registry_refuses_no_repository_for_the_length_of_its_name() -> None:
    for project, stack in (("p" * 60, "s" * 40), ("trainyard", "a-stack-with-quite-a-name")):
        for place in registries(Names(project, stack, PROJECT, NUMBER, REGION), WITHOUT_NAT).values():
            assert len(place.rpartition("/")[2]) <= 63


def test_without_the_setting_nothing_is_pulled_through() -> None:
    assert cached({}) == []
