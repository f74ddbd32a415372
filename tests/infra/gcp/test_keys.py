"""The KMS keys: that a destroyed stack can be made anew, who may use which key, and what waits for that."""

from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from infra.gcp.keys import AGENTS, USE, Keys, KeysArguments, Purpose, make_key
from infra.gcp.settings import KeySettings
from lifecycle.changes import replacing
from policies.gcp import identity, keys
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.parts import NAMES, Made, made, objections, sources

KEY, RING = "gcp:kms/cryptoKey:CryptoKey", "gcp:kms/keyRing:KeyRing"
GRANT = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
AGENT = "gcp:projects/serviceIdentity:ServiceIdentity"
WITH_ROLE = {"artifactregistry", "container", "logging"}
"""Services whose agents have a role on the project."""
ROLE = "gcp:projects/iAMMember:IAMMember"
PURPOSES: list[Purpose] = ["data", "images", "logs", "secrets", "volumes"]


def made_keys(production: bool = False, purposes: list[Purpose] = PURPOSES, **settings: Any) -> Made:
    arguments = KeysArguments(names=NAMES, settings=KeySettings(**settings), production=production, purposes=purposes)
    return made(lambda opts: Keys("keys", arguments, opts))


@pytest.fixture(scope="module")
def every() -> Made:
    return made_keys()


def test_there_is_a_rotating_key_for_each_purpose(every: Made) -> None:
    found = every.resources.all(KEY)
    assert [each.name for each in found] == [f"keys-{purpose}" for purpose in PURPOSES]
    for each in found:
        assert each.inputs["purpose"] == "ENCRYPT_DECRYPT"
        assert each.inputs["rotationPeriod"] == "7776000s"
        assert each.inputs["destroyScheduledDuration"] == "2592000s"
        assert each.inputs["labels"]["purpose"]


def test_neither_ring_nor_key_has_a_name_that_comes_twice(every: Made) -> None:
    """Google keeps those names for ever, so Pulumi gives each of them a random end."""
    (ring,) = every.resources.all(RING)
    assert "name" not in ring.inputs
    assert not [each for each in every.resources.all(KEY) if "name" in each.inputs]
    # It has no labels: who finds an old one in the project knows by this whose it was.
    assert ring.name.startswith("trainyard-gcp-dev-")
    assert ring.inputs == {"project": PROJECT, "location": REGION}


@pytest.mark.parametrize(("hardware", "level"), [(False, "SOFTWARE"), (True, "HSM")])
def test_hardware_keeps_keys_where_the_setting_says_so(hardware: bool, level: str) -> None:
    found = made_keys(hardware=hardware).resources.all(KEY)
    assert {each.inputs["versionTemplate"]["protectionLevel"] for each in found} == {level}
    assert {each.inputs["versionTemplate"]["algorithm"] for each in found} == {"GOOGLE_SYMMETRIC_ENCRYPTION"}


def test_times_are_those_of_the_settings() -> None:
    found = made_keys(rotation_days=1, destroy_after_days=120).resources.all(KEY)
    assert {each.inputs["rotationPeriod"] for each in found} == {"86400s"}
    assert {each.inputs["destroyScheduledDuration"] for each in found} == {f"{120 * 24 * 60 * 60}s"}


def test_each_key_is_used_by_the_agent_that_needs_it_and_no_other(every: Made) -> None:
    grants = {each.name: each.inputs for each in every.resources.all(GRANT)}
    agents = {
        "keys-data-storage": "gs-project-accounts",
        "keys-images-artifactregistry": "gcp-sa-artifactregistry",
        "keys-logs-logging": "gcp-sa-logging",
        "keys-secrets-container": "container-engine-robot",
        "keys-volumes-compute": "compute-system",
    }
    assert {name: grant["member"] for name, grant in grants.items()} == {
        name: f"serviceAccount:service-{NUMBER}@{agent}.iam.gserviceaccount.com" for name, agent in agents.items()
    }
    for name, grant in grants.items():
        assert grant["role"] == USE
        assert grant["cryptoKeyId"].rpartition("/")[2].startswith(name.rpartition("-")[0])


def test_agents_that_may_not_be_there_yet_are_asked_for(every: Made) -> None:
    asked = {each.inputs["service"] for each in every.resources.all(AGENT)}
    needed = {f"{service}.googleapis.com" for services in AGENTS.values() for service in services}
    # Compute Engine's comes with its API.
    assert asked == needed - {"compute.googleapis.com"}


def test_agents_that_are_asked_for_get_their_roles_and_keep_them_when_the_stack_goes(every: Made) -> None:
    roles = every.resources.all(ROLE)
    assert {each.name.removeprefix("keys-") for each in roles} == WITH_ROLE
    for each in roles:
        service = each.name.removeprefix("keys-")
        assert each.inputs["role"] == f"roles/{service}.serviceAgent"
        assert each.inputs["member"] == NAMES.service_agent(service)
        assert every.options[ROLE, each.name].retain_on_delete


def test_a_grant_waits_for_its_agent(every: Made) -> None:
    for purpose, service in [(purpose, service) for purpose, services in AGENTS.items() for service in services]:
        awaited = every.awaited(GRANT, f"keys-{purpose}-{service}")
        match service:
            case "compute":
                assert awaited == set()
            case _ if service in WITH_ROLE:
                assert awaited == {(ROLE, f"keys-{service}")}
                assert every.awaited(ROLE, f"keys-{service}") == {(AGENT, f"keys-{service}")}
            case _:
                assert awaited == {(AGENT, f"keys-{service}")}


def test_only_the_keys_that_are_asked_for_are_made() -> None:
    found = made_keys(purposes=["data"])
    assert [each.name for each in found.resources.all(KEY)] == ["keys-data"]
    assert [each.name for each in found.resources.all(AGENT)] == ["keys-storage"]
    assert found.resources.all(ROLE) == []


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_key_s_id_is_handed_on_when_its_agents_may_use_it(purpose: Purpose) -> None:
    arguments = KeysArguments(names=NAMES, settings=KeySettings(), production=False)
    awaited = sources(lambda opts: Keys("keys", arguments, opts).ids[purpose])
    assert awaited == {(KEY, f"keys-{purpose}"), *((GRANT, f"keys-{purpose}-{each}") for each in AGENTS[purpose])}


def test_what_is_handed_on_is_the_key_s_resource_name() -> None:
    arguments = KeysArguments(names=NAMES, settings=KeySettings(), production=False)

    def build(opts: pulumi.ResourceOptions) -> None:
        key_id = Keys("keys", arguments, opts).ids["data"]
        gcp.storage.Bucket("bucket", location=REGION, encryption={"default_kms_key_name": key_id})

    key = made(build).resources.one("gcp:storage/bucket:Bucket").inputs["encryption"]["defaultKmsKeyName"]
    ring = f"projects/{PROJECT}/locations/{REGION}/keyRings/trainyard-gcp-dev-keys-1a2b3c4"
    assert key == f"{ring}/cryptoKeys/keys-data-1a2b3c4"


def test_others_make_keys_for_whom_they_say() -> None:
    arguments = KeysArguments(names=NAMES, settings=KeySettings(), production=False, purposes=())

    def build(opts: pulumi.ResourceOptions) -> None:
        component = Keys("keys", arguments, opts)
        make_key(
            "teams-vision",
            arguments,
            component.key_ring_id,
            description="envelope-encryption-of-vision",
            agents={"loader": "serviceAccount:loader@example.iam.gserviceaccount.com"},
            opts=pulumi.ResourceOptions(parent=component),
        )

    resources = made(build).resources
    assert resources.one(KEY).inputs["keyRing"].endswith("/keyRings/trainyard-gcp-dev-keys-1a2b3c4")
    grant = resources.one(GRANT, "teams-vision-loader").inputs
    assert grant["member"] == "serviceAccount:loader@example.iam.gserviceaccount.com"


def test_production_keeps_its_keys() -> None:
    assert made_keys(production=False).protected() == set()
    assert made_keys(production=True).protected() == {
        "trainyard-gcp-dev-keys",
        *(f"keys-{purpose}" for purpose in PURPOSES),
    }


def test_no_setting_makes_another_key_in_place_of_one() -> None:
    """What the provider can change only by another key is left as it was, or old data could be read no more."""
    every = made_keys()
    kept = {path for each in every.resources.all(KEY) for path in every.options[KEY, each.name].ignore_changes or []}
    of_settings = {"destroyScheduledDuration", "versionTemplate.protectionLevel"}
    assert kept == of_settings
    assert {".".join(map(str, path)) for path in replacing.patterns(KEY)} >= of_settings


def test_the_policy_pack_lets_them_pass() -> None:
    rules = (*keys.RULES, *identity.RULES)
    assert objections(rules, made_keys(production=True)) == []
    # A stack that can be destroyed can be destroyed with its keys; nothing else is objected to.
    told = objections(rules, made_keys(production=False))
    assert {each.partition(":")[0] for each in told} == {"gcp-key-protected"}
