"""The verdicts of policy packs in SARIF 2.1.0, for code scanning. Pure.

Sources: Static Analysis Results Interchange Format, version 2.1.0 with errata 01, OASIS; and what GitHub reads of it,
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning: a
physical location with all four ends of its region, descriptions of at most 1,024 characters, a fingerprint named
`primaryLocationLineHash`, and a category in the id of the run's automation. It shows what is suppressed or undecided
as well, since it does not read `suppressions` and `kind`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from cli.verdicts import Finding, Pack, Position, Rule, Verdicts
from cli.verdicts_text import readable
from engine import urn as urns
from policies import rules as pack_rules

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_LONGEST_DESCRIPTION = 1024
_MOST_TAGS = 20
"""In a rule; GitHub refuses a file with more."""
# GitHub: over 9.0 is critical, from 7.0 high, from 4.0 medium.
_SCORES: Final = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_LEVELS: Final = {"mandatory": "error", "advisory": "warning", "remediate": "note"}
_PROBLEM_SEVERITIES: Final = {"error": "error", "warning": "warning", "note": "recommendation"}

_Known = Mapping[str, pack_rules.Rule]


def sarif_text(verdicts: Verdicts, known: Mapping[str, _Known], stack_file: str, folder: str = "") -> str:
    """The document.

    :param known: What is known of rules beyond what their packs say: by the pack's name, then by the rule's id.
    :param stack_file: The stack's settings in the project's folder: where findings about the stack as a whole are.
    :param folder: The project's folder in the repository.
    """
    where = _Places(verdicts, stack_file, folder)
    runs = [_run(verdicts, pack, known.get(pack.name, {}), where) for pack in verdicts.packs or [Pack("policies", "")]]
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Places:
    """Where findings are, as SARIF says it."""

    def __init__(self, verdicts: Verdicts, stack_file: str, folder: str) -> None:
        self._verdicts = verdicts
        self._stack_file = stack_file
        self._folder = f"{folder.strip('/')}/" if folder.strip("/") else ""

    def location(self, finding: Finding) -> dict[str, Any]:
        position = self._verdicts.position(finding.urn) or Position(self._stack_file, 1)
        name = readable(finding.urn or self._verdicts.stack)
        logical = {"name": readable(finding.subject), "fullyQualifiedName": name, "kind": "resource"}
        return {
            "physicalLocation": {
                "artifactLocation": {
                    "uri": quote(readable(self._folder + position.file)),
                    "uriBaseId": _ROOT,
                },
                "region": {"startLine": position.line, "startColumn": 1, "endLine": position.line, "endColumn": 2},
            },
            "logicalLocations": [logical],
        }


def _run(verdicts: Verdicts, pack: Pack, known: _Known, where: _Places) -> dict[str, Any]:
    problems = verdicts.problems()
    rules = list(pack.rules.values())
    driver: dict[str, Any] = {"name": readable(pack.name), "rules": [_descriptor(rule, known) for rule in rules]}
    if pack.version:
        driver["version"] = readable(pack.version)
    invocation: dict[str, Any] = {"executionSuccessful": not problems}
    if problems:
        notes = [{"level": "error", "message": {"text": readable(problem)}} for problem in problems if problem]
        invocation["toolExecutionNotifications"] = notes
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": readable(f"{pack.name}/{verdicts.stack}/")},
        "invocations": [invocation],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The repository's folder."}}},
        "columnKind": "unicodeCodePoints",
        "results": list(_results(verdicts, pack, rules, where)),
    }


def _descriptor(rule: Rule, known: _Known) -> dict[str, Any]:
    title = readable(rule.title or rule.id)
    level = _LEVELS.get(rule.level, "warning")
    ours = known.get(rule.id)
    properties: dict[str, Any] = {"precision": "high", "problem.severity": _PROBLEM_SEVERITIES[level]}
    full = help_text = help_markdown = title
    if ours is not None:
        full = f"{title} {readable(ours.wrong)}"
        help_text = f"{ours.title} {ours.wrong} To mend it: {ours.mend}"
        asked = f"\n\nAsked for by: {', '.join(ours.frameworks)}." if ours.frameworks else ""
        help_markdown = f"**{ours.title}**\n\n{ours.wrong}\n\nTo mend it: {ours.mend}{asked}"
        properties["tags"] = [ours.topic, *ours.frameworks][:_MOST_TAGS]
        if ours.topic == "security":
            properties["security-severity"] = _SCORES[ours.severity]
    elif rule.severity in _SCORES:
        properties |= {"tags": ["security"], "security-severity": _SCORES[rule.severity]}
    return {
        "id": readable(rule.id),
        "shortDescription": {"text": _short(title)},
        "fullDescription": {"text": _short(full)},
        "help": {"text": help_text, "markdown": help_markdown},
        "defaultConfiguration": {"enabled": rule.level != "disabled", "level": level},
        "properties": properties,
    }


def _results(verdicts: Verdicts, pack: Pack, rules: list[Rule], where: _Places) -> Iterator[dict[str, Any]]:
    for index, rule in enumerate(rules):
        counts: Counter[str] = Counter()
        for finding in pack.of(rule.id):
            counts[finding.urn] += 1
            result = {
                "ruleId": readable(rule.id),
                "ruleIndex": index,
                **_level(finding, rule),
                "message": {"text": _message(finding)},
                "locations": [where.location(finding)],
                # Several resources can be made in one line, and lines move: what stays is the resource's name.
                "partialFingerprints": {
                    "primaryLocationLineHash": f"{_digest(rule.id, finding, verdicts.stack)}:{counts[finding.urn]}"
                },
            }
            if finding.kind == "exempt":
                justification = readable(f"{finding.reason} (until {finding.until})")
                result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
            yield result


def _level(finding: Finding, rule: Rule) -> dict[str, str]:
    """Kind and level; only what fails has a level (section 3.27.10 of the specification)."""
    if finding.kind == "undecided":
        return {"kind": "open", "level": "none"}
    if finding.kind == "mended":
        return {"kind": "fail", "level": "note"}
    if finding.kind == "exempt":
        return {"kind": "fail", "level": _LEVELS.get(rule.level, "warning")}
    return {"kind": "fail", "level": "error" if finding.kind == "violated" else "warning"}


def _message(finding: Finding) -> str:
    text = readable(finding.text)
    if not finding.urn:
        return text
    return f"{readable(finding.subject)} ({readable(urns.type_of(finding.urn))}): {text}"


def _digest(rule: str, finding: Finding, stack: str) -> str:
    return hashlib.sha256(f"{rule}\0{finding.urn or stack}".encode(errors="replace")).hexdigest()[:16]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_DESCRIPTION else f"{text[: _LONGEST_DESCRIPTION - 1]}…"
