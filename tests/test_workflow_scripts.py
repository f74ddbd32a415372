"""The scripts of the workflows against a small GitHub: which comment and issue they write, and what they refuse."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_github import BOT, REPOSITORY, TOKEN, FakeGitHub, fake_github

SCRIPTS = Path(__file__).resolve().parents[1] / ".github/scripts"
MARKER = "<!-- trainyard change report -->"
SHA = "1f" * 20
RUN = 7


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A pull request from a fork whose preview has just ended, and no comment yet."""
    with fake_github() as served:
        fork = {"id": 99, "owner": {"login": "somebody"}}
        served.runs[RUN] = {
            "event": "pull_request",
            "path": ".github/workflows/preview.yml",
            "head_sha": SHA,
            "head_branch": "patch-1",
            "head_repository": fork,
            "html_url": "https://github.example/run/7",
            "conclusion": "success",
        }
        served.pulls.append(pull_request(3, fork, SHA))
        served.artifacts[1] = ("change-report", archive(f"{MARKER}\n### Two resources change\n"))
        yield served


def pull_request(number: int, source: dict[str, Any], sha: str) -> dict[str, Any]:
    """An open pull request, as the list of them has it."""
    head = {"label": f"{source['owner']['login']}:patch-1", "repo": source, "sha": sha}
    return {"number": number, "head": head, "base": {"repo": {"full_name": REPOSITORY}}}


def archive(report: str | bytes, **others: str) -> bytes:
    """An artifact with a report, and other files by their names."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("report.md", report)
        for name, content in others.items():
            opened.writestr(name, content)
    return written.getvalue()


def run(github: FakeGitHub, script: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a script as a workflow's step does: by any Python, without the project's environment."""
    environment = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": github.url}
    return subprocess.run(
        [sys.executable, "-S", str(SCRIPTS / script), "--run", str(RUN), *arguments],
        env={**environment, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def comment(github: FakeGitHub) -> subprocess.CompletedProcess[str]:
    """Runs the script that comments."""
    return run(github, "post_change_report.py")


def test_the_first_report_makes_the_comment_and_the_next_one_changes_it(github: FakeGitHub) -> None:
    github.jobs.append(
        {"name": "pulumi preview of prod", "conclusion": "failure", "html_url": "https://github.example/job/1"}
    )
    first = comment(github)
    assert (first.returncode, first.stderr) == (0, "")
    [made] = github.comments
    assert made["body"].startswith(f"{MARKER}\n### Two resources change\n")
    assert SHA in made["body"]
    assert "https://github.example/run/7" in made["body"]
    assert "`pulumi preview of prod`: [failure](https://github.example/job/1)" in made["body"]

    github.artifacts = {4: ("change-report", archive(f"{MARKER}\n### Nothing changes\n"))}
    assert comment(github).returncode == 0
    [changed] = github.comments
    assert changed["id"] == made["id"]
    assert changed["body"].startswith(f"{MARKER}\n### Nothing changes\n")
    assert comment(github).returncode == 0
    assert github.written == ["POST issues/3/comments", f"PATCH issues/comments/{made['id']}"]


def test_comments_of_others_stay_as_they_are(github: FakeGitHub) -> None:
    person = {"login": "somebody", "type": "User"}
    named_alike = {"login": "github-actions[bot]", "type": "User"}
    others = [{"id": each, "user": person, "body": f"comment {each}"} for each in range(120)]
    others += [{"id": 900, "user": person, "body": f"{MARKER} mine"}, {"id": 901, "user": named_alike, "body": MARKER}]
    others += [{"id": 902, "user": BOT, "body": "another workflow's"}, {"id": 903, "user": None, "body": None}]
    github.comments += [dict(each) for each in others]
    own = {"id": 904, "user": BOT, "body": f"{MARKER}\nold"}
    github.comments.append(own)
    assert comment(github).returncode == 0
    assert github.comments[:-1] == others
    assert github.comments[-1]["body"].startswith(f"{MARKER}\n### Two resources change\n")
    assert github.written == ["PATCH issues/comments/904"]


def test_a_report_calls_nobody(github: FakeGitHub) -> None:
    github.artifacts[1] = ("change-report", archive(f"{MARKER}\n@somebody (@org/team) mail@example.com `@decorator`"))
    assert comment(github).returncode == 0
    body = github.comments[0]["body"]
    assert "@somebody" not in body
    assert "@org" not in body
    assert "mail@example.com" in body
    assert "`@decorator`" in body


@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        (archive("### no marker"), "does not begin with"),
        (archive(f"text before {MARKER}"), "does not begin with"),
        (archive(MARKER + "x" * 70_000), "longer than"),
        (archive(MARKER.encode() + b"\0" * 20_000_000), "longer than"),
        (archive(f"{MARKER}\n\xff".encode("latin-1")), "not UTF-8"),
        (archive(MARKER + "x" * 65_400), "the comment would have"),
        (b"no archive", "no readable archive"),
        (archive(MARKER).replace(b"report.md", b"repORT.md"), "has no report.md"),
    ],
    ids=["no marker", "late marker", "long", "bomb", "bytes", "no room", "damaged", "empty"],
)
def test_what_is_no_report_is_refused(github: FakeGitHub, artifact: bytes, said: str) -> None:
    github.artifacts[1] = ("change-report", artifact)
    refused = comment(github)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert said in refused.stderr
    assert github.written == []


def test_an_artifact_is_never_unpacked(github: FakeGitHub, tmp_path: Path) -> None:
    hostile = archive(f"{MARKER}\nfine", **{"../../up": "x", f"{tmp_path}/absolute": "x", "github_api.py": "x"})
    github.artifacts[1] = ("change-report", hostile)
    folder = tmp_path / "a/b/c"
    folder.mkdir(parents=True)
    assert run(github, "post_change_report.py", cwd=folder).returncode == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_the_newest_commit_of_an_open_pull_request_is_told_of(github: FakeGitHub) -> None:
    fork = github.pulls[0]["head"]["repo"]
    another = {"id": 5, "owner": {"login": "somebody"}}
    github.pulls[:] = [pull_request(1, fork, "0" * 40), pull_request(2, another, SHA)]
    done = comment(github)
    assert (done.returncode, github.written) == (0, [])
    assert "nothing to do" in done.stdout


@pytest.mark.parametrize("change", [{"event": "push"}, {"path": ".github/workflows/evil.yml"}])
def test_runs_of_anything_else_are_refused(github: FakeGitHub, change: dict[str, str]) -> None:
    github.runs[RUN] |= change
    assert comment(github).returncode == 1
    assert github.written == []


def test_a_run_without_a_report_is_told_of(github: FakeGitHub) -> None:
    github.artifacts.clear()
    github.runs[RUN]["conclusion"] = "failure"
    assert comment(github).returncode == 0
    assert f"No report for {SHA}" in github.comments[0]["body"]


def test_a_server_that_fails_is_asked_again_and_the_token_is_never_told(github: FakeGitHub) -> None:
    github.failures = 1
    assert comment(github).returncode == 0
    assert len(github.comments) == 1
    github.artifacts[1] = ("change-report", archive(f"{MARKER}\nnew"))
    github.failures = 100
    refused = comment(github)
    assert refused.returncode == 1
    assert "502" in refused.stderr
    assert TOKEN not in refused.stderr + refused.stdout


def test_drift_has_one_issue_a_stack_which_closes_itself(github: FakeGitHub, tmp_path: Path) -> None:
    foreign = {"number": 1, "state": "open", "user": {"login": "somebody"}, "body": "<!-- trainyard drift of prod -->"}
    github.issues.append(dict(foreign))
    prod, dev = tmp_path / "prod.txt", tmp_path / "dev.txt"
    prod.write_text("~ instanceType: m5.large => m5.xlarge\n~~~~~~~~\n" + "line\n" * 20_000)
    dev.write_text("")

    def look() -> int:
        return run(github, "report_drift.py", str(dev), str(prod)).returncode

    assert look() == 1
    [_, issue] = github.issues
    assert "m5.large => m5.xlarge" in issue["body"]
    assert len(issue["body"]) < 65_536
    assert issue["body"].count("~~~~~~") == 2
    assert look() == 1
    prod.write_text("\n")
    assert look() == 0
    assert issue["state"] == "closed"
    assert look() == 0
    assert github.issues[0] == foreign
    number = issue["number"]
    assert github.written == [
        "POST issues",
        f"PATCH issues/{number}",
        f"POST issues/{number}/comments",
        f"PATCH issues/{number}",
    ]


PLANS = [({}, False), ({"a": ["same"], "b": None}, False), ({"a": ["same"], "b": ["create-replacement"]}, True)]


@pytest.mark.parametrize(("steps", "changes"), PLANS)
def test_only_a_plan_that_does_something_asks_for_approval(
    steps: dict[str, list[str]], changes: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"resourcePlans": {name: {"steps": each} for name, each in steps.items()}}))
    assert script("plan_changes").main([str(plan)]) == 0
    assert capsys.readouterr().out == f"changes={str(changes).lower()}\n"


@pytest.mark.parametrize(
    ("phase", "hours", "status", "goes_on"),
    [
        ("up", 5.5, "failure", True),
        ("up", 1, "cancelled", True),
        ("destroy", 1, "failure", False),
        ("done", 5.5, "success", False),
    ],
)
def test_a_run_goes_on_where_it_was_asked_to_hand_over(
    phase: str, hours: float, status: str, goes_on: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = tmp_path / "began"
    asked = ["--runs", str(tmp_path / "runs"), "--began", str(began), "--status", status]
    assert script("run_state").main(asked) == 0
    assert capsys.readouterr().out == ""
    for name, updated in (("20270101-000000-00aa", "2027-01-01"), ("20260101-000000-00aa", "2026-01-01")):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"id": name, "updated": updated, "phase": phase}))
    began.touch()
    os.utime(began, (time.time() - hours * 3600,) * 2)
    assert script("run_state").main(asked) == 0
    assert capsys.readouterr().out == f"run=20270101-000000-00aa\ngoes_on={str(goes_on).lower()}\n"


def script(name: str) -> Any:
    """A script as a module."""
    specification = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
