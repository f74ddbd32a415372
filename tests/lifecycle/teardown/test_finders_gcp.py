"""What finders of Google Cloud make of things in use, shared, of others or on their way out; and lines of gcloud."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.google_api import GoogleError, root_of
from lifecycle.teardown.audit import AuditReport, Leftover, audit
from lifecycle.teardown.audit_gcp import FINDERS
from lifecycle.teardown.costs import COSTLY
from lifecycle.teardown.gcp.calls import Calls
from lifecycle.teardown.gcp.commands import command, place
from lifecycle.teardown.gcp.ownership import claim_of, mark_of
from tests.lifecycle.teardown.google_leaks import IN_REGION, IN_ZONE
from tests.lifecycle.teardown.google_stand_in import PROJECT, REGION, ZONE, GoogleStandIn
from tests.lifecycle.teardown.test_audit_gcp import make_subject
from tests.lifecycle.teardown.test_subject import google_subject

OWN = {"project": "trainyard", "stack": "dev"}
OTHERS = {"project": "trainyard", "stack": "dev-2"}
NODE = {"goog-k8s-cluster-name": "trainyard-dev", "goog-k8s-cluster-location": ZONE}
PRINTABLE = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1).filter(
    lambda text: text.isprintable() and not text.startswith("-")
)


def test_a_disk_is_taken_from_the_machine_that_uses_it_first(google: GoogleStandIn, tmp_path: Path) -> None:
    user = google.compute(IN_ZONE, "instances", "somebody-s", status="RUNNING")
    google.compute(IN_REGION, "disks", "pvc-1", labels=OWN, users=[user])
    (disk,) = look(tmp_path).leftovers
    assert lines(disk) == [
        f"compute instances detach-disk somebody-s --disk=pvc-1 --zone={ZONE} --disk-scope=regional",
        f"compute disks delete pvc-1 --region={REGION}",
    ]


def test_a_protected_machine_is_unprotected_first(google: GoogleStandIn, tmp_path: Path) -> None:
    google.compute(IN_ZONE, "instances", "it", labels=OWN, status="RUNNING", deletionProtection=True)
    (machine,) = look(tmp_path).leftovers
    assert lines(machine) == [
        f"compute instances update it --zone={ZONE} --no-deletion-protection",
        f"compute instances delete it --zone={ZONE}",
    ]


def test_a_node_is_named_where_nobody_knows_whether_its_cluster_is_there(google: GoogleStandIn, tmp_path: Path) -> None:
    google.refused["container"] = "IAM_PERMISSION_DENIED"
    google.compute(IN_ZONE, "instances", "gke-node", labels=NODE, status="RUNNING")
    report = audit(make_subject(tmp_path))
    assert [each.id for each in report.leftovers] == ["gke-node"]
    assert [problem.partition(":")[0] for problem in report.problems] == ["GKE clusters"]


def test_a_key_that_still_rotates_would_cost_again(google: GoogleStandIn, tmp_path: Path) -> None:
    ring = f"projects/{PROJECT}/locations/{REGION}/keyRings/ring"
    google.put("cloudkms", ring)
    google.put("cloudkms", f"{ring}/cryptoKeys/key", labels=OWN, nextRotationTime="2027-01-01T00:00:00Z")
    google.put("cloudkms", f"{ring}/cryptoKeys/key/cryptoKeyVersions/1", state="DESTROYED")
    (key,) = look(tmp_path).leftovers
    assert (key.kind, key.costs) == ("spent KMS key", False)
    assert lines(key) == [f"kms keys remove-rotation-schedule key --keyring=ring --location={REGION}"]


def test_a_locked_log_bucket_says_so(google: GoogleStandIn, tmp_path: Path) -> None:
    path = f"projects/{PROJECT}/locations/{REGION}/buckets/trainyard-dev-network-01234567"
    google.put("logging", path, lifecycleState="ACTIVE", retentionDays=400, locked=True)
    google.put("logging", f"projects/{PROJECT}/locations/{REGION}/buckets/_Default", lifecycleState="ACTIVE")
    (bucket,) = look(tmp_path).leftovers
    assert "keeps logs for 400 days, and it is locked" in bucket.why


def test_what_is_of_others_is_not_named(google: GoogleStandIn, tmp_path: Path) -> None:
    key = f"projects/{PROJECT}/locations/{REGION}/keyRings/ring/cryptoKeys/theirs"
    google.put("cloudkms", key.partition("/cryptoKeys/")[0])
    google.put("cloudkms", key, labels=OTHERS)
    google.compute(IN_ZONE, "disks", "theirs", diskEncryptionKey={"kmsKeyName": key})
    google.compute(IN_ZONE, "disks", "both", labels={**NODE, **OTHERS})
    google.compute(IN_REGION, "addresses", "nobody-s", address="203.0.113.1")
    google.put("billingbudgets", "billingAccounts/012345-6789AB-CDEF01/budgets/1", displayName="trainyard-dev")
    google.bindings.append({"role": "roles/viewer", "members": ["group:trainyard-dev-node@example.com"]})
    google.put("iam", f"projects/{PROJECT}/locations/global/workloadIdentityPools/github-trainyard-dev-01234567")
    assert look(tmp_path).is_clean


@pytest.mark.parametrize(
    "labels", [OWN, {**OWN, "owner": "x"}, NODE, {"goog-k8s-cluster-name": "trainyard-dev"}, {**NODE, "stack": "dev"}]
)
def test_labels_of_the_stack_and_its_cluster_are_known(labels: dict[str, str]) -> None:
    assert mark_of(google_subject(), labels)


@pytest.mark.parametrize(
    "labels",
    [
        {},
        OTHERS,
        {"stack": "dev"},
        {**NODE, **OTHERS},
        {**NODE, "goog-k8s-cluster-location": "us-central1-a"},
        {**NODE, "goog-k8s-cluster-location": "europe-west40-a"},
        {**NODE, "goog-k8s-cluster-location": "europe-west40"},
        {**NODE, "goog-k8s-cluster-name": "trainyard-dev-2"},
        {"goog-gke-volume": ""},
    ],
)
def test_labels_of_others_are_not(labels: dict[str, str]) -> None:
    assert mark_of(google_subject(), labels) == ""


def test_labels_are_as_google_cloud_takes_them() -> None:
    assert mark_of(google_subject(project="Train.Yard", stack="Dev.1"), {"project": "train-yard", "stack": "dev-1"})


@given(PRINTABLE)
def test_a_shell_hands_on_the_very_value(value: str) -> None:
    words = shlex.split(command(PROJECT, "compute disks delete {name} --zone=z", name=value))
    assert words == ["gcloud", "compute", "disks", "delete", value, "--zone=z", f"--project={PROJECT}", "--quiet"]


@pytest.mark.parametrize("value", ["", "a\nrm -rf /", "a\x1b[2K", "a\u202eb", "--flags-file=x"])
def test_what_would_not_be_run_as_it_is_shown_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a command line"):
        command(PROJECT, "compute disks delete {name}", name=value)


@pytest.mark.parametrize(
    ("link", "option"),
    [
        (f"projects/p/zones/{ZONE}/disks/d", f"--zone={ZONE}"),
        (f"https://x/projects/p/regions/{REGION}/disks/d", f"--region={REGION}"),
        ("projects/p/global/networks/n", "--global"),
    ],
)
def test_where_something_is_is_told_by_its_link(link: str, option: str) -> None:
    assert place(link) == option


@pytest.mark.parametrize("text", [None, "", "a disk", "[]", "{}"])
def test_a_description_of_somebody_else_s_tells_no_claim(text: Any) -> None:
    assert claim_of(text) == ""


def test_an_internal_address_costs_nothing(google: GoogleStandIn, tmp_path: Path) -> None:
    for kind in ("INTERNAL", "EXTERNAL"):
        google.compute(IN_REGION, "addresses", kind.lower(), address="x", addressType=kind, labels=OWN)
    assert {each.kind: each.costs for each in look(tmp_path).leftovers} == {"internal address": False, "address": True}


def test_a_scheduled_job_costs_whether_it_runs_or_not(google: GoogleStandIn, tmp_path: Path) -> None:
    uri = f"https://container.googleapis.com/v1/projects/{PROJECT}/locations/{ZONE}/clusters/trainyard-dev/nodePools/x"
    google.put("cloudscheduler", f"projects/{PROJECT}/locations/{REGION}/jobs/it", httpTarget={"uri": uri})
    assert [(each.kind, each.costs) for each in look(tmp_path).leftovers] == [("scheduled job", True)]


def test_a_list_that_could_not_be_read_is_so_for_everybody_who_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(PROJECT)
    answers: list[dict[str, Any]] = [{"items": {f"zones/{ZONE}": None}}]
    monkeypatch.setattr(calls, "ask", lambda *_, **__: answers.pop())
    for _ in range(2):
        with pytest.raises(AttributeError):
            list(calls.everywhere("disks"))


def test_where_an_api_is_may_be_said_as_for_gcloud(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"
    monkeypatch.delenv(variable, raising=False)
    assert root_of("compute") == "https://compute.googleapis.com/compute/v1"
    for root in ("https://compute-own.p.googleapis.com/", "https://compute-own.p.googleapis.com/compute/v1/"):
        monkeypatch.setenv(variable, root)
        assert root_of("compute") == "https://compute-own.p.googleapis.com/compute/v1"
    monkeypatch.setenv(variable, "http://compute.example.com")
    with pytest.raises(GoogleError, match="must begin with https://"):
        root_of("compute")


def test_every_finder_is_content_with_nothing(google: GoogleStandIn, tmp_path: Path) -> None:
    assert len({each.words for each in FINDERS}) == len(FINDERS)
    report = look(tmp_path)
    assert report.is_clean
    assert set(report.looked_at) == {each.words for each in FINDERS}


def test_a_kind_that_costs_is_one_that_an_audit_names() -> None:
    source = "".join(
        path.read_text()
        for path in sorted((Path(__file__).parents[3] / "lifecycle" / "teardown").rglob("*.py"))
        if path.name != "costs.py"
    )
    assert [kind for kind in COSTLY if f'"{kind}"' not in source] == []


def look(folder: Path) -> AuditReport:
    """The audit of the stack dev."""
    report = audit(make_subject(folder))
    assert report.problems == ()
    return report


def lines(leftover: Leftover) -> list[str]:
    """The commands that remove it, without what all of them have."""
    return [line.removeprefix("gcloud ").removesuffix(f" --project={PROJECT} --quiet") for line in leftover.removal]
