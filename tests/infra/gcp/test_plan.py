"""The plans of Google Cloud's stacks, previewed as a fork's pull request would: what reviewers read and the docs show.

TRAINYARD_WRITE_GOLDEN=1 writes the summaries and the diagram anew.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi_gcp as gcp
import pytest
import yaml

from tests.infra.diagram import diagram
from tests.infra.object_differences import values
from tests.infra.plan import Plan, Planned, make_project, plan, preview
from tests.infra.recorder import provision, record
from tests.infra.sdk_schema import arguments_class, properties_of
from tests.infra.stack_files import ROOT

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1"
TOPS = (
    "trainyard:gcp:Platform",
    "trainyard:training:TrainingJob",
    "trainyard:serving:InferenceService",
    "pulumi:providers:gcp",
    "pulumi:providers:pulumi-python",
)
CLUSTER = "gcp:container/cluster:Cluster"
DRAIN = "pulumi-python:dynamic/kubernetes:Drain"
NODE_POOL = "gcp:container/nodePool:NodePool"
ACCOUNT = "gcp:serviceaccount/account:Account"
KEY, KEY_RING = "gcp:kms/cryptoKey:CryptoKey", "gcp:kms/keyRing:KeyRing"
USE_OF_KEY = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
ACTS_AS = "gcp:serviceaccount/iAMMember:IAMMember"
ENCRYPTED = {
    "gcp:storage/bucket:Bucket": "keys-data-storage",
    CLUSTER: "keys-secrets-container",
    NODE_POOL: "keys-volumes-compute",
    "gcp:artifactregistry/repository:Repository": "keys-images-artifactregistry",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": "keys-logs-logging",
}
"""What is encrypted, by type, and the grant by which the service that does it may use the key."""
KEPT = {
    "gcp:artifactregistry/repository:Repository",
    "gcp:storage/bucket:Bucket",
    CLUSTER,
    KEY,
    KEY_RING,
}
"""What mistakes in production do not delete."""
KEPT_BY_GOOGLE = {
    KEY: "name",
    KEY_RING: "name",
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": "workloadIdentityPoolId",
}
"""Types whose names Google keeps after their bearer is gone, by the property that has it."""
LABELS = {"project", "stack", "owner", "cost_centre"}
BUCKET = "gcp:storage/bucket:Bucket"
KNOWN_NAMES = {
    ACCOUNT: "accountId",
    BUCKET: "name",
    CLUSTER: "name",
    "gcp:artifactregistry/repository:Repository": "repositoryId",
    "gcp:compute/instance:Instance": "name",
    "gcp:compute/network:Network": "name",
    "gcp:compute/router:Router": "name",
    "gcp:compute/subnetwork:Subnetwork": "name",
    "gcp:dns/managedZone:ManagedZone": "name",
}
"""The property that is the name, by type, of what is named by others."""
NAMED_BY = {
    "bucket": BUCKET,
    "cluster": CLUSTER,
    "instanceName": "gcp:compute/instance:Instance",
    "logBucket": BUCKET,
    "managedZone": "gcp:dns/managedZone:ManagedZone",
    "network": "gcp:compute/network:Network",
    "repository": "gcp:artifactregistry/repository:Repository",
    "router": "gcp:compute/router:Router",
    "subnetwork": "gcp:compute/subnetwork:Subnetwork",
}
"""Inputs that hold the name of something, and its type; service accounts are known by their addresses anywhere."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a plan has where only the cloud knows."""
pytestmark = pytest.mark.xdist_group("planned stacks of Google Cloud")


@pytest.fixture(scope="module", params=["gcp-dev", "gcp-prod"])
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def planned(stack: str) -> Plan:
    return plan(stack)


def test_the_summary_is_what_was_reviewed(stack: str, planned: Plan) -> None:
    golden = GOLDEN / f"plan_{stack}.txt"
    if WRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(planned.tree())
    assert planned.tree() == golden.read_text()


def test_the_docs_show_the_plan_of_prod() -> None:
    page = ROOT / "docs" / "gcp.md"
    drawn = f"```mermaid\n{diagram(plan('gcp-prod'))}```\n"
    text = page.read_text()
    if WRITE:
        page.write_text(re.sub(r"```mermaid\n.*?```\n", lambda _: drawn, text, flags=re.DOTALL))
    assert drawn in page.read_text()


def test_every_resource_of_a_plan_is_below_the_platform_or_a_workload(planned: Plan) -> None:
    for resource in planned.resources:
        assert planned.top_of(resource).type in TOPS, resource.name


def test_production_holds_on_to_what_holds_data(stack: str, planned: Plan) -> None:
    protected = {each.type for each in planned.resources if each.protected}
    (cluster,) = planned.all(CLUSTER)
    assert cluster.inputs["deletionProtection"] is (stack == "gcp-prod")
    if stack == "gcp-dev":
        assert protected == set()
        return
    assert protected >= KEPT
    for type_ in KEPT:
        assert all(each.protected for each in planned.all(type_)), type_


def test_nothing_is_encrypted_before_its_service_may_use_the_key(planned: Plan) -> None:
    grants = {each.name: each.urn for each in planned.all(USE_OF_KEY)}
    for type_, grant in ENCRYPTED.items():
        encrypted = planned.all(type_)
        assert encrypted, type_
        assert [each.name for each in encrypted if grants[grant] not in planned.needed[each.urn]] == [], type_


def test_pods_are_let_act_when_the_project_has_their_identity_pool(planned: Plan) -> None:
    """The pool PROJECT.svc.id.goog comes with the first cluster, and a binding that names it is refused before."""
    (cluster,) = planned.all(CLUSTER)
    of_pods = [each for each in planned.all(ACTS_AS) if ".svc.id.goog[" in str(each.inputs["member"])]
    assert len(of_pods) >= 3
    assert [each.name for each in of_pods if cluster.urn not in planned.needed[each.urn]] == []


def test_what_is_named_is_there_before_it_is_named(planned: Plan) -> None:
    """By a name that is known beforehand, which Pulumi cannot know of: Google refuses it before its bearer is there."""
    bearers = {name: each.urn for each in planned.resources if (name := known_name(each))}
    named = [
        (each, text)
        for each in planned.resources
        if each.type.startswith("gcp:")
        for text in names_in(each.type, each.inputs)
        if bearers.get(text, each.urn) != each.urn
    ]
    assert {text[0] for _, text in named} >= {BUCKET, CLUSTER}
    assert [(each.name, text) for each, text in named if bearers[text] not in planned.needed[each.urn]] == []


def test_apis_are_on_before_anything_is_made(planned: Plan) -> None:
    services = {each.urn: each for each in planned.all("gcp:projects/service:Service")}
    assert services
    others = [each for each in planned.resources if each.type.startswith("gcp:") and each.urn not in services]
    assert [each.name for each in others if not planned.needed[each.urn] >= services.keys()] == []


def test_the_way_into_the_cluster_is_open_to_administrators_when_there_are_nodes(planned: Plan) -> None:
    (provider,) = planned.all("pulumi:providers:kubernetes")
    admins = [
        each
        for each in planned.all("gcp:projects/iAMMember:IAMMember")
        if each.inputs["role"] == "roles/container.admin"
    ]
    (system,) = (each for each in planned.all(NODE_POOL) if each.name == "system")
    assert admins
    assert {each.urn for each in [*admins, system]} <= planned.needed[provider.urn]


def test_what_is_in_a_cluster_goes_with_it_where_it_is_replaced(planned: Plan) -> None:
    """By one of the same name: Pulumi's Kubernetes provider then has to see an identifier that is not known yet, or all
    of it would stay in the state. The old one is drained before it goes."""
    (cluster,), (provider,), (drain,) = map(planned.all, (CLUSTER, "pulumi:providers:kubernetes", DRAIN))
    assert cluster.urn in planned.sources_of(provider, "clusterIdentifier")
    assert cluster.urn in planned.sources_of(drain, "cluster")
    # Known all the same, so that no other update seems to be another cluster.
    assert drain.inputs["cluster"] == provider.inputs["clusterIdentifier"] != UNKNOWN


def test_nodes_come_when_they_have_a_way_out(planned: Plan) -> None:
    ways = [
        each for type_ in ("routerNat:RouterNat", "firewall:Firewall") for each in planned.all(f"gcp:compute/{type_}")
    ]
    of_network = {each.urn for each in ways if each.name.startswith("network-")}
    assert of_network
    for pool in planned.all(NODE_POOL):
        assert of_network <= planned.needed[pool.urn], pool.name


def test_everything_that_takes_labels_carries_the_stack_s(stack: str, planned: Plan) -> None:
    missing = []
    for each in planned.resources:
        if each.type.startswith("gcp:"):
            takes = properties_of(arguments_class(each.type)).keys() & {"labels", "resourceLabels", "userLabels"}
            carried = [each.inputs.get(name) or {} for name in takes]
            if takes and not any(of.keys() >= LABELS and of["stack"] == stack for of in carried):
                missing.append(f"{each.type} {each.name}: {carried}")
    assert missing == []


def test_what_google_keeps_has_no_name_of_its_own(planned: Plan) -> None:
    """A stack that is destroyed and made anew would be refused a name that is taken for ever, or for a month."""
    for type_, property_ in KEPT_BY_GOOGLE.items():
        names = [each.inputs.get(property_, UNKNOWN) for each in planned.all(type_)]
        assert [name for name in names if name != UNKNOWN] == [], type_


def test_every_service_account_acts_for_somebody_and_may_do_something(stack: str) -> None:
    registered = provision(stack).registered
    for account in (each for each in registered if each.type == ACCOUNT):
        email = f"{account.inputs['accountId']}@ml-platform-example.iam.gserviceaccount.com"
        others = [each for each in registered if each is not account and each.type.startswith("gcp:")]
        may = [each for each in others if each.inputs.get("member") == f"serviceAccount:{email}"]
        # By who acts as it: a binding on the account itself, a machine, a schedule.
        used = [each for each in others if each not in may and any(email in text for text in texts(each.inputs))]
        assert may, f"{account.name} may do nothing"
        assert used, f"nobody acts as {account.name}"


def test_no_stack_looks_anything_up() -> None:
    provision("gcp-dev")
    provision("gcp-prod")
    with pytest.raises(Exception, match="the program looks something up: gcp:organizations/getProject"):
        record(lambda: gcp.organizations.get_project())


def test_a_preview_shows_outputs_and_says_what_is_left_out(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / "Pulumi.gcp-dev.yaml").read_text())["config"]["trainyard:gcp"]
    said = preview(make_project(tmp_path, "gcp-dev", {"trainyard:gcp": {**settings, "images": {}}}), "gcp-dev")
    assert said.code == 0, said.out + said.err
    assert "Training and inference service are left out: there is no image trainyard-training; set" in said.out
    assert not re.search(r"traceback|passphrase|deprecat", said.out + said.err, re.IGNORECASE)
    outputs = dict(re.findall(r"^    (\w+) *: (.+)$", said.out.partition("Outputs:")[2], re.MULTILINE))
    # It tells where the control plane is; no credential is in it all the same.
    assert outputs["kubeconfig"] == "[secret]"
    assert outputs["models_uri"] == '"gs://trainyard-gcp-dev-models-ml-platform-example"'
    assert {"repository_urls", "cluster_name", "encryption_key_uri", "project_id", "region"} <= outputs.keys()
    assert re.fullmatch(r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"', outputs["expires_at"])


def test_an_expired_stack_is_refused_before_any_resource(tmp_path: Path) -> None:
    said = preview(make_project(tmp_path, "gcp-dev", {"trainyard:expires_at": "2026-01-01T00:00:00Z"}), "gcp-dev")
    assert said.code != 0
    assert "the stack has expired; destroy it, or set a later moment" in said.out + said.err
    assert "gcp:" not in said.out


def known_name(resource: Planned) -> tuple[str, str] | None:
    """Type and name of what others can name before it is there."""
    property_ = KNOWN_NAMES.get(resource.type)
    name = resource.inputs.get(property_) if property_ else None
    return (resource.type, name) if isinstance(name, str) and name != UNKNOWN else None


def names_in(type_: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Type and name of everything that a resource's inputs name."""
    for path, text in values(inputs):
        if isinstance(text, str):
            last = path.rpartition(".")[2].partition("[")[0]
            if last in NAMED_BY and not (type_ == NAMED_BY[last] and last == KNOWN_NAMES.get(type_)):
                yield NAMED_BY[last], text
            if email := re.search(r"\b([a-z][a-z0-9-]+)@ml-platform-example\.iam\.gserviceaccount\.com", text):
                yield ACCOUNT, email[1]


def texts(value: Any) -> Iterator[str]:
    """Each text of nested properties."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
