"""What policy packs say of a deployment, rule by rule: gathered from its events for the documents about it. Pure.

A rule without a finding is kept only where all was judged: a preview or update that broke off has not asked every rule.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from engine import urn as urns
from engine.events import (
    Diagnostic,
    Event,
    Finished,
    PolicyPackFailed,
    PolicyPackLoaded,
    PolicyViolation,
    Severity,
    StepStarted,
)
from policies import wording

Kind = Literal["violated", "advisory", "exempt", "undecided", "mended"]
_INSTALLED = re.compile(r"(^|/)(\.[^/]+|site-packages|node_modules)/")
_POSITION = re.compile(r"project:///?(?P<file>.+)#(?P<line>\d+)")


class Position(NamedTuple):
    """A line of a file of the project; the path is relative to the project's folder."""

    file: str
    line: int


@dataclass(frozen=True)
class Rule:
    """What a pack says of one of its rules."""

    id: str
    level: str = ""
    severity: str = ""
    title: str = ""


@dataclass(frozen=True)
class Finding:
    """What a rule says of a resource, or, without a URN, of the stack."""

    rule: str
    kind: Kind
    urn: str
    text: str
    """Without the rule's title, and of an exempt one without the exemption."""
    until: str = ""
    """Of an exempt one: the last day of the exemption."""
    reason: str = ""

    @property
    def subject(self) -> str:
        """What it is about, for people."""
        return urns.name_of(self.urn) if self.urn else "the stack"


@dataclass
class Pack:
    """A policy pack, its rules and what they say."""

    name: str
    version: str
    rules: dict[str, Rule] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def of(self, rule: str) -> list[Finding]:
        """What one rule says, by resource."""
        return sorted((each for each in self.findings if each.rule == rule), key=lambda each: (each.urn, each.text))


class Verdicts:
    """All that a deployment's events tell of policies; fed event by event through `add`."""

    def __init__(self, stack: str, *, dry_run: bool) -> None:
        self.stack = stack
        self.seconds = 0.0
        self._dry_run = dry_run
        self._packs: dict[tuple[str, str], Pack] = {}
        self._failed: set[str] = set()
        self._errors: list[str] = []
        self._positions: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._finished: Finished | None = None

    def add(self, event: Event) -> None:
        """Takes note of the event."""
        match event:
            case StepStarted():
                self._parents[event.urn] = event.parent
                if position := (event.new_state or {}).get("sourcePosition"):
                    self._positions[event.urn] = position
            case PolicyPackLoaded():
                pack = self._pack(event.name, event.version)
                for told in event.rules:
                    rule = Rule(told["name"], told["level"], told.get("severity", ""), told.get("description", ""))
                    pack.rules[rule.id] = rule
            case PolicyViolation():
                self._note(event)
            case PolicyPackFailed():
                self._pack(event.name, event.version)
                self._failed.add(event.name)
            case Diagnostic() if event.severity == Severity.ERROR:
                self._errors.append(event.message.strip())
            case Finished():
                self._finished, self.seconds = event, event.seconds
            case _:
                pass

    @property
    def packs(self) -> Sequence[Pack]:
        """The packs that were loaded, or have failed, in that order."""
        return list(self._packs.values())

    def problems(self) -> list[str]:
        """Why not everything was judged; empty where it was.

        A preview judges everything, and fails where a mandatory rule is violated; an update stops there.
        """
        finished = self._finished
        if finished is not None and finished.outcome == "succeeded":
            return []
        violated = any(found.kind == "violated" for pack in self.packs for found in pack.findings)
        failed_by_policy = finished is not None and finished.outcome == "failed" and finished.cause == "policy"
        if self._dry_run and failed_by_policy and violated and not self._failed and not self._errors:
            return []
        what = "preview" if self._dry_run else "update"
        ended = "was cancelled" if finished is not None and finished.outcome == "cancelled" else "failed"
        return [f"Not everything was judged: the {what} {ended}.", *self._errors]

    def position(self, urn: str) -> Position | None:
        """Where the program makes a resource; where a package makes it, what the program made its parent at.

        None for the stack, and where nothing tells.
        """
        seen: set[str] = set()
        while urn and urn not in seen:
            seen.add(urn)
            found = _POSITION.fullmatch(self._positions.get(urn, ""))
            if found and not _INSTALLED.search(found["file"]):
                return Position(found["file"], int(found["line"]))
            urn = self._parents.get(urn, "")
        return None

    def _pack(self, name: str, version: str) -> Pack:
        return self._packs.setdefault((name, version), Pack(name, version))

    def _note(self, violation: PolicyViolation) -> None:
        pack = self._pack(violation.pack, violation.pack_version)
        known = pack.rules.get(violation.policy)
        if known is None:
            known = Rule(violation.policy, violation.level, violation.severity, violation.description)
            pack.rules[violation.policy] = known
        text = violation.message.removeprefix(f"{violation.description}\n").strip() or violation.description
        pack.findings.append(_finding(violation, text))


def _finding(violation: PolicyViolation, text: str) -> Finding:
    # How this project's pack says it; of another pack it would be advice all the same.
    if violation.level == "advisory":
        if exempt := wording.EXEMPT.fullmatch(text):
            rest, until, reason = exempt["rest"], exempt["until"], exempt["reason"]
            return Finding(violation.policy, "exempt", violation.urn, rest, until, reason)
        if wording.UNDECIDED.match(text):
            return Finding(violation.policy, "undecided", violation.urn, text)
    kind: Kind = "violated"
    if violation.level != "mandatory":
        kind = "mended" if violation.level == "remediate" else "advisory"
    return Finding(violation.policy, kind, violation.urn, text)


def counted_by_kind(findings: Sequence[Finding]) -> Iterator[tuple[Kind, int]]:
    """How many findings there are of each kind, where there are any."""
    kinds: tuple[Kind, ...] = ("violated", "advisory", "undecided", "exempt", "mended")
    for kind in kinds:
        if count := sum(each.kind == kind for each in findings):
            yield kind, count
