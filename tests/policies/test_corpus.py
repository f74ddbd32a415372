"""Small programs through the real pack: each insecure one is caught for its one fault, no sound one is objected to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.analyzers import PolicyPack
from tests.engine.policy_packs import ROOT, start_pack
from tests.policies.programs import CORPUS, run_program

INSECURE = sorted((CORPUS / "insecure").glob("*.py"))
SECURE = sorted((CORPUS / "secure").glob("*.py"))
CAUGHT_BY = re.compile(r"^Caught by: ([a-z0-9-]+)$", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("policy corpus")


@pytest.fixture(scope="module")
def pack() -> Iterator[PolicyPack]:
    with start_pack(ROOT / "policies", stack="corpus") as started:
        yield started


def verdicts(pack: PolicyPack, program: Path, *, preview: bool) -> tuple[set[str], set[str], set[str]]:
    """The rules that the pack finds violated at level mandatory, violated at level advisory, and undecided."""
    mandatory: set[str] = set()
    advisory: set[str] = set()
    undecided: set[str] = set()
    registered = run_program(program, preview=preview)
    found = [violation for each in registered for violation in pack.analyze(each.judged_alone())]
    found += pack.analyze_stack([each.judged_in_stack() for each in registered])
    for each in found:
        if "cannot be decided before the update" in each.message:
            undecided.add(each.policy)
        else:
            (mandatory if each.level == "mandatory" else advisory).add(each.policy)
    return mandatory, advisory, undecided


def test_the_corpus_is_large_enough() -> None:
    assert len(INSECURE) >= 60
    assert len(SECURE) >= 20


@pytest.mark.parametrize("program", INSECURE, ids=lambda path: path.stem)
def test_an_insecure_program_is_caught_for_its_fault(pack: PolicyPack, program: Path) -> None:
    (rule,) = CAUGHT_BY.findall(program.read_text())
    mandatory, advisory, undecided = verdicts(pack, program, preview=True)
    if rule in undecided:
        mandatory, advisory, undecided = verdicts(pack, program, preview=False)
    assert rule in mandatory | advisory
    assert mandatory <= {rule}


@pytest.mark.parametrize("program", SECURE, ids=lambda path: path.stem)
def test_a_sound_program_raises_no_alarm(pack: PolicyPack, program: Path) -> None:
    for preview in (True, False):
        mandatory, advisory, _ = verdicts(pack, program, preview=preview)
        assert mandatory | advisory == set()
