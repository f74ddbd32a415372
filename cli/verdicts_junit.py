"""The verdicts of policy packs as JUnit's XML, which continuous integration shows as tests. Pure.

A test suite is a subject of a pack, a test case is a rule: failed where it is mandatory and violated; skipped, with the
reason, where it is disabled, cannot be decided yet, or is violated and only advice, since JUnit has no warning and what
is skipped is shown while the output of what passed is not. Every finding is in the case's output. A rule that was not
asked is skipped too, and the case `everything is judged` is an error then.
"""

import io
from collections.abc import Mapping, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from cli.policies_rules import area
from cli.verdicts import Finding, Pack, Rule, Verdicts, counted_by_kind
from cli.verdicts_text import readable
from policies import rules as pack_rules

_COMPLETE = "everything is judged"


def junit_text(verdicts: Verdicts, known: Mapping[str, Mapping[str, pack_rules.Rule]]) -> bytes:
    """The document. `known` says more of rules than their packs do: by the pack's name, then by the rule's id."""
    document = JUnitXml(readable(f"policies of {verdicts.stack}"))
    problems = verdicts.problems()
    for pack in verdicts.packs or [Pack("policies", "")]:
        whole = TestCase(_COMPLETE, classname=readable(pack.name), time=round(verdicts.seconds, 3))
        if problems:
            error = Error(_line(problems[0]), "not judged")
            error.text = readable("\n".join(problems))
            whole.result = [error]
        document.add_testsuite(_suite(readable(pack.name), [whole]))
        by_area: dict[str, list[TestCase]] = {}
        for rule in pack.rules.values():
            ours = known.get(pack.name, {}).get(rule.id)
            subject = area(ours) if ours is not None else "rules"
            by_area.setdefault(subject, []).append(_case(pack, subject, rule, judged=not problems))
        for subject, cases in sorted(by_area.items()):
            document.add_testsuite(_suite(readable(f"{pack.name}: {subject}"), cases))
    document.update_statistics()
    written = io.BytesIO()
    document.write(written, pretty=True)
    return written.getvalue()


def _suite(name: str, cases: Sequence[TestCase]) -> TestSuite:
    suite = TestSuite(name)
    suite.add_testcases(list(cases))
    return suite


def _case(pack: Pack, subject: str, rule: Rule, *, judged: bool) -> TestCase:
    findings = pack.of(rule.id)
    classname = ".".join([pack.name, *subject.split()])
    case = TestCase(readable(rule.id), classname=readable(classname), time=0)
    title = rule.title or rule.id
    told = findings
    if violated := [each for each in findings if each.kind == "violated"]:
        failure = Failure(_line(f"{_counts(findings)}: {title}"), "mandatory")
        failure.text = _output(violated)
        case.result = [failure]
        told = [each for each in findings if each.kind != "violated"]
    elif rule.level == "disabled":
        case.result = [Skipped("disabled", "disabled")]
    elif any(each.kind in ("advisory", "undecided") for each in findings):
        kind = "advisory" if any(each.kind == "advisory" for each in findings) else "undecided"
        case.result = [Skipped(_line(f"{_counts(findings)}: {title} {_first(findings)}"), kind)]
    elif not judged:
        case.result = [Skipped("not judged", "not judged")]
    if told:
        case.system_out = _output(told)
    return case


def _counts(findings: Sequence[Finding]) -> str:
    """Such as `2 violated, 1 exempt`."""
    return ", ".join(f"{count} {kind}" for kind, count in counted_by_kind(findings))


def _first(findings: Sequence[Finding]) -> str:
    found = next(each for each in findings if each.kind in ("advisory", "undecided"))
    return f"{found.subject}: {found.text}" if found.urn else found.text


def _output(findings: Sequence[Finding]) -> str:
    return readable("\n".join(map(_told, findings)))


def _told(finding: Finding) -> str:
    exempt = f" until {finding.until} ({finding.reason})" if finding.kind == "exempt" else ""
    return f"[{finding.kind}{exempt}] {finding.urn or 'the stack'}: {finding.text}"


def _line(text: str) -> str:
    return readable(" ".join(text.split()))
