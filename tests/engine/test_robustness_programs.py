"""Programs that fail, hang or flood: the user is told in the program's own terms, and what was done is on record."""

import textwrap
from pathlib import Path

import pytest

from engine import session
from engine.events import Diagnostic, StepStarted
from tests.engine.robustness import CLOUD, Project, Running, make_project, says

THING = [("thing", "1", "1")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "")


def write(project: Project, program: str) -> None:
    project.write(CLOUD + textwrap.dedent(program))


def test_a_program_that_raises_is_shown_from_its_own_first_line(project: Project) -> None:
    write(project, 'Thing("thing")\ndef inner():\n    raise ValueError("no such luck")\ninner()\n')
    outcome = project.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "program"
    lines = outcome.errors.splitlines()
    assert lines[:2] == ["the program failed with an unhandled exception:", "Traceback (most recent call last):"]
    assert f'File "{project.folder}/__main__.py"' in lines[2]
    assert "in <module>" in lines[2]
    assert lines[-1] == "ValueError: no such luck"
    assert "engine/program.py" not in outcome.messages()
    # What it had registered until then is deployed, as Pulumi does, and nothing is deleted.
    project.assert_settled(THING)
    write(project, 'raise ValueError("at once")')
    assert project.run().finished.cause == "program"
    project.assert_settled(THING)


def test_an_exception_in_an_apply_is_shown(project: Project) -> None:
    write(project, 'Thing("thing").id.apply(lambda id: 1 / 0)\n')
    outcome = project.run()
    assert outcome.finished.cause == "program"
    assert "ZeroDivisionError: division by zero" in outcome.errors
    assert "engine/program.py" not in outcome.errors
    project.assert_settled(THING)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('raise pulumi.RunError("the quota is used up")', "the quota is used up"),
        ("import sys\nsys.exit(3)", "the program ended with exit status 3"),
        ('import sys\nsys.exit("cannot go on")', "cannot go on"),
    ],
)
def test_a_program_that_ends_itself_is_told_without_a_traceback(project: Project, program: str, expected: str) -> None:
    write(project, f'Thing("thing")\n{program}\n')
    outcome = project.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "program"
    assert outcome.errors == expected
    project.assert_settled(THING)


def test_a_program_that_refuses_its_settings_before_it_registers_anything_is_a_matter_of_configuration(
    project: Project,
) -> None:
    write(project, 'raise pulumi.RunError("the region is unknown")\n')
    outcome = project.run()
    assert outcome.finished.cause == "configuration"
    assert outcome.errors == "the region is unknown"


def test_a_program_that_exits_with_success_has_succeeded(project: Project) -> None:
    write(project, 'Thing("thing")\nimport sys\nsys.exit(0)\n')
    assert project.run().finished.outcome == "succeeded"
    project.assert_settled(THING)


def test_a_program_that_ends_its_process_is_told_and_repaired(project: Project) -> None:
    write(
        project,
        'Thing("thing", pause=0.3).id.apply(lambda _: Thing("slow", pause=0.3))\n'
        "import threading\nthreading.Timer(1.2, lambda: os._exit(3)).start()\n",
    )
    outcome = project.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "program"
    assert "ended with exit status 3 before it was done" in outcome.errors
    project.wait_until_quiet()
    write(project, 'Thing("thing", pause=0.3)\nThing("slow", pause=0.3)\n')
    assert project.run().finished.outcome == "succeeded"
    project.assert_settled([("slow", "1", "1"), *THING])


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("def broken(:\n", ["__main__.py", "line 1", "SyntaxError: invalid syntax"]),
        ("import not_to_be_found\n", ["__main__.py", "ModuleNotFoundError: No module named 'not_to_be_found'"]),
        ("import helper\n", ["helper.py", "NameError"]),
    ],
)
def test_a_program_that_cannot_be_loaded_is_shown_by_file_and_line(
    project: Project, program: str, expected: list[str]
) -> None:
    (project.folder / "helper.py").write_text("undefined\n")
    project.write(program)
    for outcome in (project.run(), project.preview()):
        assert outcome.finished.cause == "program"
        for words in expected:
            assert words in outcome.errors
        assert "engine/" not in outcome.errors
        assert "runpy" not in outcome.errors
    assert project.cloud == {}


def test_a_project_without_a_program_is_refused(project: Project) -> None:
    (project.folder / "__main__.py").unlink()
    outcome = project.run()
    assert outcome.finished.cause == "configuration"
    assert outcome.errors == f"{project.folder} holds no program: there is no __main__.py"
    assert not (project.folder / ".pulumi").exists()


def test_a_program_that_prints_a_lot_is_heard_to_the_end(project: Project) -> None:
    write(
        project,
        """
        import sys
        for number in range(8_000):
            print(f"{number:06}" + "." * 60)
            print(f"{number:06}" + "!" * 60, file=sys.stderr)
        sys.stdout.write("x" * 1_000_000)
        Thing("thing")
        """,
    )
    outcome = project.run()
    assert outcome.finished.outcome == "succeeded"
    printed = [event.message for event in outcome.events if isinstance(event, Diagnostic)]
    assert [line for line in printed if line.endswith(".")] == [f"{number:06}" + "." * 60 for number in range(8_000)]
    assert [line for line in printed if line.endswith("!")] == [f"{number:06}" + "!" * 60 for number in range(8_000)]
    assert max(map(len, printed)) == 1_000_000
    project.assert_settled(THING)


@pytest.mark.parametrize(
    "way",
    [
        "import threading\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
        "import atexit\natexit.register(time.sleep, 600)\n",
        "import asyncio\nasyncio.get_event_loop().run_in_executor(None, time.sleep, 600)\n",
    ],
)
def test_a_program_that_hangs_at_exit_is_stopped_and_the_deployment_stands(
    project: Project, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "EXIT_SECONDS", 1.0)
    write(project, f'Thing("thing")\n{way}')
    outcome = project.run()
    assert outcome.finished.outcome == "succeeded"
    assert "did not exit" in outcome.messages("warning")
    assert outcome.errors == ""
    project.assert_settled(THING)


def test_unfinished_tasks_of_the_event_loop_are_left_behind(project: Project) -> None:
    write(project, 'import asyncio\nasyncio.ensure_future(asyncio.sleep(600))\nThing("thing")\n')
    outcome = project.run()
    assert outcome.finished.outcome == "succeeded"
    assert outcome.messages() == ""
    project.assert_settled(THING)


def test_a_process_that_the_program_leaves_with_its_output_open_does_not_hold_the_run(project: Project) -> None:
    write(project, 'import subprocess\nsubprocess.Popen(["sleep", "30"])\nThing("thing")\n')
    outcome = project.run()
    assert outcome.finished.outcome == "succeeded"
    # It is still there, and was not waited for.
    [left] = project.processes()
    left.kill()
    project.assert_settled(THING)


def test_a_program_reads_no_input(project: Project) -> None:
    write(project, 'Thing("thing")\ninput("name? ")\n')
    outcome = project.run()
    assert outcome.finished.cause == "program"
    assert "EOFError" in outcome.errors


def test_files_in_the_current_folder_take_no_modules_place(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "json.py").write_text("raise SystemExit('the wrong json')\n")
    monkeypatch.chdir(project.folder)
    write(project, "print('here', flush=True)")
    with Running(project) as running:
        assert running.wait_for(says("here"))


def test_one_that_fails_among_ten_leaves_the_nine_on_record(project: Project) -> None:
    write(
        project,
        """
        class Bad(Findable):
            def create(self, props):
                time.sleep(props["pause"])
                raise ValueError("no such luck")

        for number in range(9):
            Thing(f"thing-{number}", pause=0.1)
        Thing("bad", Bad(), pause=0.1)
        """,
    )
    outcome = project.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "resource"
    assert outcome.errors == "ValueError: no such luck"
    project.assert_settled([(f"thing-{number}", "1", "1") for number in range(9)])


def test_a_provider_process_that_dies_in_a_create_leaves_it_to_the_next_run(project: Project) -> None:
    write(
        project,
        """
        class Dying(Findable):
            def create(self, props):
                if not Path("died").exists():
                    Path("died").touch()
                    self.write("halfway", props)
                    print("last words", flush=True)
                    os._exit(9)
                return super().create(props)

        Thing("dying", Dying())
        """,
    )
    outcome = project.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "resource"
    assert outcome.errors == "the provider process ended in the middle of create; its output is above"
    assert "last words" in outcome.messages("info")
    [pending] = project.deployment["pending_operations"]
    assert pending["type"] == "creating"
    project.wait_until_quiet()

    again = project.run()
    assert again.finished.outcome == "succeeded"
    assert "it was found (id halfway) and is taken over" in again.messages("warning")
    assert not [event for event in again.events if isinstance(event, StepStarted) and event.operation == "create"]
    project.assert_settled([("dying", "1", "1")])


def test_what_a_stack_exported_stays_until_a_program_has_succeeded_without_it(project: Project) -> None:
    def exported() -> dict[str, object]:
        [stack] = [each for each in project.deployment["resources"] if each["type"] == "pulumi:pulumi:Stack"]
        return dict(stack.get("outputs") or {})

    write(project, 'pulumi.export("endpoint", "here")\npulumi.export("turn", 1)\n')
    assert project.run().finished.outputs == exported() == {"endpoint": "here", "turn": 1}
    write(project, 'pulumi.export("turn", 2)\nraise ValueError("no luck")\n')
    assert project.run().finished.outputs == exported() == {"endpoint": "here", "turn": 2}
    write(project, 'raise ValueError("at once")\n')
    assert project.run().finished.outputs == exported() == {"endpoint": "here", "turn": 2}
    write(project, 'pulumi.export("turn", 3)\n')
    assert project.run().finished.outputs == exported() == {"turn": 3}


def test_a_program_that_ends_the_process_of_a_preview_leaves_nothing_to_repair(project: Project) -> None:
    write(project, "os._exit(3)\n")
    outcome = project.preview()
    assert outcome.finished.cause == "program"
    assert outcome.errors == "the preview's process ended with exit status 3 before it was done"
