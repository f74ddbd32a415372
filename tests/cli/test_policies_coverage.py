"""`yard policies --coverage`: which types of resource have which rules."""

import json
from pathlib import Path

import pytest

from cli.application import run
from cli.exit_status import ExitStatus
from cli.policies_coverage import Coverage, coverage, coverage_document, coverage_markdown, print_coverage
from cli.policies_plans import Planned, preview_plan, project_stacks, read_planned
from cli.policies_rules import Listing
from tests.cli import fake_rules
from tests.cli.test_policies_command import GOLDEN, same_as
from tests.cli.yard import make_file_project, make_project

POLICY = "aws:s3/bucketPolicy:BucketPolicy"
QUEUE = "aws:sqs/queue:Queue"
PROGRAM = """
import pulumi
from files import File

File("first", "/nowhere/first", "one")
pulumi.ComponentResource("shop:index:Part", "part")
"""


@pytest.fixture
def found() -> Coverage:
    plans = [Planned("dev", {fake_rules.BUCKET: 2, QUEUE: 1}), Planned("prod", {fake_rules.BUCKET: 3, POLICY: 1}, 4)]
    return coverage(plans, Listing(fake_rules.RULES, fake_rules.SETTINGS))


def test_the_table_reads_as_the_golden_file(found: Coverage, capsys: pytest.CaptureFixture[str]) -> None:
    print_coverage(found)
    said = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    same_as(GOLDEN / "policies_coverage.txt", said)


def test_the_page_reads_as_the_golden_file(found: Coverage) -> None:
    same_as(GOLDEN / "policies_coverage.md", coverage_markdown(found))


def test_json_tells_levels_and_what_has_no_rule(found: Coverage) -> None:
    told = coverage_document(found)
    assert told["stacks"] == ["dev", "prod"]
    assert told["types"][1] == {
        "type": POLICY,
        "resources": {"dev": 0, "prod": 1},
        "rules": [
            {"id": "aws-bucket-together", "topic": "security", "levels": {"dev": "disabled", "prod": "mandatory"}}
        ],
    }
    assert told["withRules"] == {"security": [fake_rules.BUCKET, POLICY], "cost": []}
    assert told["withoutRules"] == [QUEUE]
    assert told["forEveryType"] == ["cost-within"]
    assert told["notInDocument"] == {"dev": 0, "prod": 4}


def test_what_is_disabled_in_every_stack_covers_nothing() -> None:
    plan = Planned("dev", {POLICY: 1})
    listing = Listing([fake_rules.TOGETHER], {"dev": fake_rules.SETTINGS["dev"]})
    assert coverage([plan], listing).without_rules() == [POLICY]


def test_a_preview_counts_what_is_something_by_itself(tmp_path: Path) -> None:
    project = make_file_project(tmp_path / "project", PROGRAM)
    assert project_stacks(project) == ["local"]
    assert preview_plan(project, "local") == Planned("local", {"pulumi-python:dynamic/test:File": 1})


def test_a_document_is_read_with_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def step(type_: str, custom: bool) -> dict[str, object]:
        urn = f"urn:pulumi:shop::yard::{type_}::it"
        return {"op": "create", "urn": urn, "newState": {"urn": urn, "type": type_, "custom": custom, "inputs": {}}}

    path = tmp_path / "plan.json"
    steps = [
        step("pulumi:pulumi:Stack", False),
        step("pulumi:providers:aws", True),
        step("yard:index:Part", False),
        step(QUEUE, True),
    ]
    path.write_text(json.dumps({"steps": steps, "changeSummary": {"create": 4, "same": 7}}))
    assert read_planned(path) == Planned("shop", {QUEUE: 1}, 7)
    assert run(["policies", "--coverage", "--plan", str(path), "--json"], None) == ExitStatus.SUCCESS
    told = json.loads(capsys.readouterr().out)
    assert [(each["type"], each["resources"]) for each in told["types"]] == [(QUEUE, {"shop": 1})]
    path.write_text("[]")
    assert run(["policies", "--coverage", "--plan", str(path)], None) == ExitStatus.CONFIGURATION


def test_a_stack_whose_preview_fails_has_no_coverage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "project", "raise RuntimeError('the program says no')\n")
    assert run(["policies", "--coverage", "-C", str(project)], None) == ExitStatus.ERROR
    said = capsys.readouterr().err
    assert "the program says no" in said
    assert said.endswith("yard: stack local has no coverage, since its preview failed\n")


def test_where_there_is_no_stack_there_is_nothing_to_cover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    assert run(["policies", "--coverage", "-C", str(tmp_path)], None) == ExitStatus.CONFIGURATION
    assert "there is no stack: no Pulumi.STACK.yaml" in capsys.readouterr().err
