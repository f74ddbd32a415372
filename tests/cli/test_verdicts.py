"""What policy packs say of a deployment, as SARIF for code scanning and as JUnit for continuous integration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from cli.verdicts import Position, Verdicts
from cli.verdicts_junit import junit_text
from cli.verdicts_sarif import sarif_text
from engine.events import (
    Diagnostic,
    Event,
    Finished,
    Operation,
    PolicyPackFailed,
    PolicyPackLoaded,
    PolicyViolation,
    Severity,
    StepStarted,
)
from tests.cli import fake_rules

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PART = "urn:pulumi:dev::shop::shop:index:Part::part"
BUCKET = "urn:pulumi:dev::shop::shop:index:Part$aws:s3/bucket:Bucket::models"
OTHER = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::other one"
KNOWN = {"trainyard": {rule.id: rule for rule in fake_rules.RULES}}
KEPT = fake_rules.KEPT
HOSTILE = "\x00\x1b[31mred]]> <b>&\ud800\uffff\r\nü 漢\x85" + "x" * 100_000
REFUSED = Finished("failed", {"create": 3}, 1.5, cause="policy")


def step(urn: str, position: str = "", parent: str = "") -> StepStarted:
    state = {"urn": urn, **({"sourcePosition": position} if position else {})}
    return StepStarted(Operation.CREATE, urn, parent=parent, new_state=state)


STEPS = [
    step(STACK),
    step(PART, "project:///infra/a b.py#12", STACK),
    step(BUCKET, "project:///.venv/lib/python3.11/site-packages/pulumi_aws/bucket.py#3", PART),
    step(OTHER, "project:///__main__.py#4", STACK),
]
LOADED = PolicyPackLoaded(
    "trainyard",
    "0.1.0",
    4,
    [
        {"name": KEPT.id, "level": "mandatory", "severity": "high", "description": KEPT.title},
        {
            "name": "aws-bucket-together",
            "level": "advisory",
            "severity": "low",
            "description": "Buckets have a policy.",
        },
        {"name": "cost-within", "level": "mandatory", "severity": "medium", "description": fake_rules.WITHIN.title},
        {"name": "other", "level": "disabled", "severity": "", "description": ""},
    ],
)


def violation(rule: str, text: str, level: str = "mandatory", urn: str = BUCKET, title: str = "") -> PolicyViolation:
    return PolicyViolation("trainyard", "0.1.0", rule, f"{title}\n{text}", level, "high", urn, title)


ADVICE = violation("aws-bucket-together", "Nothing is beside it.", "advisory", OTHER, "Buckets have a policy.")
EXEMPT = violation(KEPT.id, "Exempt until 2027-06-30 (They are small.): It has none.", "advisory", OTHER, KEPT.title)
OBJECTION = violation(KEPT.id, "It has none. To mend it: set protect.", title=KEPT.title)
UNDECIDED = violation(
    "cost-within", "It cannot be decided before the update knows x; `up` enforces it.", "advisory", ""
)


def recorded(*events: Event, dry_run: bool = True) -> Verdicts:
    verdicts = Verdicts("dev", dry_run=dry_run)
    for event in [*STEPS, LOADED, *events]:
        verdicts.add(event)
    return verdicts


def sarif(verdicts: Verdicts, folder: str = "") -> dict[str, Any]:
    """The document; it is what the schema of the standard (OASIS, SARIF 2.1.0 errata 01) asks for."""
    schema = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    text = sarif_text(verdicts, KNOWN, "Pulumi.dev.yaml", folder)
    document: dict[str, Any] = json.loads(text)
    assert list(Draft4Validator(schema).iter_errors(document)) == []
    assert document["$schema"] == schema["id"]
    return document


def cases(verdicts: Verdicts) -> dict[str, TestCase]:
    """The test cases by name, read back."""
    document = JUnitXml.fromstring(junit_text(verdicts, KNOWN))
    return {case.name: case for suite in document for case in suite}


def test_sarif_tells_every_rule() -> None:
    [run] = sarif(recorded(Finished("succeeded", {}, 1.0)))["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"], run["results"]) == ("trainyard", "0.1.0", [])
    assert run["automationDetails"]["id"] == "trainyard/dev/"
    assert run["invocations"] == [{"executionSuccessful": True}]
    rules = {rule["id"]: rule for rule in driver["rules"]}
    kept = rules[KEPT.id]
    assert kept["shortDescription"]["text"] == KEPT.title
    assert kept["fullDescription"]["text"] == f"{KEPT.title} {KEPT.wrong}"
    assert KEPT.mend in kept["help"]["text"]
    assert KEPT.mend in kept["help"]["markdown"]
    assert kept["defaultConfiguration"] == {"enabled": True, "level": "error"}
    assert kept["properties"] == {
        "precision": "high",
        "problem.severity": "error",
        "security-severity": "8.0",
        "tags": ["security", "CKV_AWS_21", "CIS AWS 3.0.0 2.1.2"],
    }
    assert "security-severity" not in rules["cost-within"]["properties"], "it is about cost"
    assert rules["cost-within"]["properties"]["tags"] == ["cost", "FinOps"]
    assert rules["aws-bucket-together"]["defaultConfiguration"]["level"] == "warning"
    assert rules["other"]["defaultConfiguration"]["enabled"] is False
    assert rules["other"]["shortDescription"]["text"] == "other", "it must not be empty"


def test_sarif_says_where_each_finding_is() -> None:
    verdicts = recorded(OBJECTION, EXEMPT, ADVICE, UNDECIDED, REFUSED)
    [run] = sarif(verdicts, "deploy")["runs"]
    told = [
        (
            result["ruleId"],
            result["kind"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
            result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        )
        for result in run["results"]
    ]
    assert told == [
        (KEPT.id, "fail", "error", "deploy/__main__.py", 4, OTHER),
        (KEPT.id, "fail", "error", "deploy/infra/a%20b.py", 12, BUCKET),
        ("aws-bucket-together", "fail", "warning", "deploy/__main__.py", 4, OTHER),
        ("cost-within", "open", "none", "deploy/Pulumi.dev.yaml", 1, "dev"),
    ]
    exempt, objection, *_ = run["results"]
    assert exempt["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "They are small. (until 2027-06-30)"}
    ]
    assert exempt["message"]["text"] == "other one (aws:s3/bucket:Bucket): It has none."
    assert objection["message"]["text"] == "models (aws:s3/bucket:Bucket): It has none. To mend it: set protect."
    assert "suppressions" not in objection
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_a_finding_is_known_again_wherever_its_line_goes() -> None:
    def prints(*events: Event) -> list[str]:
        [run] = sarif(recorded(*events, REFUSED))["runs"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]

    twice = violation(KEPT.id, "It has none either.", title=KEPT.title)
    first = prints(OBJECTION, twice, EXEMPT)
    assert len(set(first)) == 3, "resources that are made in one line are told apart"
    assert prints(EXEMPT, twice, step(BUCKET, "project:///elsewhere.py#99"), OBJECTION) == first


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("project:///infra/x.py#7", Position("infra/x.py", 7)),
        ("project:///.venv/lib/x.py#7", Position("infra/a b.py", 12)),
        ("project:///lib/site-packages/x.py#7", Position("infra/a b.py", 12)),
        ("file:///elsewhere.py#7", Position("infra/a b.py", 12)),
        ("", Position("infra/a b.py", 12)),
    ],
)
def test_what_a_package_makes_is_where_the_program_asked_for_it(position: str, expected: Position) -> None:
    verdicts = Verdicts("dev", dry_run=True)
    for event in [*STEPS[:2], step(BUCKET, position, PART)]:
        verdicts.add(event)
    assert verdicts.position(BUCKET) == expected
    assert verdicts.position(STACK) is None


def test_junit_has_a_case_for_each_rule() -> None:
    document = JUnitXml.fromstring(junit_text(recorded(OBJECTION, EXEMPT, ADVICE, UNDECIDED, REFUSED), KNOWN))
    assert (document.tests, document.failures, document.errors, document.skipped) == (5, 1, 0, 3)
    suites = {suite.name: [(case.classname, case.name) for case in suite] for suite in document}
    assert suites == {
        "trainyard": [("trainyard", "everything is judged")],
        "trainyard: aws storage": [
            ("trainyard.aws.storage", KEPT.id),
            ("trainyard.aws.storage", "aws-bucket-together"),
        ],
        "trainyard: cost ceilings": [("trainyard.cost.ceilings", "cost-within")],
        "trainyard: rules": [("trainyard.rules", "other")],
    }


def test_junit_fails_for_what_is_mandatory_and_tells_the_rest() -> None:
    found = cases(recorded(OBJECTION, EXEMPT, ADVICE, UNDECIDED, REFUSED))
    [failure] = found[KEPT.id].result
    assert isinstance(failure, Failure)
    assert failure.message == f"1 violated, 1 exempt: {KEPT.title}"
    assert failure.text == f"[violated] {BUCKET}: It has none. To mend it: set protect."
    assert found[KEPT.id].system_out == f"[exempt until 2027-06-30 (They are small.)] {OTHER}: It has none."
    for rule, kind, said in (
        ("aws-bucket-together", "advisory", "1 advisory: Buckets have a policy. other one: Nothing is beside it."),
        ("cost-within", "undecided", "1 undecided: cost-within It cannot be decided before the update knows x"),
        ("other", "disabled", "disabled"),
    ):
        [skipped] = found[rule].result
        assert isinstance(skipped, Skipped)
        assert skipped.type == kind
        assert skipped.message.replace(fake_rules.WITHIN.title, rule).startswith(said)
    assert found["everything is judged"].is_passed


def test_what_is_exempt_passes_and_says_so() -> None:
    found = cases(recorded(EXEMPT, Finished("succeeded", {}, 1.0)))
    assert found[KEPT.id].is_passed
    assert "They are small." in str(found[KEPT.id].system_out)
    assert found["cost-within"].is_passed


BROKEN: Mapping[str, list[Event]] = {
    "the program failed": [Diagnostic(Severity.ERROR, "it says no"), Finished("failed", {}, 1.0, cause="program")],
    "a pack failed": [OBJECTION, PolicyPackFailed("trainyard", "0.1.0"), REFUSED],
    "a pack is configured wrongly": [Diagnostic(Severity.ERROR, "policy configuration: it says no"), REFUSED],
    "cancelled": [Finished("cancelled", {}, 1.0)],
    "broke off": [],
}


@pytest.mark.parametrize("events", BROKEN.values(), ids=BROKEN)
def test_what_was_not_judged_is_not_said_to_be_kept(events: list[Event]) -> None:
    verdicts = recorded(*events)
    found = cases(verdicts)
    [error] = found["everything is judged"].result
    assert isinstance(error, Error)
    [skipped] = found["cost-within"].result
    assert skipped.type == "not judged"
    [run] = sarif(verdicts)["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    said = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert said == str(error.text).split("\n")


def test_an_update_that_a_policy_stops_has_not_judged_everything() -> None:
    assert recorded(OBJECTION, REFUSED).problems() == []
    assert recorded(OBJECTION, REFUSED, dry_run=False).problems() == ["Not everything was judged: the update failed."]


def test_where_no_pack_was_loaded_the_documents_say_so() -> None:
    verdicts = Verdicts("dev", dry_run=True)
    verdicts.add(Diagnostic(Severity.ERROR, "there is no PulumiPolicy.yaml in it"))
    verdicts.add(REFUSED)
    assert not cases(verdicts)["everything is judged"].is_passed
    assert sarif(verdicts)["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_a_pack_that_tells_no_rules_has_those_that_it_objects_by() -> None:
    verdicts = Verdicts("dev", dry_run=True)
    verdicts.add(PolicyPackLoaded("theirs", "", 2))
    verdicts.add(PolicyViolation("theirs", "", "tagged", "Tags are missing.", "mandatory", "critical"))
    verdicts.add(PolicyViolation("theirs", "", "mended", "changed the inputs", "remediate", "", OTHER))
    verdicts.add(REFUSED)
    [run] = sarif(verdicts)["runs"]
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [("tagged", "error"), ("mended", "note")]
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "9.5"
    found = cases(verdicts)
    assert not found["tagged"].is_passed
    assert found["mended"].is_passed


def test_no_text_breaks_the_documents() -> None:
    hostile = violation(KEPT.id, HOSTILE, urn=OTHER, title="<&\x07")
    verdicts = recorded(hostile, PolicyViolation("p\x00", "\x01", "r<\x02", HOSTILE, "advisory"), REFUSED)
    readable = "\\x00\\x1b[31mred]]> <b>&\\ud800\\uffff\nü 漢\\x85" + "x" * 100_000
    [failure] = cases(verdicts)[KEPT.id].result
    assert failure.text == f"[violated] {OTHER}: {readable}"
    first, second = sarif(verdicts)["runs"]
    assert first["results"][0]["message"]["text"] == f"other one (aws:s3/bucket:Bucket): {readable}"
    assert second["tool"]["driver"]["name"] == "p\\x00"
