"""kill -9 at any moment: the record holds together, the next run repairs, and there is exactly one of everything."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.engine.robustness import Project, Running, make_project

PROGRAM = """
settings = json.loads(Path("settings.json").read_text())
provider = {"Findable": Findable, "Blind": Blind}[settings["provider"]]()
first = FindableDeletedFirst() if settings["provider"] == "Findable" else provider
now = settings["generation"]
pause = 0.03

kept = Thing("kept", provider, pause=pause)
updated = Thing("updated", provider, value=str(now), pause=pause)
replaced = Thing("replaced", provider, key=str(now), pause=pause, depends_on=[updated])
child = Thing("child", provider, value=str(now), pause=pause, parent=replaced)
swapped = Thing("swapped", first, key=str(now), pause=pause, delete_before_replace=True)
behind = Thing("behind", provider, value=str(now), pause=pause, depends_on=[swapped])
if now == 1:
    Thing("dropped", provider, pause=pause, depends_on=[kept])
else:
    Thing("added", provider, pause=pause, depends_on=[replaced])
"""

THINGS = {
    1: [
        ("kept", "1", "1"),
        ("updated", "1", "1"),
        ("replaced", "1", "1"),
        ("child", "1", "1"),
        ("swapped", "1", "1"),
        ("behind", "1", "1"),
        ("dropped", "1", "1"),
    ],
    2: [
        ("kept", "1", "1"),
        ("updated", "1", "2"),
        ("replaced", "2", "1"),
        ("child", "1", "2"),
        ("swapped", "2", "1"),
        ("behind", "1", "2"),
        ("added", "1", "1"),
    ],
}

# Where the run is when somebody dies: after so many events of it, and somewhat later.
_CHOICE = random.Random(20_240_607)
_STAGES = (("Findable", "create"), ("Findable", "change"), ("Blind", "change"), ("Findable", "destroy"))
MOMENTS = [
    (victim, provider, stage, _CHOICE.randrange(4, 24), round(_CHOICE.uniform(0.0, 0.12), 3))
    for victim in ("parent", "host", "provider")
    for provider, stage in _STAGES
]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A deployed project of each kind, to be copied."""
    projects = {}
    for provider in ("Findable", "Blind"):
        project = make_project(tmp_path_factory.mktemp("deployed") / provider, PROGRAM)
        project.set(provider=provider, generation=1)
        assert project.run().finished.outcome == "succeeded"
        project.assert_settled(THINGS[1])
        projects[provider] = project
    return projects


@pytest.mark.parametrize(("victim", "provider", "stage", "events", "delay"), MOMENTS)
def test_whoever_is_killed_the_next_run_ends_with_one_of_everything(
    victim: str, provider: str, stage: str, events: int, delay: float, deployed: dict[str, Project], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    if stage == "create":
        project = make_project(folder, PROGRAM)
        project.set(provider=provider, generation=2)
    else:
        shutil.copytree(deployed[provider].folder, folder)
        project = Project(folder)
        project.set(generation=2)
    action = "destroy" if stage == "destroy" else "update"

    seen = iter(range(events))
    with Running(project, action) as running:
        running.wait_for(lambda _: next(seen, None) is None)
        time.sleep(delay)
        running.kill(victim)
        if victim != "parent":
            running.finish()
    project.wait_until_quiet()
    interrupted = project.deployment.get("pending_operations") or []

    again = project.run(action)
    assert again.finished.outcome == "succeeded", again.messages()
    for operation in interrupted:
        urn = operation["resource"]["urn"]
        assert f"the last run was interrupted while {operation['type']} {urn}" in again.messages("warning")
    if action == "destroy":
        assert project.cloud == {}
        assert not project.deployment.get("resources")
        assert not project.deployment.get("pending_operations")
    else:
        project.assert_settled(THINGS[2])


def test_a_dead_owners_lock_is_taken_over_with_a_message(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", 'Thing("slow", pause=1.0)')
    with Running(project) as running:
        running.wait_until_pending("slow")
        running.kill("host")
        outcome = running.finish()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "program"
    assert "ended by SIGKILL before it was done" in outcome.errors
    assert "run the command again to repair and go on" in outcome.errors
    [lock] = (project.folder / ".pulumi" / "locks").rglob("*.json")
    project.wait_until_quiet()

    again = project.run()
    assert again.finished.outcome == "succeeded"
    assert "took over the lock of" in again.messages("warning")
    assert "which is no longer running" in again.messages("warning")
    assert not lock.exists()
    project.assert_settled([("slow", "1", "1")])


def test_a_preview_after_a_kill_says_what_the_next_update_will_find_and_writes_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", 'Thing("slow", pause=1.0)')
    with Running(project) as running:
        running.wait_until_pending("slow")
        running.kill("host")
        running.finish()
    project.wait_until_quiet()
    before = project.state_text
    previewed = project.preview()
    assert previewed.finished.outcome == "succeeded"
    assert "the last run was interrupted while creating" in previewed.messages("warning")
    assert project.state_text == before


def test_an_update_that_was_cut_off_is_done_again_even_if_the_program_takes_it_back(tmp_path: Path) -> None:
    program = 'Thing("thing", value=json.loads(Path("settings.json").read_text())["value"], pause=0.4)'
    project = make_project(tmp_path / "project", program)
    project.set(value="old")
    assert project.run().finished.outcome == "succeeded"
    project.set(value="new")
    with Running(project) as running:
        running.wait_until_pending("thing")
        while project.things != [("thing", "1", "new")]:
            time.sleep(0.01)
        running.kill("host")
        running.finish()
    project.wait_until_quiet()
    project.set(value="old")
    again = project.run()
    assert again.finished.changes == {"same": 1, "update": 1}
    project.assert_settled([("thing", "1", "old")])
    assert project.preview().finished.changes == {"same": 2}


def test_a_replacement_that_was_cut_off_is_taken_over_and_the_old_one_deleted(tmp_path: Path) -> None:
    program = """
        key = json.loads(Path("settings.json").read_text())["key"]
        Thing("behind", pause=0.0, depends_on=[Thing("thing", key=key, pause=1.0)])
        """
    project = make_project(tmp_path / "project", program)
    project.set(key="old")
    assert project.run().finished.outcome == "succeeded"
    project.set(key="new")
    with Running(project) as running:
        running.wait_until_pending("thing")
        while len(project.things) != 3:
            time.sleep(0.01)
        running.kill("host")
        running.finish()
    project.wait_until_quiet()
    again = project.run()
    assert "and is taken over, and" in again.messages("warning")
    assert again.finished.changes.get("create", 0) == 0
    project.assert_settled([("behind", "1", "1"), ("thing", "new", "1")])


def test_a_run_right_after_a_kill_waits_for_the_steps_that_still_run(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", 'Thing("slow", pause=1.0)')
    with Running(project) as running:
        running.wait_until_pending("slow")
        running.kill("parent")
        again = project.run()
    assert again.finished.outcome == "succeeded", again.messages()
    assert "waiting for the steps of the killed run" in again.messages("info")
    project.assert_settled([("slow", "1", "1")])
