"""`yard extend` on real deployments: what is written, what is deployed, and what is refused before either."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import session
from engine.stack_outputs import read_outputs
from lifecycle.runs.folder import RunFolder, runs_folder
from lifecycle.runs.record import RunRecord, moment_of, utc_text
from tests.cli.yard import Result, yard
from tests.engine.programs import Project

PROGRAM = """
from things import Thing
thing = Thing("thing", label=pulumi.get_stack())
pulumi.export("expires_at", pulumi.Config().get("expires_at"))
"""
MACHINE = """
import pulumi_aws as aws
aws.ec2.Instance("machine", ami="ami-1", instance_type="g5.xlarge")
"""
FILE = """\
# Whose it is.
config:
  yard:owner: me@example.com # and nobody else's
  # When it may go.
  yard:expires_at: "2020-01-01T00:00:00Z"
  aws:region: eu-west-1
"""
RUN = "20200101-000000-00aa"


def extend(folder: Path, *options: str) -> Result:
    """Runs the command for the stack dev."""
    return yard("extend", "-s", "dev", "--cwd", str(folder), *options)


def stack_file(folder: Path) -> str:
    """What the stack's file says, but for the salt."""
    return "".join(
        line
        for line in (folder / "Pulumi.dev.yaml").read_text().splitlines(keepends=True)
        if not line.startswith("encryptionsalt")
    )


def test_a_stack_lives_longer_within_the_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    Project(tmp_path).write(PROGRAM)
    (tmp_path / "Pulumi.dev.yaml").write_text(FILE)
    nothing = extend(tmp_path, "--hours", "2", "--yes")
    assert (nothing.code, nothing.out) == (6, "")
    assert session.run(session.Request("update", False, tmp_path, "dev"), lambda _: None).outcome == "succeeded"

    assert "add --yes" in extend(tmp_path, "--hours", "2").err
    assert stack_file(tmp_path) == FILE
    done = extend(tmp_path, "--hours", "2", "--yes")
    assert done.code == 0, done.err
    moment = str(read_outputs(tmp_path, "dev")["expires_at"])
    assert timedelta(hours=1.9) < moment_of(moment) - datetime.now(UTC) <= timedelta(hours=2)
    assert stack_file(tmp_path) == FILE.replace("2020-01-01T00:00:00Z", moment)

    (tmp_path / "__main__.py").write_text("import pulumi\n" + PROGRAM + MACHINE)
    policies = tmp_path / "policies/stacks"
    policies.mkdir(parents=True)
    (policies / "dev.json").write_text('{"cost-run-ceiling": {"maximum_usd": 5}}')
    dear = extend(tmp_path, "--hours", "100", "--yes")
    assert dear.code == 2
    assert "cost-run-ceiling allows 5" in dear.err
    assert moment in stack_file(tmp_path)
    written = extend(tmp_path, "--until", utc_text(moment_of(moment) + timedelta(hours=1)), "--no-up", "--yes")
    assert written.code == 0, written.err
    assert utc_text(moment_of(moment) + timedelta(hours=1)) in stack_file(tmp_path)
    assert read_outputs(tmp_path, "dev")["expires_at"] == moment


def test_a_run_that_was_killed_gets_more_time(tmp_path: Path) -> None:
    Project(tmp_path).write(PROGRAM)
    (tmp_path / "Pulumi.dev.yaml").write_text(FILE)
    run = RunFolder(runs_folder(tmp_path) / RUN)
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    record = run.write(
        RunRecord(
            id=RUN,
            project="yard",
            stack="dev",
            cloud="local",
            created=utc_text(created),
            updated=utc_text(created),
            phase="up",
            max_hours=2,
            max_cost_usd=0,
            expires_at=utc_text(created + timedelta(hours=3)),
        )
    )
    run.stack_file("dev").write_text(FILE + "  yard:training: {epochs: 3} # few\n")
    with run.lock():
        refused = extend(tmp_path, "--hours", "2", "--yes")
    assert refused.code == 2
    assert "a process works on run" in refused.err

    done = extend(tmp_path, "--hours", "2", "--yes")
    assert done.code == 0, done.err
    assert f"yard train --resume {RUN}" in done.out
    extended = run.read()
    assert (extended.max_hours, extended.expires_at) == (4, utc_text(created + timedelta(hours=5)))
    assert extended.changed(max_hours=2, expires_at=record.expires_at, updated=record.updated) == record
    settings = run.stack_file("dev").read_text()
    assert extended.expires_at in settings
    assert "max_runtime_minutes: 239" in settings
    assert "epochs: 3" in settings
    assert "# Whose it is." in settings
    assert stack_file(tmp_path) == FILE


def test_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    Project(tmp_path).write(PROGRAM)
    (tmp_path / "Pulumi.dev.yaml").write_text(FILE)
    refused = extend(tmp_path, "--until", "tomorrow", "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert "--until: 'tomorrow' is no moment such as 2027-03-31T18:00:00Z" in refused.err
