"""`yard preview`, `up` and `destroy`: what they print, what they change, and their exit codes."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import ROOT, make_file_project, make_project, start_yard, yard

TWO_FILES = """
import pulumi
from files import File

config = pulumi.Config()
first = File("first", config.require("folder") + "/first", config.get("content") or "one")
File("second", config.require("folder") + "/second", first.content.apply(lambda text: text + " and two"))
pulumi.export("content", first.content)
pulumi.export("token", pulumi.Output.secret("s3cr3t-t0k3n"))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    cloud = tmp_path / "cloud"
    cloud.mkdir()
    return make_file_project(tmp_path / "project", TWO_FILES, config=f"config:\n  shop:folder: {cloud}\n")


def set_content(project: Path, content: str) -> None:
    settings = project / "Pulumi.local.yaml"
    lines = [line for line in settings.read_text().splitlines() if "shop:content" not in line]
    place = next(index for index, line in enumerate(lines) if "shop:folder" in line)
    lines.insert(place + 1, f"  shop:content: {content}")
    settings.write_text("\n".join(lines) + "\n")


def test_a_stack_lives_and_leaves_nothing(project: Path, tmp_path: Path) -> None:
    cloud = tmp_path / "cloud"

    preview = yard("preview", "-C", str(project))
    assert (preview.code, preview.err) == (ExitStatus.SUCCESS, "")
    assert "Previewing update (local):" in preview.out
    assert "+ 3 to create" in preview.out
    assert not (project / ".pulumi").exists(), "a preview writes nothing"
    assert "encryptionsalt" not in (project / "Pulumi.local.yaml").read_text()

    unexpected = yard("preview", "-C", str(project), "--expect-no-changes")
    assert unexpected.code == ExitStatus.CHANGES
    assert unexpected.err == "yard: no changes were expected, but some are proposed\n"

    up = yard("up", "-C", str(project), "--yes")
    assert up.code == ExitStatus.SUCCESS, up
    assert "+ 3 created" in up.out
    assert (cloud / "second").read_text() == "one and two"
    assert "s3cr3t-t0k3n" not in up.out + up.err

    again = yard("preview", "-C", str(project), "--expect-no-changes")
    assert again.code == ExitStatus.SUCCESS, again
    assert "3 unchanged" in again.out

    set_content(project, "changed")
    difference = yard("preview", "-C", str(project), "--diff")
    assert '"one" => "changed"' in difference.out
    document = json.loads(yard("preview", "-C", str(project), "--json").out)
    assert [(step["op"], step["urn"].rpartition("::")[2]) for step in document["steps"] if step["op"] != "same"] == [
        ("update", "first"),
        ("update", "second"),
    ]
    assert document["changeSummary"] == {"same": 1, "update": 2}
    assert yard("up", "-C", str(project), "-y", "-f").code == ExitStatus.SUCCESS
    assert (cloud / "second").read_text() == "changed and two"

    assert yard("output", "content", "-C", str(project)).out == "changed\n"
    assert "[secret]" in yard("output", "-C", str(project)).out
    assert json.loads(yard("output", "-C", str(project), "--json", "--show-secrets").out)["token"] == "s3cr3t-t0k3n"

    destroy = yard("destroy", "-C", str(project), "--yes")
    assert destroy.code == ExitStatus.SUCCESS, destroy
    assert list(cloud.iterdir()) == []
    nothing = yard("destroy", "-C", str(project), "--yes")
    assert nothing.code == ExitStatus.SUCCESS, nothing


def test_nothing_is_done_without_a_yes(project: Path, tmp_path: Path) -> None:
    asked = yard("up", "-C", str(project))
    assert asked.code == ExitStatus.CONFIGURATION
    assert asked.err == "yard: there is no terminal to ask on: add --yes to go ahead\n"
    assert list((tmp_path / "cloud").iterdir()) == []


def test_a_refused_input_and_a_failing_provider_are_resource_errors(project: Path, tmp_path: Path) -> None:
    set_content(project, "refused")
    refused = yard("up", "-C", str(project), "--yes")
    assert refused.code == ExitStatus.RESOURCE
    assert "content: must not be 'refused'" in refused.out
    set_content(project, "broken")
    broken = yard("up", "-C", str(project), "--yes")
    assert broken.code == ExitStatus.RESOURCE
    assert "the disk says no" in broken.out
    assert "Traceback" not in broken.out
    assert list((tmp_path / "cloud").iterdir()) == []


def test_an_edit_is_seen_however_soon_it_comes(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "")
    for value in ("AAA", "BBB"):
        program = project / "__main__.py"
        program.write_text(f'import pulumi\n\npulumi.export("value", "{value}")\n')
        os.utime(program, (1_700_000_000, 1_700_000_000))
        shown = yard("preview", "-C", str(project), environment={"PYTHONDONTWRITEBYTECODE": ""})
        assert f'value: "{value}"' in shown.out


def test_a_misspelt_section_of_the_stack_file_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "", config="confg:\n  shop:size: 3\n")
    shown = yard("preview", "-C", str(project))
    assert shown.code == ExitStatus.SUCCESS
    assert f"warning: {project / 'Pulumi.local.yaml'}, line 1: 'confg' means nothing here and is ignored; " in shown.out
    assert "known are config, encryptionsalt" in shown.out


def test_a_failing_program_shows_its_own_lines(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "import pulumi\n\n\ndef go():\n    return 1 / 0\n\n\ngo()\n")
    failed = yard("preview", "-C", str(project))
    assert failed.code == ExitStatus.ERROR
    assert "ZeroDivisionError" in failed.out
    assert "line 5, in go" in failed.out
    assert "runpy" not in failed.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["preview", "-s", "nowhere"], ExitStatus.STACK_NOT_FOUND, "there is no stack 'nowhere'"),
        (["preview", "--no-such-option"], ExitStatus.CONFIGURATION, "No such option"),
        (["up", "--parallel", "0"], ExitStatus.CONFIGURATION, "Invalid value for '--parallel'"),
        (["output"], ExitStatus.STACK_NOT_FOUND, "nothing is deployed in stack local"),
        (["predict"], ExitStatus.STACK_NOT_FOUND, "nothing is deployed in stack local"),
        (["artifacts", "get", "model"], ExitStatus.STACK_NOT_FOUND, "nothing is deployed in stack local"),
        (["restore", "-y"], ExitStatus.STACK_NOT_FOUND, "there is no good backup of stack local"),
        (["cancel"], ExitStatus.SUCCESS, "stack local is not locked"),
    ],
)
def test_a_command_that_cannot_go_on_says_why(
    tmp_path: Path, arguments: list[str], code: ExitStatus, message: str
) -> None:
    project = make_project(tmp_path / "project", "")
    result = yard(*arguments, cwd=project)
    assert (result.code, message in result.out + result.err) == (code, True), result
    assert "Traceback" not in result.out + result.err


def test_ctrl_c_ends_any_command_with_a_word_and_its_code(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "")
    settings = project / "Pulumi.local.yaml"
    settings.unlink()
    os.mkfifo(settings)
    # Opening a pipe for writing waits until the other side reads it.
    with start_yard("output", cwd=project) as command, settings.open("w"):
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=60)
    assert (command.returncode, out, err) == (ExitStatus.CANCELLED, "", "yard: stopped\n")


def test_numbers_that_json_does_not_know_are_printed_as_json(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "import pulumi\n\npulumi.export('loss', [float('nan'), 0.5])\n")
    assert yard("up", "-C", str(project), "--yes").code == ExitStatus.SUCCESS
    printed = yard("output", "-C", str(project), "--json").out

    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(printed, parse_constant=refuse)["loss"][1] == 0.5


def test_ctrl_c_while_the_command_starts_is_no_traceback(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "")
    hook = tmp_path / "sitecustomize.py"
    hook.write_text("""
import builtins, os, signal

importing = builtins.__import__

def interrupted(name, *arguments, **options):
    if name == "cli.application":
        os.kill(os.getpid(), signal.SIGINT)
    return importing(name, *arguments, **options)

builtins.__import__ = interrupted
""")
    stopped = yard("preview", "-C", str(project), environment={"PYTHONPATH": str(tmp_path)})
    assert (stopped.code, stopped.out, stopped.err) == (ExitStatus.CANCELLED, "", "yard: stopped\n")


def test_outside_of_a_project_the_folder_is_named(tmp_path: Path) -> None:
    lost = yard("preview", cwd=tmp_path)
    assert lost.code == ExitStatus.CONFIGURATION
    assert f"there is no Pulumi.yaml in {tmp_path} or above it" in lost.err


BUCKET = """
import pulumi

pulumi.CustomResource("aws:s3/bucketV2:BucketV2", "data", {"bucket": "data"}, pulumi.ResourceOptions(version="7.51.1"))
"""


def test_a_stack_that_needs_a_plugin_is_previewed_and_not_deployed_without_pulumi(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", BUCKET, stack="dev")
    assert "aws:s3:BucketV2 data create" in yard("preview", "-s", "dev", "-C", str(project)).out
    without = yard("up", "-s", "dev", "--yes", "-C", str(project), environment={"PATH": "/usr/bin:/bin"})
    assert without.code == ExitStatus.ERROR
    assert without.err.count("\n") == 3
    assert "needs the Pulumi CLI with the plugins for aws" in without.err
    assert not (project / ".pulumi").exists()


def test_a_stack_that_needs_a_plugin_is_handed_to_pulumi(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", BUCKET, stack="dev")
    tools = tmp_path / "tools"
    tools.mkdir()
    pulumi = tools / "pulumi"
    pulumi.write_text('#!/bin/sh\necho "pulumi got: $*"\nexit 23\n')
    pulumi.chmod(pulumi.stat().st_mode | stat.S_IXUSR)
    path = f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin"
    handed = yard("up", "-s", "dev", "--yes", "-m", "why not", "-C", str(project), environment={"PATH": path})
    assert handed.code == 23
    assert f"pulumi got: up --stack dev --cwd {project} --parallel 16 --yes --message why not" in handed.out
    at_once = yard("up", "-s", "dev", "-f", "-y", "-p", "3", "-C", str(project), environment={"PATH": path})
    assert at_once.code == 23
    assert f"pulumi got: up --stack dev --cwd {project} --parallel 3 --yes --skip-preview\n" in at_once.out
    assert not (project / ".pulumi").exists()


def test_help_names_every_command_and_option() -> None:
    overview = yard("--help", environment={"COLUMNS": "80"})
    assert overview.code == ExitStatus.SUCCESS
    assert "..." not in overview.out.partition("Commands:")[2]
    for command in ("up", "preview", "destroy", "predict", "output", "artifacts", "restore", "cancel", "bench"):
        assert f"\n  {command} " in overview.out
        assert yard(command, "--help").code == ExitStatus.SUCCESS


def test_the_readme_has_the_table_of_exit_codes() -> None:
    readme = (ROOT / "README.md").read_text()
    for status in ExitStatus:
        assert f"| {status.value} | {status.name} |" in readme
