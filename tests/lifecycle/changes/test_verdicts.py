"""Which verdicts are new, fixed or remain, and which rules have become weaker."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.changes.compose import ABSENT, Side, stack_change
from lifecycle.changes.plan import Plan
from lifecycle.changes.verdicts import JudgedRule, Judgement, Kind, Verdict, rule_changes, verdict_changes
from planning.prices.book import load_book

URN = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::models"
VERDICTS = st.lists(
    st.builds(
        Verdict,
        rule=st.sampled_from(["a", "b"]),
        kind=st.sampled_from(["violated", "exempt"]),
        urn=st.sampled_from([URN, ""]),
        text=st.sampled_from(["x", "y", "z"]),
    ),
    max_size=8,
)


def judgement(*found: tuple[Kind, str], level: str = "mandatory") -> Judgement:
    rules = {"kept": JudgedRule(title="Buckets are kept.", level=level, severity="high")}
    return Judgement(
        verdicts=[Verdict(rule="kept", kind=kind, urn=URN, text=text) for kind, text in found], rules=rules
    )


def told(before: Judgement, after: Judgement) -> list[tuple[str, str, str]]:
    return [(each.status, each.kind, each.text) for each in verdict_changes(before, after)]


def test_an_exemption_of_what_was_a_violation_is_told() -> None:
    assert told(judgement(("violated", "x")), judgement(("exempt", "x"))) == [
        ("new", "exempt", "x"),
        ("fixed", "violated", "x"),
    ]


def test_where_the_base_cannot_be_previewed_all_verdicts_of_the_head_are_new() -> None:
    broken = Side(plan=Plan(resources={}, problem="It fails.", cause="program"), judgement=Judgement())
    head = Side(plan=ABSENT.plan, judgement=judgement(("violated", "x")))
    found = stack_change("dev", broken, head, load_book())
    assert [(each.status, each.kind) for each in found.verdicts] == [("new", "violated")]
    assert (found.resources, found.cost, found.base_problem) == ((), None, "It fails.")
    assert stack_change("dev", head, broken, load_book()).verdicts == ()


def test_a_verdict_in_other_words_is_the_same() -> None:
    assert told(judgement(("violated", "x")), judgement(("violated", "y"))) == [("remaining", "violated", "y")]
    found = told(judgement(("violated", "x")), judgement(("violated", "y"), ("violated", "x")))
    assert found == [("new", "violated", "y"), ("remaining", "violated", "x")]


@given(VERDICTS, VERDICTS)
def test_verdicts_add_up(before: list[Verdict], after: list[Verdict]) -> None:
    found = verdict_changes(Judgement(verdicts=before), Judgement(verdicts=after))
    counts = Counter(each.status for each in found)
    assert counts["new"] + counts["remaining"] == len(after)
    assert counts["fixed"] + counts["remaining"] == len(before)
    statuses = [each.status for each in found]
    assert statuses == sorted(statuses, key=["new", "fixed", "remaining"].index)
    again = verdict_changes(Judgement(verdicts=after), Judgement(verdicts=after))
    assert {each.status for each in again} <= {"remaining"}


def test_a_rule_that_is_enforced_less_is_weaker() -> None:
    levels = {"mandatory": "advisory", "advisory": "mandatory", "disabled": "advisory"}
    weaker = {}
    for before, after in levels.items():
        [found] = rule_changes(judgement(level=before), judgement(level=after))
        weaker[before, after] = found.is_weaker
    assert weaker == {
        ("mandatory", "advisory"): True,
        ("advisory", "mandatory"): False,
        ("disabled", "advisory"): False,
    }
    [gone] = rule_changes(judgement(), Judgement())
    assert (gone.before, gone.after, gone.is_weaker) == ("mandatory", "", True)
    assert rule_changes(judgement(), judgement()) == ()
