"""`yard audit` and the guard of `yard destroy` for stacks on Google Cloud, which is a stand-in here."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from cli.application import run
from cli.destroy_guard import pass_guard
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from tests.cli.yard import make_project
from tests.lifecycle.conftest import use
from tests.lifecycle.teardown.google_stand_in import NUMBER, PROJECT, REGION, ZONE, GoogleStandIn, google_stand_in
from tests.lifecycle.teardown.state_files import write_state

STACK_FILE = """\
config:
  gcp:project: {project}
  gcp:region: europe-west4
  shop:cloud: gcp
  shop:gcp: {{project_number: "{number}"}}
"""
SCHEMA = Path(__file__).parent / "schemas" / "audit.json"
BUCKET = {"type": "gcp:storage/bucket:Bucket", "name": "models", "id": "models"}


@pytest.fixture(scope="module")
def running_google() -> Iterator[GoogleStandIn]:
    """Google Cloud on loopback."""
    with google_stand_in() as cloud:
        yield cloud


@pytest.fixture
def google(running_google: GoogleStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoogleStandIn:
    """An empty project, and this process's environment made to use it."""
    running_google.reset()
    use(running_google, tmp_path, monkeypatch)
    return running_google


def test_what_is_left_is_told_with_what_it_costs(
    google: GoogleStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_stack(tmp_path)
    assert audit(project) == ExitStatus.SUCCESS
    assert f"nothing of stack local is left in project {PROJECT}, {REGION}; looked for: " in capsys.readouterr().out
    labels = {"project": "shop", "stack": "local"}
    google.compute(f"zones/{ZONE}", "disks", "pvc-1", labels=labels, sizeGb="8", type="pd-balanced")
    email = f"shop-local-node@{PROJECT}.iam.gserviceaccount.com"
    google.put("iam", f"projects/{PROJECT}/serviceAccounts/{email}", email=email)

    assert audit(project) == ExitStatus.LEFTOVERS
    told = capsys.readouterr().out.splitlines()
    assert "is left: disk pvc-1 (labels project=shop stack=local; 8 GB, pd-balanced), which costs money" in told
    assert f"is left: service account {email} (its name)" in told
    assert f"  gcloud compute disks delete pvc-1 --zone={ZONE} --project={PROJECT} --quiet" in told
    assert told[-1] == f"left of stack local in project {PROJECT}, {REGION}: 2, of which 1 cost money"

    assert audit(project, "--json") == ExitStatus.LEFTOVERS
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert (document["cloud"], document["account_id"]) == ("gcp", PROJECT)
    costs = {each["kind"]: each["costs"] for each in document["leftovers"]}
    assert costs == {"disk": True, "service account": False}


def test_nobody_knows_what_is_left_where_a_service_is_off(
    google: GoogleStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    google.refused["cloudkms"] = "SERVICE_DISABLED"
    assert audit(make_stack(tmp_path)) == ExitStatus.ERROR
    told = capsys.readouterr().out
    assert "cannot tell: KMS keys: HTTP 403" in told
    assert "nobody knows whether anything of stack local is left" in told


def test_a_foreign_project_is_in_the_way_of_a_destroy(
    google: GoogleStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_stack(tmp_path)
    write_state(project, "local", [BUCKET])
    pass_guard(project, "local", [])
    google.number = "999999999999"
    with pytest.raises(CommandError, match=rf"foreign-account: .*of project {PROJECT} \(999999999999\)") as raised:
        pass_guard(project, "local", [])
    assert raised.value.status == ExitStatus.CONFIGURATION
    pass_guard(project, "local", ["foreign-account"])
    assert "overridden: foreign-account" in capsys.readouterr().err


def audit(project: Path, *arguments: str) -> int:
    """Runs the command in this process."""
    return run(["audit", "-C", str(project), *arguments], None)


def make_stack(folder: Path) -> Path:
    """A project with the stack local, on Google Cloud."""
    return make_project(folder / "shop", "", config=STACK_FILE.format(project=PROJECT, number=NUMBER))
