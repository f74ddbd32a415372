"""What the policy pack finds in this project's own stacks, as a preview shows it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import ROOT, Result, yard
from tests.engine.policy_packs import policy_python
from tests.policies.planned import previewed

UNDECIDED = "cannot be decided before the update"


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


def findings(result: Result) -> list[tuple[str, str, str]]:
    """Policy, level and the last line of the message of each violation."""
    found = json.loads(result.out).get("policyViolations", [])
    return sorted((each["policy"], each["enforcementLevel"], each["message"].splitlines()[-1]) for each in found)


@pytest.mark.xdist_group("planned stacks")
@pytest.mark.parametrize("stack", ["local", "dev", "prod", "gcp-dev", "gcp-prod"])
def test_a_first_preview_passes_and_finds_only_what_is_exempt_or_cannot_be_known(stack: str) -> None:
    result = previewed(stack)
    assert result.code == ExitStatus.SUCCESS, result.out + result.err
    assert {level for _, level, _ in findings(result)} == {"advisory"}
    told = {policy for policy, _, message in findings(result) if UNDECIDED not in message and "Exempt" not in message}
    content = json.loads((ROOT / "policies" / "stacks" / f"{stack}.json").read_text())
    levels = {
        name: value if isinstance(value, str) else value.get("enforcementLevel") for name, value in content.items()
    }
    relaxed = {name for name, level in levels.items() if level == "advisory"}
    assert told <= relaxed


def test_the_pack_judges_the_programs_own_jobs(project: Path) -> None:
    settings = project / "settings.json"
    settings.write_text(json.dumps({"cost-local-job-deadline": {"maximum_hours": 0.01}}))
    result = yard(
        *("preview", "--json", "--policy-pack", "policies", "--policy-pack-config", str(settings)), cwd=project
    )
    assert result.code == ExitStatus.POLICY, result.out + result.err
    mandatory = [policy for policy, level, _ in findings(result) if level == "mandatory"]
    assert mandatory == ["cost-local-job-deadline"] * 2


@pytest.mark.parametrize("command", ["up", "preview"])
def test_make_runs_the_pack(command: str) -> None:
    makefile = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", command], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    [line] = [line for line in makefile.splitlines() if f"yard {command} " in line]
    assert line.endswith(" --policy-pack policies")
