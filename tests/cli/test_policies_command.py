"""`yard policies`: the list of rules, one rule in full, what stacks set, and what it refuses."""

import json
import os
from pathlib import Path

import pytest

from cli import policies as command
from cli.application import run
from cli.exit_status import ExitStatus
from cli.policies_examples import examples
from cli.policies_markdown import rules_markdown, text
from cli.policies_rules import Listing, choose, document
from cli.policies_table import print_rule, print_rules
from policies import configuration
from policies.catalogue import RULES
from policies.local.storage import bucket_customer_managed_key
from tests.cli import fake_rules
from tests.cli.yard import ROOT, yard

GOLDEN = Path(__file__).parent / "golden"
FAKE = Listing(fake_rules.RULES, fake_rules.SETTINGS)
KEY_RULE = bucket_customer_managed_key.id


def same_as(golden: Path, said: str) -> None:
    """`TRAINYARD_WRITE_GOLDEN=1` writes the file anew."""
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(said)
    assert said == golden.read_text()


def test_every_rule_is_listed_and_named_once() -> None:
    listed = yard("policies")
    assert (listed.code, listed.err) == (ExitStatus.SUCCESS, "")
    lines = [line.split() for line in listed.out.splitlines() if line.startswith("   ")]
    assert sorted(words[0] for words in lines if words) == sorted(rule.id for rule in RULES)
    assert listed.out.endswith(f"{len(RULES)} rules\n")


def test_json_tells_all_of_a_rule() -> None:
    rules = json.loads(yard("policies", "--json").out)["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    [key] = [rule for rule in rules if rule["id"] == KEY_RULE]
    assert set(key) == {
        *("id", "title", "topic", "area", "severity", "level", "kind"),
        *("types", "frameworks", "wrong", "mend", "parameters"),
    }
    assert (key["area"], key["types"]) == ("local storage", ["pulumi-python:dynamic/local:Bucket"])


def test_the_table_reads_as_the_golden_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_rules(FAKE)
    said = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    same_as(GOLDEN / "policies.txt", said)


def test_a_rule_with_parameters_and_exemptions_reads_as_the_golden_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_rule(fake_rules.KEPT, FAKE, {})
    print_rule(fake_rules.WITHIN, FAKE, {})
    same_as(GOLDEN / "policies_rules.txt", capsys.readouterr().out)


def test_the_page_reads_as_the_golden_file() -> None:
    same_as(GOLDEN / "policies.md", rules_markdown(FAKE, "yard policies --markdown -s dev -s prod"))


def test_text_is_no_markup_but_for_code() -> None:
    assert text("`a|*b*` | <c> *d*\n[e] _f_ g_h #1") == r"`a|*b*` \| \<c> \*d\* \[e\] \_f\_ g_h \#1"


def test_one_rule_is_shown_with_what_it_lets_pass_and_objects_to() -> None:
    shown = yard("policies", KEY_RULE)
    assert shown.code == ExitStatus.SUCCESS
    assert shown.out.startswith(f"{KEY_RULE}: {bucket_customer_managed_key.title}\n")
    passes, _, fails = shown.out.partition("It lets pass:")[2].partition("It objects to:")
    assert "key_arn: arn:aws:kms:" in passes
    assert "key_arn" not in fails
    assert fails.endswith("\n  The bucket has no KMS key.\n")
    told = json.loads(yard("policies", KEY_RULE, "--json").out)
    assert told["examples"]["says"] == ["The bucket has no KMS key."]
    assert told["examples"]["failing"][0]["type"] == "pulumi-python:dynamic/local:Bucket"


def test_every_example_can_be_written_and_is_objected_to() -> None:
    for rule in RULES:
        shown = examples(rule)
        assert json.loads(json.dumps(shown)) == shown
        assert bool(shown) == bool(shown.get("says")), rule.id


def test_what_stacks_set_is_in_the_json() -> None:
    told = document(fake_rules.KEPT, FAKE)["stacks"]
    exemption = {"resource": "logs-*", "reason": "They are | small.", "expires": "2027-06-30"}
    assert told["dev"] == {"level": "advisory", "parameters": {}, "exemptions": [exemption]}
    assert told["prod"] == {"level": "mandatory", "parameters": {}, "exemptions": []}
    assert document(fake_rules.WITHIN, FAKE)["stacks"]["dev"]["parameters"]["maximum_usd"] == 12.5


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"severities": ["high", "low"]}, ["aws-bucket-kept", "aws-bucket-together"]),
        ({"topics": ["cost"]}, ["cost-within"]),
        ({"types": ["s3/bucketpolicy"]}, ["cost-within", "aws-bucket-together"]),
        ({"frameworks": ["cis aws"]}, ["aws-bucket-kept"]),
        ({"frameworks": ["CKV_AWS_21"], "severities": ["low"]}, []),
        ({}, ["cost-within", "aws-bucket-kept", "aws-bucket-together"]),
    ],
)
def test_rules_are_chosen_by_what_they_say(asked: dict[str, list[str]], found: list[str]) -> None:
    assert [rule.id for rule in choose(fake_rules.RULES, **asked)] == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["local-bucket-customer-managed"],
            f"there is no rule 'local-bucket-customer-managed'; did you mean {KEY_RULE}",
        ),
        (["qqqq"], "there is no rule 'qqqq'; `yard policies` lists them"),
        (["--severity", "hihg"], "--severity is 'hihg'; valid are critical, high, medium, low"),
        (["--topic", "safety"], "--topic is 'safety'; valid are security, cost"),
        (["--json", "--markdown"], "--json and --markdown exclude each other"),
        (["--coverage", KEY_RULE], "--coverage shows all rules: name none with it"),
        (["--plan", "x.json"], "--plan belongs to --coverage"),
        (["--coverage", "--plan", "x.json", "-s", "dev"], "--plan and --stack exclude each other"),
        (["--coverage", "--plan", "x.json"], "--plan is 'x.json': it cannot be read"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policies", *arguments], None) == ExitStatus.CONFIGURATION
    assert capsys.readouterr().err.startswith(f"yard: {message}")


def test_a_wrong_configuration_is_refused_with_its_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(configuration, "FOLDER", tmp_path)
    (tmp_path / "shop.json").write_text(json.dumps({KEY_RULE: "mandatroy", "nonsense": "advisory"}))
    assert run(["policies", "-s", "shop"], None) == ExitStatus.CONFIGURATION
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{KEY_RULE}: 'mandatroy' is not a level; valid are advisory, mandatory, disabled" in said.err
    assert "'nonsense' is not a rule of this pack" in said.err
    (tmp_path / "shop.json").write_text(json.dumps({KEY_RULE: "advisory"}))
    assert run(["policies", KEY_RULE, "-s", "shop"], None) == ExitStatus.SUCCESS
    said = capsys.readouterr()
    assert "level       shop: advisory\n" in said.out
    assert said.err == ""
    assert run(["policies", KEY_RULE, "-s", "other"], None) == ExitStatus.SUCCESS
    assert capsys.readouterr().err == "other has no policies/stacks/other.json: its rules are as the pack has them\n"


def test_the_page_says_what_wrote_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["yard.py", "policies", "--markdown", "--framework", "CIS EKS"])
    command._show_rules(Listing([bucket_customer_managed_key]), json=False, markdown=True)
    assert "1 rule, as `yard policies --markdown --framework 'CIS EKS'` lists them.\n" in capsys.readouterr().out


def test_the_page_of_all_rules_is_the_one_in_the_documentation() -> None:
    same_as(ROOT / "docs" / "policy-rules.md", rules_markdown(Listing(RULES), "yard policies --markdown"))


def test_a_stack_whose_name_no_file_can_have_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policies", "-s", "a" * 300], None) == ExitStatus.CONFIGURATION
    assert capsys.readouterr().err.endswith(
        "File name too long: " + repr(str(configuration.stack_file("a" * 300))) + "\n"
    )
