"""Puts the report of a finished preview into the one comment of its pull request.

Whoever opens a pull request decides what its report says, so the report is data here and nothing else: it is read out
of the artifact without unpacking it, at most as much as a comment may hold; it can call nobody; and what it is about,
the pull request and the commit, is asked of GitHub. Where the pull request has gone on meanwhile, nothing is written:
the report on its newest commit follows.

A script, and not actions/github-script, since it is tested against a server like any other code, and no action has to
be trusted with the token.
"""

import argparse
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from github_api import BOT, LONGEST_TEXT, GitHub, GitHubError

MARKER = "<!-- trainyard change report -->"
"""What the comment begins with, by which it is found again."""
WORKFLOW = ".github/workflows/preview.yml"
ARTIFACT = "change-report"
REPORT = "report.md"
MOST_ARTIFACT_BYTES = 50_000_000
MOST_REPORT_BYTES = 4 * LONGEST_TEXT
"""UTF-8 has at most four bytes a character."""

_MENTION = re.compile(r"(?<![\w`])@(?=[A-Za-z0-9])")
_JOB_NAME = re.compile(r"pulumi preview of [a-z0-9._-]{1,100}", re.IGNORECASE)


class UnusableReport(Exception):
    """The artifact holds no report that could be shown; the text says why."""


def main(arguments: list[str] | None = None) -> int:
    """Writes the comment and returns the exit code: 0 done or nothing to do, 1 refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=int, required=True, metavar="ID", help="the finished run of the preview workflow")
    try:
        print(post(GitHub.of_job(), parser.parse_args(arguments).run))
    except (GitHubError, UnusableReport) as error:
        print(f"post_change_report: {error}", file=sys.stderr)
        return 1
    return 0


def post(github: GitHub, run_id: int) -> str:
    """Writes or changes the comment; says what was done. Raises GitHubError and UnusableReport."""
    run = github.get(f"actions/runs/{run_id}")
    if run.get("event") != "pull_request" or run.get("path", "").partition("@")[0] != WORKFLOW:
        raise UnusableReport(f"run {run_id} is none of {WORKFLOW} for a pull request")
    pull = find_pull_request(github, run)
    if pull is None:
        return f"no open pull request has {run['head_sha']} as its newest commit: nothing to do"
    report = fetch_report(github, run_id)
    jobs = github.all_of(f"actions/runs/{run_id}/jobs", within="jobs")
    text = comment_text(report, run, jobs)
    number = pull["number"]
    found = own_comment(github.all_of(f"issues/{number}/comments"))
    if found is None:
        github.send("POST", f"issues/{number}/comments", {"body": text})
        return f"pull request {number}: commented"
    if found["body"] == text:
        return f"pull request {number}: the comment says so already"
    github.send("PATCH", f"issues/comments/{found['id']}", {"body": text})
    return f"pull request {number}: changed the comment"


def find_pull_request(github: GitHub, run: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The open pull request into this repository whose newest commit the run was for; None where there is none.

    A run of a fork does not name it, and GitHub finds no pull request by a fork's commit, but by the fork's branch.
    """
    head = run.get("head_repository") or {}
    owner, branch = (head.get("owner") or {}).get("login"), run.get("head_branch")
    if not owner or not branch:
        return None
    for pull in github.all_of("pulls", state="open", head=f"{owner}:{branch}"):
        same_source = (pull["head"].get("repo") or {}).get("id") == head.get("id")
        here = pull["base"]["repo"]["full_name"].lower() == github.repository.lower()
        if same_source and here and pull["head"]["sha"] == run["head_sha"]:
            found: Mapping[str, Any] = pull
            return found
    return None


def fetch_report(github: GitHub, run_id: int) -> str:
    """The report that the run has left; empty where it left none. Raises GitHubError and UnusableReport."""
    listed = github.all_of(f"actions/runs/{run_id}/artifacts", within="artifacts", name=ARTIFACT)
    found = [each for each in listed if each["name"] == ARTIFACT and not each.get("expired")]
    if not found:
        return ""
    newest = max(found, key=lambda each: int(each["id"]))
    return read_report(github.download(f"actions/artifacts/{int(newest['id'])}/zip", MOST_ARTIFACT_BYTES))


def read_report(archive: bytes) -> str:
    """The report in an artifact; empty where the run ended before it was written. Raises UnusableReport."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(REPORT) as member:
            content = member.read(MOST_REPORT_BYTES + 1)
    except KeyError:
        raise UnusableReport(f"the artifact has no {REPORT}") from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnusableReport(f"the artifact is no readable archive: {error}") from None
    try:
        text = content.decode() if len(content) <= MOST_REPORT_BYTES else None
    except UnicodeDecodeError:
        raise UnusableReport(f"{REPORT} is not UTF-8") from None
    if text is None or len(text) > LONGEST_TEXT:
        raise UnusableReport(f"{REPORT} is longer than the {LONGEST_TEXT:,} characters of a comment")
    if text.strip() and not text.startswith(MARKER):
        raise UnusableReport(f"{REPORT} does not begin with {MARKER}")
    return text.strip()


def comment_text(report: str, run: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]]) -> str:
    """What the comment says: the report, and below it what GitHub knows of the run. Raises UnusableReport."""
    sha, this_run = run["head_sha"], f"[this run]({run['html_url']})"
    missing = f"{MARKER}\n### No report for {sha}\n\nIts run ended as `{run.get('conclusion')}` before one was there."
    lines = [
        f"<sub>By the code of this pull request, in {this_run}, for {sha}. The page with the graph is in it.</sub>"
    ]
    for job in jobs:
        name = str(job.get("name", ""))
        if _JOB_NAME.fullmatch(name) and job.get("conclusion") not in (None, "skipped"):
            lines.append(f"<sub>`{name}`: [{job['conclusion']}]({job['html_url']})</sub>")
    text = (without_mentions(report) or missing) + "\n\n" + "<br>\n".join(lines)
    if len(text) > LONGEST_TEXT:
        raise UnusableReport(f"the comment would have {len(text):,} characters; GitHub takes {LONGEST_TEXT:,}")
    return text


def without_mentions(text: str) -> str:
    """The text, in which no name calls anybody: a character of no width stands behind each `@` that would."""
    return _MENTION.sub("@\u200b", text)


def own_comment(comments: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The oldest comment that the workflow itself has made; one that a person made with its marker is none."""
    for comment in comments:
        author = comment.get("user") or {}
        by_workflow = author.get("login") == BOT and author.get("type") == "Bot"
        if by_workflow and (comment.get("body") or "").startswith(MARKER):
            return comment
    return None


if __name__ == "__main__":
    sys.exit(main())
