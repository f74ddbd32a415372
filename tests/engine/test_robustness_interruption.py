"""Ctrl-C and SIGTERM: what runs is finished, nothing else is begun, and the next run goes on from there."""

import os
import signal
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from engine.events import Diagnostic, Event
from tests.engine.robustness import CLOUD, Project, Running, make_project, says, step

PROGRAM = """
first = Thing("first", pause=0.5)
second = Thing("second", depends_on=[first])
"""
BOTH = [("first", "1", "1"), ("second", "1", "1")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", PROGRAM)


def stopping(event: Event) -> bool:
    return isinstance(event, Diagnostic) and event.message.startswith("stopping: running steps are finished first")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_running_steps_finish_and_begins_no_other(
    project: Project, number: signal.Signals
) -> None:
    with Running(project) as running:
        running.wait_until_pending("first")
        running.interrupt(number)
        outcome = running.finish()
        assert running.process.returncode == 1
    assert any(map(stopping, outcome.events))
    assert outcome.finished.outcome == "cancelled"
    assert outcome.errors == ""
    project.assert_settled(BOTH[:1])
    assert project.backend.read_history("dev")[0]["result"] == "failed"

    again = project.run()
    assert again.finished.outcome == "succeeded"
    assert again.messages("warning") == ""
    project.assert_settled(BOTH)


def test_the_second_signal_ends_at_once_and_the_next_run_repairs(project: Project) -> None:
    with Running(project) as running:
        running.wait_until_pending("first")
        running.interrupt()
        assert running.wait_for(stopping)
        running.interrupt()
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    assert "stopped at once; what had been done is on record; what was running" in outcome.messages("warning")
    # From the first event on; the create alone has been running for a while.
    assert outcome.finished.seconds > 0
    project.wait_until_quiet()
    assert [each["type"] for each in project.deployment["pending_operations"]] == ["creating"]
    assert project.run().finished.outcome == "succeeded"
    project.assert_settled(BOTH)


def test_sigterm_to_the_owner_of_the_lock_stops_like_ctrl_c(project: Project) -> None:
    with Running(project) as running:
        running.wait_until_pending("first")
        [host] = [each for each in psutil.Process(running.process.pid).children() if "engine.host" in each.cmdline()]
        os.kill(host.pid, signal.SIGTERM)
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    project.assert_settled(BOTH[:1])


def test_deletions_stop_as_well(project: Project) -> None:
    project.write(CLOUD + 'first = Thing("first", pause=1.0)\nThing("second", pause=1.0, depends_on=[first])\n')
    assert project.run().finished.outcome == "succeeded"
    with Running(project, "destroy") as running:
        running.wait_until_pending("second")
        running.interrupt()
        assert running.finish().finished.outcome == "cancelled"
    project.assert_settled(BOTH[:1])
    assert project.run("destroy").finished.outcome == "succeeded"
    project.assert_settled([])


WAYS_TO_GO_ON = {
    "sleeps": "time.sleep(600)",
    "waits for what never comes": 'import asyncio\npulumi.export("never", pulumi.Output.from_input(asyncio.Future()))',
    "loops": "while True: pass",
    "ignores the interruption": """
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
        """,
}


@pytest.mark.parametrize("way", WAYS_TO_GO_ON)
def test_a_program_that_goes_on_forever_is_stopped(project: Project, way: str) -> None:
    # The SDK's tasks run only while the program lets them: the first update deploys, the second one hangs.
    project.write(CLOUD + 'Thing("first")\nprint("here", flush=True)\n')
    assert project.run().finished.outcome == "succeeded"
    with (project.folder / "__main__.py").open("a") as program:
        program.write(textwrap.dedent(WAYS_TO_GO_ON[way]))
    with Running(project) as running:
        assert running.wait_for(says("here"))
        time.sleep(0.2)
        running.interrupt()
        outcome = running.finish()
    assert outcome.finished.outcome == "cancelled"
    project.assert_settled(BOTH[:1])


def test_an_orphan_that_does_not_end_is_ended(project: Project) -> None:
    project.write(
        CLOUD + 'print("here", flush=True)\nimport atexit\natexit.register(time.sleep, 600)\ntime.sleep(600)\n'
    )
    with Running(project) as running:
        assert running.wait_for(says("here"))
        running.kill("parent")
    project.wait_until_quiet()


def test_a_display_that_fails_stops_the_run_and_is_heard_of(project: Project) -> None:
    shown: list[Event] = []

    def show(event: Event) -> None:
        shown.append(event)
        if step("create", "first")(event):
            raise BrokenPipeError("nobody reads this")

    from engine.session import run

    with project.environment(), pytest.raises(BrokenPipeError, match="nobody reads this"):
        run(project.request(), show)
    assert step("create", "first")(shown[-1])
    # The step was announced; the request to stop may reach the engine before it begins or after. Nothing else does.
    assert project.things in ([], BOTH[:1])
    project.assert_settled(project.things)
