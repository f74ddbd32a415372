"""`yard preview --base`: its documents, its exit codes, and what is refused before anything runs."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import Result, make_project, yard
from tests.lifecycle.changes.repository import commit, git, make_repository

SCHEMAS = Path(__file__).parent / "schemas"

pytestmark = pytest.mark.xdist_group("change report")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("prepared") / "repository")


@pytest.fixture(scope="module")
def judged(project: Path) -> Result:
    """With every file, and JSON on standard output."""
    files = ("--sarif", "../../found.sarif", "--html", "../../page.html")
    return yard("preview", "--base", "main", "--policy-pack", "policies", "--json", *files, cwd=project)


@pytest.fixture(scope="module")
def report(judged: Result) -> dict[str, Any]:
    assert judged.code == ExitStatus.POLICY, judged.err
    return json.loads(judged.out)


def test_the_document_has_a_schema_and_says_what_the_comment_says(report: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / "change-report-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report, schema, jsonschema.Draft202012Validator)
    [stack] = report["stacks"]
    operations = {(each["type"], each["name"]): each["operation"] for each in stack["resources"]}
    assert operations["aws:s3/bucket:Bucket", "models"] == "replace"
    assert operations["aws:s3/bucketPolicy:BucketPolicy", "models"] == "replace"
    assert [each["name"] for each in stack["resources"] if each["dangerous"]] == ["models", "logs"]
    assert stack["cost"]["after_usd_per_month"] > stack["cost"]["before_usd_per_month"]
    assert [(each["rule"], each["weaker"]) for each in stack["rules"]] == [("tagged", True)]
    assert "hunter2" not in json.dumps(report)


def test_verdicts_of_the_head_are_told_apart_by_the_base(project: Path, report: dict[str, Any]) -> None:
    assert report
    document = json.loads((project.parents[1] / "found.sarif").read_text())
    jsonschema.validate(document, json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))
    [run] = document["runs"]
    assert run["automationDetails"]["id"] == "own/dev/"
    found = {each["ruleId"]: (each["baselineState"], each["level"]) for each in run["results"]}
    assert found == {"tagged": ("new", "warning"), "few-gateways": ("new", "error")}
    places = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]}
    assert places == {"deploy/Pulumi.dev.yaml"}, "in the folder of the repository"


def test_the_page_is_written(project: Path, report: dict[str, Any]) -> None:
    assert report
    page = (project.parents[1] / "page.html").read_text()
    assert "models" in page
    assert "hunter2" not in page


def test_verdicts_that_remain_are_unchanged_and_no_error(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repository").parent
    commit(repository, {"deploy/Pulumi.yaml": "name: shop\nruntime: python\ndescription: A shop.\n"}, "Fourth")
    arguments = ("preview", "--base", "HEAD~1", "--policy-pack", "policies", "--sarif", "-", "--expect-no-changes")
    result = yard(*arguments, cwd=repository / "deploy")
    assert (result.code, result.err) == (ExitStatus.SUCCESS, "")
    [run] = json.loads(result.out)["runs"]
    assert {each["baselineState"] for each in run["results"]} == {"unchanged"}


def test_a_terminal_is_told_what_would_be_lost_first_and_a_difference_can_be_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    program = 'import pulumi\npulumi.CustomResource("aws:s3/bucket:Bucket", "models", {"bucket": "NAME\\x1b[31m"})\n'
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    files = {"Pulumi.yaml": "name: shop\nruntime: python\n", "Pulumi.dev.yaml": "config: {}\n"}
    commit(folder, files | {"__main__.py": program.replace("NAME", "one")}, "First")
    commit(folder, {"__main__.py": program.replace("NAME", "two")}, "Second")
    result = yard("preview", "-s", "dev", "--base", "HEAD~1", "--expect-no-changes", cwd=folder)
    assert (result.code, result.err) == (
        ExitStatus.CHANGES,
        "yard: no changes were expected, but some are proposed\n",
    )
    lines = result.out.splitlines()
    assert lines[1] == (
        "WARNING: models (aws:s3/bucket:Bucket) of dev is replaced because of bucket, which loses the objects in it"
    )
    assert '       ~ bucket: "one\\u001b[31m" => "two\\u001b[31m" (replaces it)' in lines
    assert "\x1b" not in result.out, "no colours where there is no terminal, and none of somebody else's"
    assert "No policy pack judged: --policy-pack names one." in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--markdown"], "--markdown needs --base"),
        (["--html", "x.html"], "--html needs --base"),
        (["-s", "a", "-s", "b"], "a second --stack needs --base"),
        (["--base", "main", "--json", "--markdown"], "--json and --markdown exclude each other"),
        (["--base", "main", "--diff"], "--diff cannot be had with --base"),
        (["--base", "main", "--html", "none/x"], "--html = 'none/x': cannot be written: there is no folder none"),
        (["--base", "main", "--html", "Pulumi.local.yaml"], "cannot be written: it holds settings"),
        (["--base", "main", "--sarif", "-"], "--sarif needs a policy pack: add --policy-pack"),
        (["--base", "main"], "--base needs a git repository, and .* is in none"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_runs(arguments: list[str], message: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "shop", 'open("ran", "w")\n')
    result = yard("preview", *arguments, cwd=folder)
    assert (result.code, result.out) == (ExitStatus.CONFIGURATION, "")
    assert result.err.startswith("yard: ")
    assert re.search(message, result.err)
    assert sorted(each.name for each in folder.iterdir()) == ["Pulumi.local.yaml", "Pulumi.yaml", "__main__.py"]


def test_a_stack_that_is_at_neither_revision_is_refused_by_name(project: Path) -> None:
    result = yard("preview", "--base", "main", "-s", "prod", cwd=project)
    assert result.code == ExitStatus.STACK_NOT_FOUND, result.err
    assert "--stack is 'prod': there is no Pulumi.prod.yaml at either revision; there are: dev" in result.err


def test_sarif_is_printed_alone_without_a_base_too(project: Path) -> None:
    result = yard("preview", "-s", "dev", "--policy-pack", "policies", "--sarif", "-", cwd=project)
    assert result.code == ExitStatus.POLICY, result.err
    [run] = json.loads(result.out)["runs"]
    assert sorted({each["ruleId"] for each in run["results"]}) == ["few-gateways", "tagged"]
