"""GitHub's REST API, as far as the workflows' scripts use it: the standard library only, for jobs without environments.

Source of paths, fields and limits: https://docs.github.com/en/rest, version 2022-11-28.
"""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

VERSION = "2022-11-28"
SECONDS = 30.0
"""How long one answer may take."""
PAGE = 100
"""Entries of a list asked for at once; GitHub gives no more."""
TRIES = 3
BOT = "github-actions[bot]"
"""Who writes with the token of a workflow."""
LONGEST_TEXT = 65_536
"""Characters that an issue or a comment may have."""


class GitHubError(Exception):
    """GitHub refused, or could not be reached; the text says what was asked, and never with which token."""


class GitHub:
    """One repository, with the rights of one token."""

    def __init__(self, token: str, repository: str, api: str = "https://api.github.com", *, pause: float = 1.0) -> None:
        """`repository` is OWNER/NAME; `pause` is the seconds before the second try, each next one twice as long."""
        self._token = token
        self._pause = pause
        self._base = f"{api.rstrip('/')}/repos/{repository}"
        self.repository = repository

    @classmethod
    def of_job(cls, environment: Mapping[str, str] = os.environ) -> "GitHub":
        """With what a job's environment says. Raises GitHubError where it says nothing."""
        missing = [name for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not environment.get(name)]
        if missing:
            raise GitHubError(f"{' and '.join(missing)} must be set in the environment")
        api = environment.get("GITHUB_API_URL") or "https://api.github.com"
        return cls(environment["GITHUB_TOKEN"], environment["GITHUB_REPOSITORY"], api)

    def get(self, path: str, **query: str) -> Any:
        """The document at a path below the repository. Raises GitHubError."""
        return json.loads(self._ask("GET", path, query))

    def all_of(self, path: str, *, within: str = "", **query: str) -> Iterator[Any]:
        """All entries of a list, page by page; `within` is the field that holds it. Raises GitHubError."""
        page = 1
        while True:
            answer = self.get(path, **query, per_page=str(PAGE), page=str(page))
            entries = answer[within] if within else answer
            yield from entries
            if len(entries) < PAGE:
                return
            page += 1

    def send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """Creates (POST) or changes (PATCH) something. Raises GitHubError."""
        return json.loads(self._ask(method, path, {}, json.dumps(document).encode()))

    def download(self, path: str, most_bytes: int) -> bytes:
        """What a path leads to, wherever that is stored. Raises GitHubError, also where it is longer than allowed."""
        content = self._ask("GET", path, {}, most_bytes=most_bytes)
        if len(content) > most_bytes:
            raise GitHubError(f"{path}: longer than the {most_bytes:,} bytes that are read")
        return content

    def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None, most_bytes: int = -1
    ) -> bytes:
        url = f"{self._base}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url, body, method=method)  # noqa: S310  # the API's own address
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", VERSION)
        # A redirection leads to storage of others, which must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        for attempt in range(1, TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                    content: bytes = answer.read(most_bytes + 1 if most_bytes >= 0 else -1)
                    return content
            except urllib.error.HTTPError as error:
                again = error.code >= 500 or error.code == 429
                problem = f"{error.code} {error.reason}"
                error.close()
            except OSError as error:
                again, problem = True, str(error)
            # A comment that was made although nothing was heard of it would be made twice.
            if method == "POST" or not again or attempt == TRIES:
                raise GitHubError(f"{method} {path}: {problem}")
            time.sleep(self._pause * 2 ** (attempt - 1))
        raise AssertionError
