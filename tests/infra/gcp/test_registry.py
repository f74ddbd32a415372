"""The image registry: tags that never move, encryption, scanning, and what goes by itself."""

import pytest

from tests.infra.recorder import Resources, provision

REPOSITORY = "gcp:artifactregistry/repository:Repository"

pytestmark = pytest.mark.xdist_group("gcp platforms")


@pytest.fixture(params=["gcp-dev", "gcp-prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(stack: str) -> Resources:
    return provision(stack)


def test_there_is_a_repository_for_each_image_in_the_stack_s_region(stack: str, resources: Resources) -> None:
    made = {each.inputs["repositoryId"]: each.inputs["location"] for each in resources.all(REPOSITORY)}
    assert made == {f"trainyard-{stack}-{image}": "europe-west4" for image in ("serving", "training")}


def test_tags_never_move_and_images_are_encrypted_by_their_key(resources: Resources) -> None:
    for each in resources.all(REPOSITORY):
        assert each.inputs["format"] == "DOCKER"
        assert each.inputs["dockerConfig"] == {"immutableTags": True}
        assert "/cryptoKeys/keys-images" in each.inputs["kmsKeyName"]


@pytest.mark.parametrize(("scanning", "config"), [(True, "INHERITED"), (False, "DISABLED")])
def test_images_are_scanned_where_that_is_wanted(scanning: bool, config: str) -> None:
    for each in provision("gcp-dev", {"registry.scanning": scanning}).all(REPOSITORY):
        assert each.inputs["vulnerabilityScanningConfig"] == {"enablementConfig": config}


def test_images_without_a_tag_go_after_a_week_but_for_the_newest() -> None:
    for each in provision("gcp-dev", {"registry.keep_images": 12}).all(REPOSITORY):
        assert each.inputs["cleanupPolicies"] == [
            {"id": "keep-newest", "action": "KEEP", "mostRecentVersions": {"keepCount": 12}},
            {
                "id": "delete-untagged",
                "action": "DELETE",
                "condition": {"tagState": "UNTAGGED", "olderThan": "604800s"},
            },
        ]
        # Otherwise the policies only say what they would delete.
        assert each.inputs["cleanupPolicyDryRun"] is False


def test_images_go_with_their_repository_in_dev_only() -> None:
    for stack, policy in (("gcp-dev", "DELETE"), ("gcp-prod", "PREVENT")):
        assert {each.inputs["deletionPolicy"] for each in provision(stack).all(REPOSITORY)} == {policy}


def test_nodes_may_pull_from_these_repositories_and_nobody_is_let_in_else(stack: str, resources: Resources) -> None:
    grants = resources.all("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember")
    assert {each.inputs["repository"] for each in grants} == {
        each.inputs["repositoryId"] for each in resources.all(REPOSITORY)
    }
    assert {(each.inputs["role"], each.inputs["member"]) for each in grants} == {
        (
            "roles/artifactregistry.reader",
            f"serviceAccount:trainyard-{stack}-node@ml-platform-example.iam.gserviceaccount.com",
        )
    }
