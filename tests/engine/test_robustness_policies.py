"""Policy packs that crash or hang: one clear error that names the pack, nothing is created, no process is left."""

import time
from pathlib import Path

import pytest

from engine.events import PolicyPackFailed, PolicyViolation, StepStarted
from tests.engine.policy_packs import policy_python, write_pack
from tests.engine.robustness import CLOUD, Outcome, Project, Running, make_project, says, step

PACK = """
import os, time
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def judge(args, report):
    if args.resource_type.startswith("pulumi-python:"):
        {judge}

PolicyPack("trouble", [
    ResourceValidationPolicy("judge", "Judges.", judge, enforcement_level=EnforcementLevel.{level}),
])
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", 'Thing("thing")\n')


def write(folder: Path, source: str, *, remediates: bool = True) -> Path:
    """A pack of its own program; where it does not remediate, nothing in a preview waits for it."""
    environment = Path(policy_python()).parent.parent
    pack = write_pack(folder, source)
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime:\n  name: python\n  options:\n    virtualenv: {environment}\nversion: 1.2.3\n"
        f"remediates: {str(remediates).lower()}\n"
    )
    return pack


def assert_nothing_created(project: Project, outcome: Outcome) -> None:
    assert outcome.finished.outcome == "failed"
    created = [
        event.urn for event in outcome.events if isinstance(event, StepStarted) and "python:dynamic" in event.urn
    ]
    assert created == []
    assert project.cloud == {}
    project.wait_until_quiet()
    assert not list((project.folder / ".pulumi").rglob("locks/**/*.json"))


def test_a_pack_that_crashes_at_its_start(project: Project, tmp_path: Path) -> None:
    pack = write(tmp_path / "pack", 'raise RuntimeError("the pack is broken")')
    for dry_run in (True, False):
        outcome = project.run(policy_packs=[pack], dry_run=dry_run)
        assert_nothing_created(project, outcome)
        assert outcome.finished.cause == "policy"
        assert outcome.errors.startswith(f"policy pack {pack}: ended with exit status 1 before it was ready")
        assert "the pack is broken" in outcome.errors


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        ("os._exit(9)", "ended with exit status 9 while analyzing"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL while analyzing"),
        ('raise ValueError("the policy is wrong")', "the policy is wrong"),
    ],
)
def test_a_pack_that_fails_while_it_judges(project: Project, tmp_path: Path, judge: str, words: str) -> None:
    pack = write(tmp_path / "pack", PACK.format(judge=judge, level="MANDATORY"))
    outcome = project.run(policy_packs=[pack])
    assert_nothing_created(project, outcome)
    assert outcome.finished.cause == "policy"
    assert "policy pack trouble: " in outcome.errors
    assert words in outcome.errors
    assert "::thing" in outcome.errors
    assert PolicyPackFailed("trouble", "1.2.3") in outcome.events


def test_a_mandatory_violation_stops_before_the_resource(project: Project, tmp_path: Path) -> None:
    pack = write(tmp_path / "pack", PACK.format(judge='report("Not this one.")', level="MANDATORY"))
    outcome = project.run(policy_packs=[pack])
    assert_nothing_created(project, outcome)
    assert outcome.finished.cause == "policy"


MENDING = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def mend(args):
    return {**args.props, "value": "mended"} if args.props.get("value") == "1" else None

PolicyPack("mending", [
    ResourceValidationPolicy("mend", "Mends.", remediate=mend, enforcement_level=EnforcementLevel.REMEDIATE),
])
"""
NOTHING_UNMENDED = PACK.format(judge='if args.props["value"] == "1": report("Not this one.")', level="MANDATORY")


def test_what_a_pack_mends_is_what_another_judges_and_what_is_made_anew(project: Project, tmp_path: Path) -> None:
    packs = [write(tmp_path / "judging", NOTHING_UNMENDED, remediates=False), write(tmp_path / "mending", MENDING)]
    for key in ("1", "2"):
        project.write(CLOUD + f'Thing("thing", key="{key}")\n')
        outcome = project.run(policy_packs=packs)
        assert outcome.finished.outcome == "succeeded", outcome.errors
        assert [held["value"] for held in project.cloud.values()] == ["mended"]


def test_a_pack_that_hangs_while_it_starts_can_be_stopped(project: Project, tmp_path: Path) -> None:
    pack = write(tmp_path / "pack", "import time\ntime.sleep(600)\n")
    with Running(project, policy_packs=[pack]) as running:
        deadline = time.monotonic() + 30
        while not any("pulumi.policy" in each.cmdline() for each in project.processes()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.interrupt()
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    assert project.cloud == {}
    project.wait_until_quiet()
    assert not list((project.folder / ".pulumi").rglob("locks/**/*.json"))


def test_a_pack_that_hangs_while_it_judges_can_be_stopped(project: Project, tmp_path: Path) -> None:
    source = PACK.format(judge='print("here", flush=True); time.sleep(600)', level="MANDATORY")
    with Running(project, policy_packs=[write(tmp_path / "pack", source)]) as running:
        assert running.wait_for(says("here"))
        running.interrupt()
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    assert project.cloud == {}
    project.wait_until_quiet()


def test_a_pack_that_crashes_at_its_start_fails_a_preview_that_does_not_wait_for_it(
    project: Project, tmp_path: Path
) -> None:
    pack = write(tmp_path / "pack", 'raise RuntimeError("the pack is broken")', remediates=False)
    outcome = project.preview(policy_packs=[pack])
    assert (outcome.finished.outcome, outcome.finished.cause) == ("failed", "policy")
    assert outcome.errors.startswith(f"policy pack {pack}: ended with exit status 1 before it was ready")
    assert outcome.errors.count("ended with exit status 1") == 1
    project.wait_until_quiet()


@pytest.mark.parametrize("remediates", [True, False])
@pytest.mark.parametrize(
    ("judge", "words"),
    [
        ("os._exit(9)", "ended with exit status 9 while analyzing"),
        ('raise ValueError("the policy is wrong")', "the policy is wrong"),
    ],
)
def test_a_pack_that_fails_while_it_judges_a_preview(
    project: Project, tmp_path: Path, judge: str, words: str, remediates: bool
) -> None:
    pack = write(tmp_path / "pack", PACK.format(judge=judge, level="ADVISORY"), remediates=remediates)
    outcome = project.preview(policy_packs=[pack])
    assert (outcome.finished.outcome, outcome.finished.cause) == ("failed", "policy")
    assert outcome.errors.count(words) == 1
    assert "::thing" in outcome.errors
    assert outcome.events.count(PolicyPackFailed("trouble", "1.2.3")) == 1
    project.wait_until_quiet()


def test_a_preview_whose_program_fails_tells_of_violations_too(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", 'Thing("thing")\nraise ValueError("the program is wrong")\n')
    pack = write(tmp_path / "pack", PACK.format(judge='report("Not this.")', level="MANDATORY"), remediates=False)
    outcome = project.preview(policy_packs=[pack])
    assert (outcome.finished.outcome, outcome.finished.cause) == ("failed", "policy")
    assert "the program is wrong" in outcome.errors
    assert [event.urn.rpartition("::")[2] for event in outcome.events if isinstance(event, PolicyViolation)] == [
        "thing"
    ]


@pytest.mark.parametrize(
    "source", ["import time\ntime.sleep(600)\n", PACK.format(judge="time.sleep(600)", level="ADVISORY")]
)
def test_a_preview_that_waits_for_a_pack_that_hangs_can_be_stopped(
    project: Project, tmp_path: Path, source: str
) -> None:
    pack = write(tmp_path / "pack", source, remediates=False)
    with Running(project, dry_run=True, policy_packs=[pack]) as running:
        assert running.wait_for(step("create", "thing"))
        running.interrupt()
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    project.wait_until_quiet()


def test_a_preview_that_is_killed_leaves_no_pack(project: Project, tmp_path: Path) -> None:
    pack = write(tmp_path / "pack", PACK.format(judge="time.sleep(600)", level="ADVISORY"), remediates=False)
    with Running(project, dry_run=True, policy_packs=[pack]) as running:
        assert running.wait_for(step("create", "thing"))
        running.kill("host")
        running.finish()
    project.wait_until_quiet()
