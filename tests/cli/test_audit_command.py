"""`yard audit`: what it prints, its JSON and its exit codes; and that it is for what is destroyed.

TRAINYARD_WRITE_GOLDEN=1 writes the golden file anew.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli.application import run
from cli.audit_report import report_document, report_lines, status_of_report
from cli.exit_status import ExitStatus
from lifecycle.teardown.audit import AuditReport, Leftover
from tests.cli.yard import make_project
from tests.lifecycle.teardown.state_files import write_state
from tests.lifecycle.teardown.test_subject import make_subject

GOLDEN = Path(__file__).parent / "golden" / "audit.txt"
SCHEMA = Path(__file__).parent / "schemas" / "audit.json"

REPORT = AuditReport(
    looked_at=("instances", "EBS volumes"),
    leftovers=(
        Leftover(
            "instance",
            "i-0123456789abcdef0",
            "tag eks:eks-cluster-name=trainyard-dev; g5.xlarge, running",
            (
                "aws ec2 terminate-instances --instance-ids i-0123456789abcdef0 --region eu-west-1",
                "aws ec2 wait instance-terminated --instance-ids i-0123456789abcdef0 --region eu-west-1",
            ),
        ),
        Leftover(
            "EBS volume",
            "vol-0123456789abcdef0",
            "tag kubernetes.io/cluster/trainyard-dev=owned; 8 GiB, claim monitoring/prometheus",
            ("aws ec2 delete-volume --volume-id vol-0123456789abcdef0 --region eu-west-1",),
        ),
        Leftover("braket device", "arn:aws:braket:eu-west-1:1:device/1", "tags project=trainyard stack=dev"),
    ),
    retained=(Leftover("image repository", "trainyard-dev/quay/envoy", "the registry made it", ("aws ecr x",)),),
    going=(Leftover("KMS key", "1234abcd", "it waits for its deletion; on 2026-12-03"),),
    problems=("load balancers: AccessDenied",),
)


def test_the_text_is_as_it_was() -> None:
    text = "\n".join(report_lines(make_subject(), REPORT)) + "\n"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_what_is_told_counts() -> None:
    empty = AuditReport(looked_at=("files",))
    assert status_of_report(REPORT) == ExitStatus.LEFTOVERS
    assert status_of_report(AuditReport(looked_at=(), problems=("nobody answers",))) == ExitStatus.ERROR
    assert status_of_report(empty) == ExitStatus.SUCCESS
    assert report_lines(make_subject(cloud="local"), empty) == ["nothing of stack dev is left; looked for: files"]
    unknown = report_lines(make_subject(), AuditReport(looked_at=(), problems=("nobody answers",)))
    assert unknown[0] == "cannot tell: nobody answers"
    assert "nobody knows whether anything of stack dev is left" in unknown[-1]


@pytest.mark.parametrize("report", [REPORT, AuditReport(looked_at=("files",))])
def test_the_json_is_as_its_schema_says(report: AuditReport) -> None:
    jsonschema.validate(report_document(make_subject(), report), json.loads(SCHEMA.read_text()))


def test_what_is_left_is_told_until_it_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "shop", "")
    assert audit(project) == ExitStatus.SUCCESS
    assert "nothing of stack local is left" in capsys.readouterr().out
    left = project / ".pulumi" / "local" / "local" / "service" / "log.txt"
    left.parent.mkdir(parents=True)
    left.write_text("left")

    assert audit(project, "--json") == ExitStatus.LEFTOVERS
    document = answer(capsys)
    assert (document["clean"], document["deployed_resources"]) == (False, 0)
    assert [each["kind"] for each in document["leftovers"]] == ["folder"]
    assert audit(project) == ExitStatus.LEFTOVERS
    assert document["leftovers"][0]["removal"][0] in capsys.readouterr().out
    assert left.exists()

    subprocess.run(["bash", "-euc", document["leftovers"][0]["removal"][0]], check=True)
    assert audit(project, "--json") == ExitStatus.SUCCESS
    assert answer(capsys)["clean"] is True


def test_a_deployed_stack_is_not_taken_for_leftovers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "shop", "")
    write_state(project, "local", [{"type": "aws:s3/bucket:Bucket", "name": "models", "id": "models"}])
    assert audit(project) == ExitStatus.ERROR
    assert "stack local is still deployed, resources: 1. What is left of it is known after" in capsys.readouterr().err
    assert audit(project, "--json") == ExitStatus.ERROR
    document = answer(capsys)
    assert (document["deployed_resources"], document["leftovers"], document["clean"]) == (1, [], False)


def test_an_unknown_stack_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "shop", "")
    assert audit(project, "-s", "nowhere") == ExitStatus.STACK_NOT_FOUND
    assert "there is no stack 'nowhere'" in capsys.readouterr().err


def audit(project: Path, *arguments: str) -> int:
    """Runs the command in this process."""
    return run(["audit", "-C", str(project), *arguments], None)


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    """The JSON that was printed, which is as its schema says."""
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    return document
