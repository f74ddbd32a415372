"""Keeps one issue for each stack whose resources are not as the program says: opens, updates and closes it.

It reads files STACK.txt: what `pulumi preview --refresh --expect-no-changes` printed, and nothing where all is as it
should be.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from github_api import BOT, LONGEST_TEXT, GitHub, GitHubError

_STACK = re.compile(r"[A-Za-z0-9._-]{1,100}")
_FENCE = "~~~~~~"
_ROOM = 2_000
"""Characters kept for what stands around the output."""


def main(arguments: list[str] | None = None) -> int:
    """Brings the issues up to date and returns the exit code: 0 no stack differs, 1 one does, or it was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=int, required=True, metavar="ID", help="the run that looked")
    parser.add_argument("files", type=Path, nargs="+", metavar="STACK.txt", help="what was found of each stack")
    asked = parser.parse_args(arguments)
    drifted = False
    try:
        github = GitHub.of_job()
        for file in asked.files:
            if not _STACK.fullmatch(file.stem):
                raise GitHubError(f"{file.name} does not name a stack")
            found = file.read_text(encoding="utf-8", errors="replace")
            drifted |= bool(found.strip())
            print(tell(github, file.stem, found, asked.run))
    except (GitHubError, OSError) as error:
        print(f"report_drift: {error}", file=sys.stderr)
        return 1
    return 1 if drifted else 0


def tell(github: GitHub, stack: str, found: str, run_id: int) -> str:
    """Opens, updates or closes the issue of a stack; says what was done. Raises GitHubError."""
    run = github.get(f"actions/runs/{run_id}")
    issue = own_issue(github.all_of("issues", state="open", creator=BOT), stack)
    if not found.strip():
        if issue is None:
            return f"{stack}: as the program says"
        github.send(
            "POST", f"issues/{issue['number']}/comments", {"body": f"Gone, says [this run]({run['html_url']})."}
        )
        github.send("PATCH", f"issues/{issue['number']}", {"state": "closed", "state_reason": "completed"})
        return f"{stack}: closed issue {issue['number']}"
    title, body = f"Stack {stack} is not as the program says", issue_text(stack, found, run)
    if issue is None:
        made = github.send("POST", "issues", {"title": title, "body": body})
        return f"{stack}: opened issue {made['number']}"
    github.send("PATCH", f"issues/{issue['number']}", {"title": title, "body": body})
    return f"{stack}: updated issue {issue['number']}"


def marker(stack: str) -> str:
    """What the issue of a stack begins with, by which it is found again."""
    return f"<!-- trainyard drift of {stack} -->"


def own_issue(issues: Iterable[Mapping[str, Any]], stack: str) -> Mapping[str, Any] | None:
    """The issue that the workflow itself has opened for the stack."""
    for issue in issues:
        own = (issue.get("user") or {}).get("login") == BOT and "pull_request" not in issue
        if own and (issue.get("body") or "").startswith(marker(stack)):
            return issue
    return None


def issue_text(stack: str, found: str, run: Mapping[str, Any]) -> str:
    """What the issue says; the output is cut at the end of a line where it is too long for an issue."""
    shown = re.sub(r"~{6,}", "~~~~~", found.strip())
    cut = ""
    if len(shown) > LONGEST_TEXT - _ROOM:
        shown = shown[: LONGEST_TEXT - _ROOM].rpartition("\n")[0]
        cut = "\n\nThe rest is in the run's log."
    return (
        f"{marker(stack)}\n`pulumi up` of the default branch would change what is deployed. Either somebody changed it "
        f"by other means, or what was merged is not deployed. [The newest run that saw it]({run['html_url']}):\n\n"
        f"{_FENCE}text\n{shown}\n{_FENCE}{cut}\n\nThis issue closes itself when it is gone."
    )


if __name__ == "__main__":
    sys.exit(main())
