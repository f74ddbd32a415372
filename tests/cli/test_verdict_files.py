"""`yard preview` and `yard up` with `--sarif` and `--junit`: what is written, when, and what is refused."""

import json
from pathlib import Path

import pytest
from junitparser import JUnitXml

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.verdicts_files import VerdictFiles, recording
from engine.events import Finished
from tests.cli.yard import FILES, ROOT, make_file_project, yard
from tests.engine.policy_packs import policy_python, write_pack

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def short(args, report):
    if args.props.get("content", "short") != "short":
        report("It is long.")

PolicyPack("length", [
    ResourceValidationPolicy("short", "Files are short.", short, EnforcementLevel.MANDATORY),
    ResourceValidationPolicy("any", "Files are files.", lambda args, report: None, EnforcementLevel.MANDATORY),
])
"""
PROGRAM = """
import pathlib
from files import File

pathlib.Path("started").touch()
for name, content in (("first", "short"), ("second", "SECOND")):
    File(name, f"{pathlib.Path.cwd()}/{name}", content)
"""
MADE = ("deploy/files.py", FILES[: FILES.index("super()")].count("\n") + 1)
"""Where the resources are made."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    python = policy_python()
    folder = make_file_project(tmp_path / "repository" / "deploy", PROGRAM)
    (tmp_path / "repository" / ".git").mkdir()
    pack = write_pack(tmp_path / "pack", PACK)
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime:\n  name: python\n  options:\n    virtualenv: {Path(python).parent.parent}\nversion: 1.0.0\n"
    )
    return folder


def judged(project: Path, command: str, *arguments: str) -> tuple[int, str]:
    """Runs the command with the pack and both files; returns its exit code and what it printed."""
    pack = project.parents[1] / "pack"
    files = ("--sarif", "found.sarif", "--junit", "found.xml")
    result = yard(command, "-C", str(project), "--policy-pack", str(pack), *files, *arguments, cwd=project.parents[1])
    return result.code, result.out


def places(folder: Path) -> list[tuple[str, int]]:
    [run] = json.loads((folder / "found.sarif").read_text())["runs"]
    found = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    return [(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in found]


def test_verdicts_are_written_where_a_policy_fails_the_preview(project: Path, tmp_path: Path) -> None:
    code, out = judged(project, "preview")
    assert code == ExitStatus.POLICY
    assert out.endswith("Verdicts written to found.sarif and found.xml\n")
    assert places(tmp_path) == [MADE]
    document = JUnitXml.fromfile(str(tmp_path / "found.xml"))
    assert [(case.name, case.is_passed) for suite in document for case in suite] == [
        ("everything is judged", True),
        ("any", True),
        ("short", False),
    ]
    code, out = judged(project, "preview", "--json")
    assert code == ExitStatus.POLICY
    assert [each["policy"] for each in json.loads(out)["policyViolations"]] == ["short"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.sarif", "found.xml", "pack", "repository"]


def test_what_stays_as_it_is_has_a_place_too_and_is_shown_no_more_than_before(project: Path, tmp_path: Path) -> None:
    assert yard("up", "-C", str(project), "--yes", "-f").code == ExitStatus.SUCCESS
    plain = yard("preview", "-C", str(project), "--policy-pack", str(tmp_path / "pack"))
    code, out = judged(project, "preview")
    assert (code, plain.code) == (ExitStatus.POLICY, ExitStatus.POLICY)
    assert out == f"{plain.out}Verdicts written to found.sarif and found.xml\n"
    assert places(tmp_path) == [MADE]


def test_an_update_writes_what_it_has_judged(project: Path, tmp_path: Path) -> None:
    (project / "__main__.py").write_text(PROGRAM.replace("SECOND", "short"))
    code, _ = judged(project, "up", "--yes")
    assert code == ExitStatus.SUCCESS
    assert places(tmp_path) == []
    assert JUnitXml.fromfile(str(tmp_path / "found.xml")).errors == 0
    (project / "__main__.py").write_text(PROGRAM)
    code, _ = judged(project, "up", "--yes", "-f")
    assert code == ExitStatus.POLICY
    assert JUnitXml.fromfile(str(tmp_path / "found.xml")).errors == 1, "it did not go on to judge the rest"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sarif", "none/x"], "--sarif = 'none/x': cannot be written: there is no folder none"),
        (["--junit", "."], "--junit = '.': cannot be written: it is a folder"),
        (["--junit", "/dev/null"], "--junit = '/dev/null': cannot be written: it is no file"),
        (["--sarif", "Pulumi.dev.yaml"], "--sarif = 'Pulumi.dev.yaml': cannot be written: it holds settings"),
        (
            ["--policy-pack-config", "deploy.json", "--junit", "./deploy.json"],
            "--junit = 'deploy.json': cannot be written: it holds settings",
        ),
        (["--sarif", "x", "--junit", "./x"], "--sarif and --junit are the same file, x"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    project = make_file_project(tmp_path / "project", PROGRAM)
    for name in ("Pulumi.dev.yaml", "deploy.json"):
        (project / name).write_text("{}")
    result = yard("preview", "--policy-pack", str(ROOT / "policies"), *arguments, cwd=project)
    assert (result.code, result.out, result.err) == (ExitStatus.CONFIGURATION, "", f"yard: {message}\n")
    assert not (project / "started").exists()


def test_a_file_that_can_no_longer_be_written_fails_the_command_and_not_the_other_file(tmp_path: Path) -> None:
    files = VerdictFiles(tmp_path / "gone" / "found.sarif", tmp_path / "found.xml")
    with (
        pytest.raises(CommandError, match=r"--sarif = .*: cannot be written: No such file or directory") as raised,
        recording(files, tmp_path, "dev", dry_run=False, quiet=True) as note,
    ):
        note(Finished("succeeded", {}, 1.0))
    assert raised.value.status == ExitStatus.ERROR
    assert (tmp_path / "found.xml").is_file()


def test_without_a_policy_pack_there_is_no_verdict_to_write(tmp_path: Path) -> None:
    project = make_file_project(tmp_path / "project", PROGRAM)
    for command in ("preview", "up"):
        result = yard(command, "--sarif", "x", cwd=project)
        assert (result.code, result.err) == (
            ExitStatus.CONFIGURATION,
            "yard: --sarif needs a policy pack: add --policy-pack\n",
        )
