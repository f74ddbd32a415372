"""The audit on Google Cloud: names everything that a stack has left and nothing of others, and its commands remove it.

Google Cloud is a stand-in here (`google_stand_in`), and so is gcloud: nothing of this was run on Google Cloud.
"""

import shlex
from pathlib import Path

import pytest

from lifecycle.teardown.audit import AuditReport, audit, removal_lines
from lifecycle.teardown.subject import Subject, read_subject
from tests.lifecycle.teardown import gcloud_stand_in, google_descriptions
from tests.lifecycle.teardown.google_leaks import IN_ZONE, GoogleLeaks
from tests.lifecycle.teardown.google_stand_in import NUMBER, PROJECT, REGION, ZONE, GoogleStandIn

STACK_FILE = """\
config:
  gcp:project: {project}
  gcp:region: europe-west4
  trainyard:cloud: gcp
  trainyard:gcp:
    project_number: "{number}"
    gpu_pools:
      training: {{machine_type: g2-standard-4}}
    budget: {{billing_account: 012345-6789AB-CDEF01}}
  trainyard:kubernetes:
    teams: {{a: {{}}}}
"""
OTHERS = ("dev-2", "dev2")
"""Stacks whose names begin as that of the stack that is audited."""


def test_everything_of_the_stack_is_named_and_its_commands_remove_it(google: GoogleStandIn, tmp_path: Path) -> None:
    own = GoogleLeaks(google, "dev").plant()
    others = [GoogleLeaks(google, stack).plant() for stack in OTHERS]
    subject = make_subject(tmp_path)

    report = audit(subject)
    assert report.problems == ()
    assert {(each.kind, each.id) for each in report.leftovers} == own.planted
    assert all(each.removal and each.why for each in report.leftovers)
    assert {(each.kind, each.id) for each in report.going} == own.going
    assert {(each.kind, each.id) for each in report.retained} == own.retained

    lines = removal_lines(report.leftovers)
    foreign = {name.partition(" ")[0] for other in others for _, name in other.planted}
    assert not [line for line in lines if foreign & {word.rpartition("=")[2] for word in shlex.split(line)}]
    gcloud_stand_in.run(google, lines)

    again = audit(subject)
    assert (again.leftovers, again.problems) == ((), ())
    assert again.is_clean
    # What is of others is still there, all of it.
    for other in others:
        left = audit(make_subject(tmp_path, other.stack))
        assert {(each.kind, each.id) for each in left.leftovers} == other.planted


@pytest.mark.skipif(not google_descriptions.are_there(), reason=google_descriptions.MISSING)
def test_what_is_asked_and_answered_is_as_google_describes_it(google: GoogleStandIn, tmp_path: Path) -> None:
    GoogleLeaks(google, "dev").plant()
    google.compute(IN_ZONE, "disks", "another")
    google.put(
        "container",
        f"projects/{PROJECT}/locations/{ZONE}/clusters/other",
        name="other",
        location=ZONE,
        status="RUNNING",
        currentNodeCount=3,
    )
    assert audit(make_subject(tmp_path)).problems == ()
    assert {each.service for each in google.exchanges} >= {"compute", "container", "cloudkms", "storage", "dns", "iam"}
    problems = {problem for each in google.exchanges if (problem := google_descriptions.problem_of(each))}
    assert problems == set()


def test_what_goes_with_a_cluster_that_is_left_is_not_named_beside_it(google: GoogleStandIn, tmp_path: Path) -> None:
    GoogleLeaks(google, "dev").plant()
    path = f"projects/{PROJECT}/locations/{ZONE}/clusters/trainyard-dev"
    cluster = google.put("container", path, name="trainyard-dev", location=ZONE, status="RUNNING", currentNodeCount=2)
    report = audit(make_subject(tmp_path))
    kinds = {each.kind: each for each in report.leftovers}
    assert kinds["GKE cluster"].removal == (
        f"gcloud container clusters delete trainyard-dev --location={ZONE} --project={PROJECT} --quiet",
    )
    assert "nodes: 2" in kinds["GKE cluster"].why
    assert not kinds.keys() & {"managed instance group", "instance template"}
    assert [each.id for each in report.leftovers if each.kind == "machine"] == ["trainyard-dev-machine-1"]
    cluster["status"] = "STOPPING"
    assert ("GKE cluster", "trainyard-dev") in {(each.kind, each.id) for each in audit(make_subject(tmp_path)).going}


def test_a_cluster_of_the_name_elsewhere_is_somebody_else_s(google: GoogleStandIn, tmp_path: Path) -> None:
    path = f"projects/{PROJECT}/locations/us-central1/clusters/trainyard-dev"
    google.put("container", path, name="trainyard-dev", location="us-central1", status="RUNNING")
    labels = {"goog-k8s-cluster-name": "trainyard-dev", "goog-k8s-cluster-location": "us-central1"}
    google.compute("zones/us-central1-a", "instances", "gke-node", labels=labels, status="RUNNING")
    assert audit(make_subject(tmp_path)).is_clean


@pytest.mark.parametrize("reason", ["SERVICE_DISABLED", "IAM_PERMISSION_DENIED"])
def test_what_may_not_be_looked_at_is_a_problem_and_never_clean(
    google: GoogleStandIn, tmp_path: Path, reason: str
) -> None:
    google.refused = {"compute/snapshots": reason, "cloudkms": reason, "logging/sinks": reason}
    google.compute(IN_ZONE, "disks", "pvc-1", labels={"project": "trainyard", "stack": "dev"})
    report = audit(make_subject(tmp_path))
    assert [each.kind for each in report.leftovers] == ["disk"]
    # A disk's key could not be asked for, so nobody knows whose the next one is.
    refused = {"snapshots", "KMS keys", "log sinks and exclusions"}
    assert {problem.partition(":")[0] for problem in report.problems} == refused
    assert not refused & set(report.looked_at)
    gcloud_stand_in.run(google, removal_lines(report.leftovers))
    assert not audit(make_subject(tmp_path)).is_clean


def test_an_api_that_a_stack_may_do_without_may_be_off(google: GoogleStandIn, tmp_path: Path) -> None:
    for service in ("dns", "cloudscheduler", "billingbudgets"):
        google.refused[service] = "SERVICE_DISABLED"
    assert audit(make_subject(tmp_path)).is_clean
    google.refused["dns"] = "IAM_PERMISSION_DENIED"
    assert [problem.partition(":")[0] for problem in audit(make_subject(tmp_path)).problems] == ["zones of names"]


def test_an_api_that_is_off_in_another_project_tells_nothing(google: GoogleStandIn, tmp_path: Path) -> None:
    """As with the credentials of a service account of another project, whose own quota counts."""
    google.consumer = "projects/999999999999"
    for service in ("dns", "cloudscheduler", "billingbudgets", "cloudkms"):
        google.refused[service] = "SERVICE_DISABLED"
    report = audit(make_subject(tmp_path))
    told = dict(problem.split(": ", 1) for problem in report.problems)
    assert told.keys() == {"zones of names", "scheduled jobs", "budgets", "KMS keys"}
    assert not told.keys() & set(report.looked_at)
    assert told["zones of names"] == (
        "the API dns.googleapis.com is off in projects/999999999999, whose quota these credentials use, so what there "
        f"is in {PROJECT} is not known: switch it on there, or set GOOGLE_CLOUD_QUOTA_PROJECT={PROJECT}"
    )


@pytest.mark.parametrize("consumer", [f"projects/{NUMBER}", f"projects/{PROJECT}"])
def test_an_api_that_is_off_in_the_stack_s_own_project_is_known_by_either_name(
    google: GoogleStandIn, tmp_path: Path, consumer: str
) -> None:
    google.consumer = consumer
    google.refused["dns"] = "SERVICE_DISABLED"
    assert audit(make_subject(tmp_path)).is_clean


def test_a_zone_that_cannot_be_reached_is_a_problem(google: GoogleStandIn, tmp_path: Path) -> None:
    google.unreachable.add("zones/europe-west4-b")
    report = audit(make_subject(tmp_path))
    told = {problem.partition(":")[0]: problem for problem in report.problems}
    assert "zones/europe-west4-b" in told["disks"]
    assert "zones/europe-west4-b cannot be reached" in told["GKE clusters"]


def test_what_fails_for_a_moment_is_asked_for_again(google: GoogleStandIn, tmp_path: Path) -> None:
    google.passing = 2
    assert audit(make_subject(tmp_path)).is_clean


def test_of_a_data_stack_only_data_is_looked_for(google: GoogleStandIn, tmp_path: Path) -> None:
    for service in ("compute", "container", "logging", "monitoring", "artifactregistry"):
        google.refused[service] = "SERVICE_DISABLED"
    google.put("storage", "b/x", name=f"trainyard-dev-models-{PROJECT}")
    report = audit(make_subject(tmp_path, more="  trainyard:part: data\n"))
    assert [each.kind for each in report.leftovers] == ["bucket"]
    assert report.problems == ()


def test_another_project_is_not_looked_at(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.number = "999999999999"
    told = f"the credentials are of project {PROJECT} (999999999999), and stack dev is of project {PROJECT} ({NUMBER})"
    assert_nothing_looked_at(audit(make_subject(tmp_path)), told)
    asked = len(google.exchanges)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "somebody-elses")
    told = "the credentials are of project somebody-elses (as GOOGLE_CLOUD_PROJECT says), and stack dev is of project"
    assert_nothing_looked_at(audit(make_subject(tmp_path)), told)
    assert len(google.exchanges) == asked


def test_a_project_that_the_credentials_do_not_reach_is_not_looked_at(google: GoogleStandIn, tmp_path: Path) -> None:
    report = audit(make_subject(tmp_path, project="out-of-reach"))
    assert_nothing_looked_at(report, "the credentials do not reach project out-of-reach, or there is none")


def test_a_project_whose_number_is_not_said_is_not_looked_at(google: GoogleStandIn, tmp_path: Path) -> None:
    report = audit(make_subject(tmp_path, number=""))
    assert_nothing_looked_at(report, "does not say whose stack dev is: set trainyard:gcp.project_number")


def test_without_credentials_nothing_is_known(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert_nothing_looked_at(audit(make_subject(tmp_path)), "there are no Google credentials here")
    assert google.exchanges == []


def test_a_token_goes_over_no_network_in_clear_text(
    google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"
    monkeypatch.setenv(variable, "http://cloudresourcemanager.example.com/")
    assert_nothing_looked_at(audit(make_subject(tmp_path)), f"{variable} is http://cloudresourcemanager.example.com")


def assert_nothing_looked_at(report: AuditReport, text: str) -> None:
    """Asserts that the audit has found nothing, says why, and is not clean."""
    assert (report.looked_at, report.leftovers, report.is_clean) == ((), (), False)
    assert len(report.problems) == 1
    assert text in report.problems[0]


def make_subject(
    folder: Path, stack: str = "dev", project: str = PROJECT, number: str = NUMBER, more: str = ""
) -> Subject:
    """A stack on Google Cloud as its files describe it."""
    assert REGION in STACK_FILE
    (folder / "Pulumi.yaml").write_text("name: trainyard\nruntime: python\n")
    (folder / f"Pulumi.{stack}.yaml").write_text(STACK_FILE.format(project=project, number=number) + more)
    return read_subject(folder, stack)
