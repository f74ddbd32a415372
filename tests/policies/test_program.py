"""What the policy pack finds in this project's own program, as `make preview` shows it to somebody new."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import ROOT, Result, yard
from tests.engine.policy_packs import policy_python

WAITING = (
    "the update decides identity-no-privilege-escalation, identity-no-wildcard-action, identity-no-wildcard-resource, "
    "storage-customer-managed-key, once it knows what they look at"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program and the policies, as they are in this folder."""
    policy_python()
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("infra", "planning", "workloads", "policies"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "image", ".venv"))
    (tmp_path / "policies" / ".venv").symlink_to(ROOT / "policies" / ".venv")
    return tmp_path


def preview(project: Path, *arguments: str) -> Result:
    return yard("preview", "--json", "--policy-pack", "policies", *arguments, cwd=project)


def findings(result: Result) -> list[tuple[str, str, str]]:
    """Policy, level and the last line of the message of each violation."""
    found = json.loads(result.out).get("policyViolations", [])
    return sorted((each["policy"], each["enforcementLevel"], each["message"].splitlines()[-1]) for each in found)


def test_a_first_preview_finds_nothing_but_what_it_cannot_know(project: Path) -> None:
    result = preview(project)
    assert result.code == ExitStatus.SUCCESS, result.out + result.err
    [(policy, level, message)] = findings(result)
    assert (policy, level) == ("every-rule-is-decided", "advisory")
    assert message.endswith(WAITING)


def test_the_pack_judges_the_programs_own_jobs(project: Path) -> None:
    settings = project / "settings.json"
    settings.write_text(json.dumps({"job-has-deadline": {"maximum_hours": 0.01}}))
    result = preview(project, "--policy-pack-config", str(settings))
    assert result.code == ExitStatus.POLICY, result.out + result.err
    assert [(policy, level) for policy, level, _ in findings(result)] == [("job-has-deadline", "mandatory")] * 2


@pytest.mark.parametrize("command", ["up", "preview"])
def test_make_runs_the_pack(command: str) -> None:
    makefile = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", command], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    [line] = [line for line in makefile.splitlines() if f"yard {command} " in line]
    assert line.endswith(" --policy-pack policies")
