"""Runs on Google Cloud: whose project it is, what they may cost, and how their training and their records are found.

Google's APIs are a stand-in (`google_stand_in`); Cloud Storage is moto's S3, which answers the same XML for what is
asked of it here. Nothing of this was run on Google Cloud.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lifecycle.caller import CallerUnknown, caller_of
from lifecycle.deployed_model import acting_as_serving, model_of
from lifecycle.google_environment import TOKEN
from lifecycle.runs.account import check_account
from lifecycle.runs.beginning import Wanted, begun, pass_guard
from lifecycle.runs.budget import (
    MonthlyBudget,
    WorstCase,
    budget_of,
    check_budget,
    month_spend_usd,
    spending_unknown,
    worst_case,
)
from lifecycle.runs.errors import RunRefused
from lifecycle.runs.folder import RunFolder
from lifecycle.runs.following import SourceError
from lifecycle.runs.following_pods import PodLines, gke_client, pod_lines, way_in
from lifecycle.runs.history import publish_record, records_of_stack
from lifecycle.runs.on_demand import on_demand_plan
from lifecycle.runs.owner_access import acting_as_owner
from lifecycle.runs.places import StateResource, places_of
from lifecycle.runs.record import RunRecord
from lifecycle.runs.tools import check_tools
from lifecycle.teardown.subject import Subject, read_subject
from planning.cost.inputs import mapping_of
from planning.cost.plan import PlannedResource, read_plan
from planning.cost.price_gcp_compute import NODE_POOL
from planning.prices.refreshed import project_book
from tests.infra.plan import plan
from tests.lifecycle.runs.records import record
from tests.lifecycle.runs.test_guard import PlannedStack
from tests.lifecycle.teardown.google_stand_in import NUMBER, PROJECT, ZONE, GoogleStandIn

ROOT = Path(__file__).parents[3]


# Whose project it is


def test_the_project_is_the_one_whose_number_the_cloud_tells(google: GoogleStandIn, tmp_path: Path) -> None:
    subject = make_subject(tmp_path)
    assert caller_of(subject) == f"{PROJECT} ({NUMBER})"
    check_account(subject)
    google.number = "999999999999"
    told = rf"credentials are of project {PROJECT} \(999999999999\), and stack dev is of project {PROJECT} \({NUMBER}\)"
    with pytest.raises(RunRefused, match=told):
        check_account(subject)


def test_a_project_that_the_environment_names_instead_is_refused(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDSDK_CORE_PROJECT", PROJECT)
    check_account(make_subject(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CORE_PROJECT", "another")
    with pytest.raises(RunRefused, match=r"of project another \(as CLOUDSDK_CORE_PROJECT says\)"):
        check_account(make_subject(tmp_path))


def test_a_project_whose_number_is_not_set_is_refused(google: GoogleStandIn, tmp_path: Path) -> None:
    subject = make_subject(tmp_path, number="")
    with pytest.raises(RunRefused, match=r"gcp.project_number is not set: must be the number of the project"):
        check_account(subject, caller=lambda _: pytest.fail("nobody is to be asked"))


def test_a_project_that_nobody_reaches_is_told(google: GoogleStandIn, tmp_path: Path) -> None:
    with pytest.raises(CallerUnknown, match=r"do not reach project out-of-reach, or there is none"):
        caller_of(make_subject(tmp_path, project="out-of-reach"))
    google.refused["cloudresourcemanager"] = "SERVICE_DISABLED"
    with pytest.raises(CallerUnknown, match=rf"does not say whose project {PROJECT} is: HTTP 403 .*it is disabled"):
        caller_of(make_subject(tmp_path))


def test_a_command_that_the_deployment_needs_has_to_be_there() -> None:
    check_tools("gcp", which=lambda name: f"/usr/bin/{name}")
    check_tools("aws", which=lambda _: None)
    check_tools("local", which=lambda _: None)
    with pytest.raises(RunRefused, match=r"there is no gke-gcloud-auth-plugin on PATH.*install it \(https://"):
        check_tools("gcp", which=lambda _: None)


# What it may cost


@pytest.mark.xdist_group("planned stacks")
def test_the_worst_case_of_the_committed_stack_is_less_than_on_demand() -> None:
    document = plan("gcp-dev").document
    worst = worst_case(document, project_book(ROOT), 10.0)
    assert 0 < worst.usd_per_hour < worst.on_demand_usd_per_hour
    budget = budget_of(document)
    assert budget == MonthlyBudget("", "trainyard-gcp-dev", 500.0, "gcp")
    pools = {each.name: node_of(each) for each in read_plan(document).after if each.type == NODE_POOL}
    bought = {each.name: node_of(each) for each in on_demand_plan(read_plan(document)).after if each.type == NODE_POOL}
    assert [name for name, node in pools.items() if node.get("spot")] == ["gpu-training"]
    assert bought == {name: {key: node[key] for key in node if key != "spot"} for name, node in pools.items()}


def test_a_machine_is_bought_on_demand_too() -> None:
    scheduling = {"provisioningModel": "SPOT", "preemptible": True, "automaticRestart": False}
    state = {"type": "gcp:compute/instance:Instance", "urn": "urn::machine", "custom": True}
    inputs = {"machineType": "g2-standard-4", "scheduling": scheduling}
    document = {
        "config": {},
        "steps": [{"op": "create", "urn": "urn::machine", "newState": {**state, "inputs": inputs}}],
    }
    (bought,) = on_demand_plan(read_plan(document)).after
    assert bought.inputs == {"machineType": "g2-standard-4", "scheduling": {"automaticRestart": False}}


def test_a_budget_holds_the_run_to_the_whole_month_since_nobody_tells_what_is_spent() -> None:
    budget = MonthlyBudget("", "trainyard-gcp-dev", 500.0, "gcp")
    assert month_spend_usd(budget) is None
    worst = WorstCase(usd_per_hour=60.0, on_demand_usd_per_hour=60.0, hours=10.0)
    with pytest.raises(
        RunRefused, match=r"monthly_usd is 500, and the run may cost 600.00 USD: --max-hours must be at most 8.33"
    ):
        check_budget(budget, None, worst)
    check_budget(budget, None, WorstCase(usd_per_hour=50.0, on_demand_usd_per_hour=50.0, hours=10.0))
    assert "is not known" in spending_unknown(budget)


def test_a_run_is_guarded_by_project_command_price_and_budget(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_subject(tmp_path)
    pool = {
        "cluster": "shop-dev",
        "location": ZONE,
        "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 2},
        "nodeConfig": {"machineType": "g2-standard-4", "spot": True},
    }
    budget = {"displayName": "shop-dev", "amount": {"specifiedAmount": {"units": "100", "nanos": 500_000_000}}}
    stack = PlannedStack(
        [
            {"type": kind, "urn": f"urn:pulumi:dev::shop::{kind}::x", "custom": True, "inputs": inputs}
            for kind, inputs in ((NODE_POOL, pool), ("gcp:billing/budget:Budget", budget))
        ],
        config={"gcp:region": "europe-west4"},
    )
    told: list[str] = []

    def guarded(hours: float) -> RunRecord:
        with begun(tmp_path, Wanted(stack="dev", max_hours=hours, max_cost_usd=1000.0)) as run:
            return pass_guard(run, lambda *_: stack, project_book(ROOT), asks=False, show=told.append).record

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunRefused, match="there is no gke-gcloud-auth-plugin on PATH"):
        guarded(10.0)
    (tmp_path / "gke-gcloud-auth-plugin").touch(mode=0o755)
    record_ = guarded(10.0)
    assert 0 < record_.cost.usd_per_hour < record_.cost.on_demand_usd_per_hour
    assert "what is spent of the 100.5 USD of this month's budget is not known" in told[-1]
    with pytest.raises(RunRefused, match=r"monthly_usd is 100.5, and the run may cost \d+.\d\d USD"):
        guarded(168.0)


# How its training is followed


def test_a_cluster_is_found_wherever_in_its_region_it_is(google: GoogleStandIn, tmp_path: Path) -> None:
    subject = make_subject(tmp_path)
    with pytest.raises(SourceError, match="cluster shop-dev is not there yet"):
        gke_client(subject)
    put_cluster(google, "us-central1", "198.51.100.1")
    cluster = put_cluster(google, ZONE, "198.51.100.2")
    cluster["status"] = "PROVISIONING"
    with pytest.raises(SourceError, match="cluster shop-dev is not there yet"):
        gke_client(subject)
    cluster["status"] = "RUNNING"
    configuration = gke_client(subject).configuration
    assert configuration.host == "https://198.51.100.2"
    assert configuration.ca_cert_data == "certificate"
    assert configuration.api_key == {"authorization": "Bearer token"}
    lines = pod_lines("gcp", tmp_path, "dev")
    assert isinstance(lines, PodLines)


def test_a_cluster_that_may_not_be_looked_at_is_told(google: GoogleStandIn, tmp_path: Path) -> None:
    google.refused["container"] = "IAM_PERMISSION_DENIED"
    with pytest.raises(SourceError, match="cluster shop-dev cannot be found: HTTP 403"):
        gke_client(make_subject(tmp_path))


@pytest.mark.parametrize(
    ("external", "by_address", "expected"),
    [
        (True, True, ("https://gke-1.europe-west4.gke.goog", "")),
        (False, False, ("https://gke-1.europe-west4.gke.goog", "")),
        (False, True, ("https://198.51.100.2", "Y2VydA==")),
    ],
)
def test_the_way_in_is_the_name_where_it_may_be_used(
    external: bool, by_address: bool, expected: tuple[str, str]
) -> None:
    names = {"endpoint": "gke-1.europe-west4.gke.goog", "allowExternalTraffic": external}
    endpoints = {"dnsEndpointConfig": names, "ipEndpointsConfig": {"enabled": by_address}}
    cluster = {
        "endpoint": "198.51.100.2",
        "masterAuth": {"clusterCaCertificate": "Y2VydA=="},
        "controlPlaneEndpointsConfig": endpoints,
    }
    assert way_in(cluster) == expected


# How its records and its model are found


@pytest.fixture
def storage(google: GoogleStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], bytes]]:
    """Cloud Storage with the bucket `models`; reads an object of it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="models")
    monkeypatch.setenv("GOOGLE_BASE_URL", endpoint)

    def read(name: str) -> bytes:
        content: bytes = client.get_object(Bucket="models", Key=name)["Body"].read()
        return content

    yield read
    server.stop()


def test_the_record_goes_into_the_bucket_and_comes_back_as_the_user(
    storage: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Plain HTTP is for this machine's own cloud, whose variable it is.
    monkeypatch.setattr("lifecycle.google_environment.user_environment", lambda: {TOKEN: "t", "AWS_ALLOW_HTTP": "true"})
    make_subject(tmp_path)
    outputs = {"models_uri": "gs://models", "job": "digits"}
    run = record(cloud="gcp", stack="dev", job="digits")
    folder = RunFolder(tmp_path / ".trainyard" / "runs" / run.id)
    assert publish_record(run, outputs, folder, []) == f"gs://models/digits/records/{run.id}.json"
    assert storage(f"digits/records/{run.id}.json") == run.encode()
    assert records_of_stack(tmp_path, "dev", outputs).records == (run,)


def test_the_owner_is_who_google_auth_finds(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_subject(tmp_path)
    with acting_as_owner(tmp_path, "dev"):
        assert os.environ[TOKEN] == "token"
        assert not [name for name in os.environ if name.startswith("AWS_")]
    assert TOKEN not in os.environ
    monkeypatch.setenv(TOKEN, "given")
    with acting_as_owner(tmp_path, "dev"):
        assert os.environ[TOKEN] == "given"
    monkeypatch.delenv(TOKEN)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with acting_as_owner(tmp_path, "dev"):
        assert TOKEN not in os.environ


def test_a_model_in_cloud_storage_is_fetched_as_the_user(google: GoogleStandIn) -> None:
    outputs: dict[str, Any] = {
        "manifest_uri": "gs://models/digits/ab12/manifest.json",
        "job": "digits",
        "run": "ab12",
        "encryption_key_uri": f"gcp-kms://projects/{PROJECT}/locations/europe-west4/keyRings/r/cryptoKeys/k",
    }
    with acting_as_serving(model_of(outputs, "dev")):
        assert os.environ[TOKEN] == "token"
    assert TOKEN not in os.environ


def test_the_buckets_of_a_stack_without_outputs_are_of_cloud_storage() -> None:
    kind = "gcp:storage/bucket:Bucket"
    resources = [
        StateResource(f"urn:pulumi:dev::shop::p${kind}::storage-models", kind, "shop-dev-models-p"),
        StateResource(f"urn:pulumi:dev::shop::p${kind}::storage-checkpoints", kind, "shop-dev-checkpoints-p"),
    ]
    places = places_of(record(job="digits", run="ab12"), {}, resources)
    assert places.models_uri == "gs://shop-dev-models-p"
    assert places.logs_uri == "gs://shop-dev-checkpoints-p/digits/ab12-log"


def node_of(pool: PlannedResource) -> dict[str, Any]:
    """What a pool's nodes are."""
    return dict(mapping_of(pool.inputs["nodeConfig"]))


def put_cluster(google: GoogleStandIn, location: str, address: str) -> dict[str, Any]:
    """A cluster of the stack's name in a place."""
    return google.put(
        "container",
        f"projects/{PROJECT}/locations/{location}/clusters/shop-dev",
        name="shop-dev",
        location=location,
        status="RUNNING",
        endpoint=address,
        masterAuth={"clusterCaCertificate": "Y2VydGlmaWNhdGU="},
    )


def make_subject(folder: Path, project: str = PROJECT, number: str = NUMBER) -> Subject:
    """The stack dev on Google Cloud."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(
        f"config:\n  gcp:project: {project}\n  gcp:region: europe-west4\n  shop:cloud: gcp\n"
        f"  shop:gcp: {{project_number: '{number}'}}\n"
    )
    return read_subject(folder, "dev")
