"""What policies say at both revisions, each by its own pack: which verdicts are new, fixed or remain. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.urn import name_of
from lifecycle.changes.report import RuleChange, VerdictChange

Kind = Literal["violated", "advisory", "exempt", "undecided", "mended"]
_STATUSES = ("new", "fixed", "remaining")
_KINDS = ("violated", "advisory", "exempt", "undecided", "mended")
_SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says of a resource, or, without a URN, of the stack."""

    rule: str
    kind: Kind
    urn: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRule:
    """A rule as a pack enforces it."""

    title: str
    level: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the packs of one revision say of a stack."""

    verdicts: Sequence[Verdict] = ()
    rules: Mapping[str, JudgedRule] = field(default_factory=dict)


def verdict_changes(before: Judgement, after: Judgement) -> tuple[VerdictChange, ...]:
    """New ones first, then fixed, then remaining; of each the gravest first.

    A verdict stays the same if rule, resource and kind do: an exemption of what was a violation is a new verdict, and
    the violation is fixed.
    """
    old, new = _by_key(before.verdicts), _by_key(after.verdicts)
    found: list[VerdictChange] = []
    for key in dict.fromkeys([*new, *old]):
        was, now = Counter(old.get(key, ())), Counter(new.get(key, ()))
        # Where only the text differs, it is the same verdict, as the head has it.
        reworded = min((was - now).total(), (now - was).total())
        came = list((now - was).elements())
        found += [_change("remaining", after, *key, text) for text in ((was & now).elements())]
        found += [_change("remaining", after, *key, text) for text in came[:reworded]]
        found += [_change("new", after, *key, text) for text in came[reworded:]]
        gone = list((was - now).elements())[reworded:]
        found += [_change("fixed", before, *key, text) for text in gone]
    return tuple(sorted(found, key=_rank))


def rule_changes(before: Judgement, after: Judgement) -> tuple[RuleChange, ...]:
    """Rules that came, went or are enforced otherwise; weaker ones first."""
    found = []
    for rule in {**before.rules, **after.rules}:
        was, now = before.rules.get(rule), after.rules.get(rule)
        levels = (was.level if was else "", now.level if now else "")
        if levels[0] != levels[1]:
            title = (now or was or JudgedRule(title="", level="", severity="")).title
            found.append(RuleChange(rule=rule, title=title, before=levels[0], after=levels[1]))
    return tuple(sorted(found, key=lambda each: (not each.is_weaker, each.rule)))


_Key = tuple[str, str, Kind]


def _by_key(verdicts: Sequence[Verdict]) -> dict[_Key, list[str]]:
    found: defaultdict[_Key, list[str]] = defaultdict(list)
    for each in verdicts:
        found[each.rule, each.urn, each.kind].append(each.text)
    return dict(found)


def _change(
    status: Literal["new", "fixed", "remaining"], judged: Judgement, rule: str, urn: str, kind: Kind, text: str
) -> VerdictChange:
    known = judged.rules.get(rule, JudgedRule(title=rule, level="", severity=""))
    return VerdictChange(
        status=status,
        rule=rule,
        title=known.title,
        kind=kind,
        severity=known.severity,
        urn=urn,
        name=name_of(urn) if urn else "",
        text=text,
    )


def _rank(each: VerdictChange) -> tuple[int, int, int, str, str, str]:
    severity = _SEVERITIES.index(each.severity) if each.severity in _SEVERITIES else len(_SEVERITIES)
    return (_STATUSES.index(each.status), _KINDS.index(each.kind), severity, each.rule, each.urn, each.text)
