"""State that cannot be used, kept or opened: one clear error that names it, and nothing is created."""

import json
import shutil
import socket
from pathlib import Path

import pytest

from engine.events import StepStarted
from tests.engine.robustness import Outcome, Project, Running, make_project, says

ONE = [("thing", "1", "1")]
PROGRAM = 'Thing("thing")\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", PROGRAM)


@pytest.fixture(scope="module")
def deployed_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A deployed project, to be copied."""
    project = make_project(tmp_path_factory.mktemp("deployed") / "project", PROGRAM)
    assert project.run().finished.outcome == "succeeded"
    return project


@pytest.fixture
def deployed(deployed_once: Project, tmp_path: Path) -> Project:
    shutil.copytree(deployed_once.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def assert_refused(outcome: Outcome, cause: str, *words: str) -> None:
    """It failed for this cause before anything was begun, and said these words in one error."""
    assert outcome.finished.outcome == "failed", outcome.messages()
    assert outcome.finished.cause == cause
    assert not [event for event in outcome.events if isinstance(event, StepStarted)]
    errors = [event for event in outcome.events if getattr(event, "severity", "") == "error"]
    assert len(errors) == 1
    assert "Traceback" not in outcome.messages()
    for word in words:
        assert word in outcome.errors


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Locks


def test_a_second_run_is_told_who_holds_the_lock_and_touches_nothing(project: Project) -> None:
    project.write((project.folder / "__main__.py").read_text() + "print('here', flush=True)\ntime.sleep(600)\n")
    with Running(project) as running:
        assert running.wait_for(says("here"))
        [lock] = (project.folder / ".pulumi" / "locks").rglob("*.json")
        owner = json.loads(lock.read_text())
        refused = project.run()
        assert_refused(
            refused,
            "locked",
            f"{owner['username']}@{socket.gethostname()} (pid {owner['pid']}) since ",
            "wait until that deployment ends, or stop it",
        )
        destroyed = project.run("destroy")
        assert_refused(destroyed, "locked", f"(pid {owner['pid']})")
        assert lock.exists()
        running.interrupt()
        assert running.finish().finished.outcome == "cancelled"
    assert not lock.exists()


def test_a_preview_is_not_kept_out_by_a_lock_and_takes_none(deployed: Project) -> None:
    program = (deployed.folder / "__main__.py").read_text()
    deployed.write(
        program + "if not pulumi.runtime.is_dry_run():\n    print('here', flush=True)\n    time.sleep(600)\n"
    )
    with Running(deployed) as running:
        assert running.wait_for(says("here"))
        before = files(deployed.folder / ".pulumi")
        assert deployed.preview().finished.outcome == "succeeded"
        assert files(deployed.folder / ".pulumi") == before
        running.interrupt()
        running.finish()


def test_two_runs_at_once_deploy_once(project: Project) -> None:
    with Running(project) as first, Running(project) as second:
        outcomes = [first.finish().finished, second.finish().finished]
    assert sorted(outcome.cause for outcome in outcomes if outcome.outcome == "failed") in ([], ["locked"])
    project.assert_settled(ONE)


# Damage


def truncated(text: str) -> str:
    return text[: len(text) // 2]


def garbage(text: str) -> str:
    return "\x00\xff not a checkpoint"


def empty(text: str) -> str:
    return ""


def without_parent(text: str) -> str:
    document = json.loads(text)
    del document["checkpoint"]["latest"]["resources"][0]
    return json.dumps(document)


def twice(text: str) -> str:
    document = json.loads(text)
    document["checkpoint"]["latest"]["resources"].append(document["checkpoint"]["latest"]["resources"][-1])
    return json.dumps(document)


def false_magic(text: str) -> str:
    document = json.loads(text)
    document["checkpoint"]["latest"]["manifest"]["magic"] = "abc"
    return json.dumps(document)


def changed_secret(text: str) -> str:
    return text.replace('"ciphertext":"v1:', '"ciphertext":"v1:AAAA')


DAMAGE = {
    "truncated": truncated,
    "garbage": garbage,
    "empty": empty,
    "without a parent": without_parent,
    "twice": twice,
    "false magic": false_magic,
}


@pytest.mark.parametrize(
    ("kind", "action"),
    [*((kind, "update") for kind in DAMAGE), ("truncated", "preview"), ("truncated", "destroy")],
)
def test_a_damaged_state_is_refused_by_name_and_its_backup_named(deployed: Project, kind: str, action: str) -> None:
    file = deployed.backend.state_file("dev")
    file.write_text(DAMAGE[kind](file.read_text()))
    before = files(deployed.folder)
    outcome = deployed.preview() if action == "preview" else deployed.run(action)
    backup = deployed.backend.newest_good_backup("dev")
    assert backup is not None
    assert_refused(outcome, "state", f"{file} is damaged", "the newest good backup is from", f"cp {backup} {file}")
    assert files(deployed.folder) == before
    file.write_bytes(backup.read_bytes())
    assert deployed.preview().finished.changes == {"same": 2}


def test_a_damaged_secret_is_refused_by_file(deployed: Project) -> None:
    file = deployed.backend.state_file("dev")
    file.write_text(changed_secret(file.read_text()))
    before = files(deployed.folder)
    assert_refused(
        deployed.run(),
        "state",
        f"{file} is damaged",
        "the secret",
        f"the newest backup that holds together is {deployed.folder}/.pulumi/",
        "to restore it: yard restore -s dev",
    )
    assert files(deployed.folder) == before


def test_a_state_of_another_version_is_refused_by_name(deployed: Project) -> None:
    file = deployed.backend.state_file("dev")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 4, "features": ["newness"]}))
    assert_refused(deployed.run(), "configuration", str(file), "version 4 with newness")


def test_a_state_with_what_cannot_be_honoured_is_refused_by_name(deployed: Project) -> None:
    file = deployed.backend.state_file("dev")
    document = json.loads(file.read_text())
    document["checkpoint"]["latest"]["resources"][-1]["viewOf"] = "something"
    file.write_text(json.dumps(document))
    assert_refused(deployed.run(), "configuration", str(file), "::thing was recorded with viewOf")


# Folders


def test_a_state_folder_that_cannot_be_one_is_named(project: Project) -> None:
    # Not by permissions, which do not bind every user who runs tests.
    blocked = project.folder / ".pulumi"
    blocked.write_text("a file")
    assert_refused(project.run(), "state", f"{blocked}", "cannot be")
    assert project.cloud == {}
    assert blocked.read_text() == "a file"


def test_a_state_folder_elsewhere_that_cannot_be_made_is_named(project: Project, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file")
    outcome = project.run(backend_url=f"file://{tmp_path}/occupied/state")
    assert_refused(outcome, "state", f"{tmp_path}/occupied/state")
    assert project.cloud == {}


def test_a_state_that_can_no_longer_be_written_stops_the_run(deployed: Project) -> None:
    # In the place of the temporary file that a checkpoint is first written to there is a folder.
    file = deployed.backend.state_file("dev")
    blocked = file.with_name(file.name + ".tmp")
    blocked.mkdir()
    before = file.read_text()
    deployed.write((deployed.folder / "__main__.py").read_text() + 'Thing("another")\n')
    outcome = deployed.run()
    assert outcome.finished.outcome == "failed"
    assert outcome.finished.cause == "state"
    assert f"the state cannot be written to {file}" in outcome.errors
    assert file.read_text() == before
    deployed.assert_settled(ONE)
    blocked.rmdir()
    assert deployed.run().finished.outcome == "succeeded"
    deployed.assert_settled([("another", "1", "1"), *ONE])


# Passphrases


def test_a_wrong_passphrase_is_refused_and_a_preview_does_without(
    deployed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(deployed.folder)
    monkeypatch.setattr("tests.engine.robustness.PASSPHRASE", "battery staple")
    for action in ("update", "destroy"):
        outcome = deployed.run(action)
        assert_refused(outcome, "configuration", "incorrect passphrase for stack dev", "PULUMI_CONFIG_PASSPHRASE")
        assert "battery staple" not in outcome.messages()
    assert files(deployed.folder) == before


def test_a_stack_file_with_another_salt_than_the_state_is_told_apart_from_a_wrong_passphrase(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.robustness.PASSPHRASE", None)
    assert project.run().finished.outcome == "succeeded"
    state, stack_file = project.folder / ".pulumi", project.folder / "Pulumi.dev.yaml"
    state.rename(tmp_path / "away")
    assert project.run("destroy").finished.outcome == "succeeded"
    assert project.run().finished.outcome == "succeeded"
    shutil.rmtree(state)
    (tmp_path / "away").rename(state)
    assert_refused(project.run(), "configuration", f"{stack_file}: its encryptionsalt is not the one of the state")
    lines = [line for line in stack_file.read_text().splitlines() if not line.startswith("encryptionsalt")]
    stack_file.write_text("\n".join(lines))
    assert project.run().finished.outcome == "succeeded"


def test_a_destroy_writes_no_stack_file(deployed: Project) -> None:
    stack_file = deployed.folder / "Pulumi.dev.yaml"
    stack_file.unlink()
    assert deployed.run("destroy").finished.outcome == "succeeded"
    assert not stack_file.exists()
    assert deployed.cloud == {}


def test_a_missing_passphrase_file_is_named(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.robustness.PASSPHRASE", None)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "nowhere"))
    assert_refused(project.run(), "configuration", "PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "nowhere"))
    assert project.cloud == {}


# Files of the project


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("Pulumi.yaml", "name: [unclosed", ["Pulumi.yaml", "line"]),
        ("Pulumi.yaml", "name: sturdy\nruntime: python\nname: again\n", ["Pulumi.yaml"]),
        ("Pulumi.yaml", "runtime: python\n", ["Pulumi.yaml", "name"]),
        ("Pulumi.yaml", "name: sturdy\nruntime: nodejs\n", ["Pulumi.yaml", "'nodejs'", "Python programs only"]),
        ("Pulumi.dev.yaml", "config:\n  - not a mapping\n", ["Pulumi.dev.yaml"]),
        ("Pulumi.dev.yaml", "config:\n  a:b: 1\n bad", ["Pulumi.dev.yaml", "line"]),
        ("Pulumi.dev.yaml", "encryptionsalt: nonsense\nconfig:\n  a:b:\n    secure: v1:AAAA:BBBB\n", ["salt"]),
    ],
)
def test_a_bad_project_or_stack_file_is_named_with_its_line(
    project: Project, name: str, content: str, words: list[str]
) -> None:
    (project.folder / name).write_text(content)
    for outcome in (project.run(), project.preview()):
        assert_refused(outcome, "configuration", *words)
    assert project.cloud == {}
    assert not project.backend.state_file("dev").exists()


def test_an_unknown_stack_is_named_and_leaves_nothing(project: Project) -> None:
    before = files(project.folder)
    for options in ({}, {"dry_run": True}, {"action": "destroy"}):
        outcome = project.run(stack="elsewhere", **options)
        assert_refused(outcome, "stack-not-found", "there is no stack 'elsewhere'", "Pulumi.elsewhere.yaml")
    assert files(project.folder) == before
    assert not (project.folder / ".pulumi").exists()


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    assert_refused(Project(tmp_path).run(), "configuration", str(tmp_path), "Pulumi.yaml")
