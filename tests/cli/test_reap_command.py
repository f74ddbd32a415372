"""`yard reap` on real deployments: what has expired goes, and what fails keeps no other from its turn."""

import json
from pathlib import Path

import pytest

from engine import session
from lifecycle.runs.folder import RunFolder, runs_folder
from lifecycle.runs.record import RunRecord
from tests.cli.yard import Result, yard
from tests.engine.programs import Project

pytestmark = pytest.mark.xdist_group("reap")

PROGRAM = """
from things import Thing
Thing("thing", label=pulumi.get_stack())
pulumi.export("expires_at", pulumi.Config().get("expires_at"))
"""
OVER, TO_COME = "2020-01-01T00:00:00Z", "9000-01-01T00:00:00Z"
RUN = "20200101-000000-00aa"


def deployed(folder: Path, **stacks: str) -> Project:
    """A project with stacks that are deployed, each with its expiry."""
    project = Project(folder).write(PROGRAM)
    (folder / "Pulumi.dev.yaml").unlink()
    for stack, expires_at in stacks.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(f'config:\n  yard:expires_at: "{expires_at}"\n')
        assert session.run(session.Request("update", False, folder, stack), lambda _: None).outcome == "succeeded"
    return project


def leave_run(folder: Path, stack: str) -> RunFolder:
    """What a `yard train` that was killed while it deployed its stack has left, whose time is over by now."""
    run = RunFolder(runs_folder(folder) / RUN)
    moment = "2020-01-01T00:00:00Z"
    run.write(
        RunRecord(
            id=RUN,
            project="yard",
            stack=stack,
            cloud="local",
            created=moment,
            updated=moment,
            phase="up",
            max_hours=1,
            max_cost_usd=0,
            expires_at=OVER,
        )
    )
    run.stack_file(stack).write_text((folder / f"Pulumi.{stack}.yaml").read_text())
    return run


def labels(project: Project) -> list[str]:
    """What exists in the world."""
    return sorted(each["label"] for each in project.cloud)


def reap(folder: Path, *options: str) -> Result:
    """Runs the command in the project."""
    return yard("reap", "--cwd", str(folder), *options)


def test_what_has_expired_goes_and_what_fails_goes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    project = deployed(tmp_path, alpha=OVER, beta=OVER, delta=TO_COME)
    run = leave_run(tmp_path, "delta")
    [hidden] = [path for path in (tmp_path / "cloud").iterdir() if '"alpha"' in path.read_text()]
    content = hidden.read_text()
    hidden.unlink()

    planned = reap(tmp_path, "--dry-run")
    assert planned.code == 0
    assert "due: stack alpha of stack alpha: expired at 2020-01-01T00:00:00Z" in planned.out
    assert labels(project) == ["beta", "delta"]
    unasked = reap(tmp_path)
    assert (unasked.code, unasked.out) == (2, "")
    assert "add --yes" in unasked.err

    done = reap(tmp_path, "--yes", "--json")
    assert done.code == 1, done.err
    found = {each["name"]: each for each in json.loads(done.out)["reaped"]}
    outcomes = {name: each["outcome"] for name, each in found.items()}
    assert outcomes == {"alpha": "failed", "beta": "reaped", RUN: "reaped"}
    assert "the run stopped: it expired at 2020-01-01T00:00:00Z: the stack did not come up" in found[RUN]["text"]
    assert labels(project) == []
    assert (run.read().phase, run.read().outcome, run.read().resumed) == ("done", "stopped", 1)

    hidden.write_text(content)
    again = reap(tmp_path, "--yes", "--markdown")
    assert again.code == 0, again.err
    assert "| stack alpha | expired at 2020-01-01T00:00:00Z | destroyed, nothing is left |" in again.out
    assert labels(project) == []
    idle = reap(tmp_path, "--yes")
    assert (idle.code, idle.out) == (0, "Nothing has expired, and nothing was abandoned.\n")


def test_wrong_options_are_told_before_anything_happens(tmp_path: Path) -> None:
    Project(tmp_path).write("")
    for options, status, said in (
        (("--override", "protected-stack"), 2, "must be unverified-artifacts"),
        (("--json", "--markdown"), 2, "one of them only"),
        (("-s", "nothing"), 6, "Pulumi.nothing.yaml"),
    ):
        refused = reap(tmp_path, *options)
        assert (refused.code, refused.out) == (status, "")
        assert said in refused.err
