"""The workflows: pinned, with as few rights as they need, and saying nothing that the project does not know."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.application import app
from engine.project import load_project
from engine.stack_settings import load_stack_settings
from infra.gcp.naming import Names as GcpNames
from lifecycle.runs.detached import workflow_command

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ACTIONS = sorted((FOLDER / "actions").glob("*/action.yml"))
CALLED = "deploy-stack.yml"
PROVIDER = "projects/123456789012/locations/global/workloadIdentityPools/github-pool/providers/github"

RIGHTS: dict[tuple[str, str], dict[str, str]] = {
    ("deploy-stack.yml", "plan"): {"contents": "read", "id-token": "write"},
    ("deploy-stack.yml", "up"): {"contents": "read", "id-token": "write"},
    ("deploy.yml", "prod"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "look"): {"contents": "read", "id-token": "write"},
    ("drift.yml", "tell"): {"contents": "read", "issues": "write"},
    ("preview-comment.yml", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
    ("preview.yml", "pulumi"): {"contents": "read", "id-token": "write"},
    ("preview.yml", "report"): {"contents": "read"},
    ("reap.yml", "reap"): {"contents": "read", "id-token": "write"},
    ("test.yml", "lint"): {"contents": "read"},
    ("test.yml", "test"): {"contents": "read"},
    ("train.yml", "next"): {"actions": "write"},
    ("train.yml", "train"): {"actions": "read", "contents": "read", "id-token": "write"},
}
"""What each job's token may do. More than this is a decision, not an edit."""


class _Loader(yaml.SafeLoader):
    """Reads `on` as the text that GitHub reads, not as true."""


_Loader.yaml_implicit_resolvers = {
    letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    """A workflow or an action; `true` and `false` are texts."""
    document: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506  # a safe loader
    return document


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Workflow, name and content of each job."""
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield path.name, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Where it is, and content of each step of workflows and actions."""
    for workflow, name, job in jobs():
        for step in job.get("steps", []):
            yield f"{workflow}, {name}, {step.get('name')}", step
    for path in ACTIONS:
        for step in read(path)["runs"]["steps"]:
            yield f"{path.parent.name}, {step.get('name')}", step


def yard_lines() -> list[tuple[str, list[str]]]:
    """Where it is, and arguments of each `yard` that a workflow runs."""
    found = []
    for place, step in steps():
        for line in step.get("run", "").splitlines():
            if ".venv/bin/yard " in line:
                command = line.partition(".venv/bin/yard ")[2]
                words = shlex.split(re.split(r"\s*(?:>>?|\|\|?|&&|;)(?:\s|$)", command)[0])
                # A variable stands for any value; this one is a number, too.
                found.append((place, [re.sub(r"\$\w+", "1", word) for word in words]))
    return found


def test_every_action_is_pinned_by_a_commit_whose_version_stands_beside_it() -> None:
    versions: dict[str, set[tuple[str, str]]] = {}
    for path in [*WORKFLOWS, *ACTIONS]:
        for line in path.read_text().splitlines():
            found = re.match(r"\s*(?:- )?uses: (\S+)(.*)", line)
            if not found or found[1].startswith("./"):
                continue
            action, _, commit = found[1].partition("@")
            version = re.fullmatch(r" # (v\d+\.\d+\.\d+)", found[2])
            assert re.fullmatch(r"[0-9a-f]{40}", commit), f"{path.name}: {line}"
            assert version, f"{path.name}: {line}"
            versions.setdefault(action, set()).add((commit, version[1]))
    assert versions
    assert {action: pins for action, pins in versions.items() if len(pins) > 1} == {}


def test_local_actions_and_workflows_exist() -> None:
    used = {step["uses"] for _, step in steps() if step.get("uses", "").startswith("./")}
    used |= {job["uses"] for _, _, job in jobs() if "uses" in job}
    assert used
    assert [each for each in used if not (ROOT / each).exists()] == []


def test_a_workflow_has_no_rights_and_a_job_those_that_it_needs() -> None:
    assert {path.name: read(path).get("permissions") for path in WORKFLOWS} == {path.name: {} for path in WORKFLOWS}
    assert {(workflow, name): job.get("permissions") for workflow, name, job in jobs()} == RIGHTS


def test_what_forks_can_run_gets_no_secret_and_what_has_rights_runs_nothing_of_theirs() -> None:
    workflow = read(FOLDER / "workflows/preview.yml")
    assert "secrets." not in json.dumps(workflow["jobs"]["report"])
    assert "environment" not in workflow["jobs"]["report"]
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert own in workflow["jobs"]["pulumi"]["if"]
    assert all("pull_request_target" not in path.read_text() for path in WORKFLOWS)
    [comment] = [job for name, _, job in jobs() if name == "preview-comment.yml"]
    checkout, script = comment["steps"]
    assert "ref" not in checkout["with"]
    assert "repository" not in checkout["with"]
    assert script["run"].startswith("python3 .github/scripts/")


def test_nothing_from_outside_is_pasted_into_a_script() -> None:
    assert [place for place, step in steps() if "${{" in step.get("run", "")] == []


def test_no_checkout_leaves_its_token_behind_and_no_job_runs_for_ever() -> None:
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [each for each in checkouts if each.get("with", {}).get("persist-credentials") != "false"] == []
    # A job that calls a workflow has the limits of that one's jobs.
    endless = [
        f"{workflow}, {name}" for workflow, name, job in jobs() if "uses" not in job and "timeout-minutes" not in job
    ]
    assert endless == []


def test_deployments_of_a_stack_wait_for_each_other() -> None:
    groups = {f"{workflow}, {name}": job.get("concurrency") for workflow, name, job in jobs()}
    # Without `queue`, one that comes takes the place of one that waits.
    queued = {"cancel-in-progress": "false", "queue": "max"}
    assert groups["deploy.yml, prod"] == {"group": "stack-prod", "cancel-in-progress": "false"}
    assert groups["reap.yml, reap"] == {"group": "stack-${{ matrix.stack }}"} | queued
    assert groups["train.yml, train"] == {"group": "stack-${{ inputs.stack }}"} | queued


@pytest.mark.parametrize(("place", "arguments"), yard_lines(), ids=lambda each: each if isinstance(each, str) else "")
def test_every_yard_command_exists_with_its_options(place: str, arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    context = command.make_context("yard", list(arguments))
    while hasattr(command, "resolve_command") and (rest := [*context._protected_args, *context.args]):
        name, command, rest = command.resolve_command(context, rest)
        # Raises for an unknown option, one without its value, and what is too much.
        context = command.make_context(name, rest, parent=context)
    assert context.parent is not None, place


def test_each_command_of_this_kind_is_somewhere() -> None:
    assert {arguments[0] for _, arguments in yard_lines()} >= {"preview", "reap", "runs", "train"}


def test_a_detached_run_is_started_with_inputs_that_the_workflow_has() -> None:
    command = workflow_command("dev", 3, 12.5, with_service=True)
    inputs = read(FOLDER / "workflows" / command[3])["on"]["workflow_dispatch"]["inputs"]
    given = {word.partition("=")[0] for word in command if "=" in word}
    assert given <= set(inputs)
    [go_on] = [step for _, step in steps() if step.get("name") == "Go on with the run"]
    assert set(re.findall(r"-f (\w+)=", go_on["run"])) <= set(inputs)


def test_make_knows_what_it_is_asked_for() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {found for _, step in steps() for found in re.findall(r"^make (\S+)", step.get("run", ""), re.MULTILINE)}
    assert {"lint", "setup", "test"} == asked
    assert asked <= targets


def test_the_cli_is_of_the_version_of_the_sdk() -> None:
    [installed] = [step["with"]["pulumi-version"] for _, step in steps() if step.get("uses", "").startswith("pulumi/")]
    assert f"\npulumi=={installed}\n" in (ROOT / "requirements.txt").read_text()


def test_a_refresh_takes_what_is_in_a_cluster_that_it_cannot_reach_for_what_was_deployed() -> None:
    refreshing = [(place, step) for place, step in steps() if "--refresh" in step.get("run", "")]
    assert refreshing
    for place, step in refreshing:
        assert step["env"].get("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE") == "true", place
    # Elsewhere it would leave out what is to be deployed, and say so in a warning only.
    skipping = [place for place, step in steps() if "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE" in step.get("env", {})]
    assert skipping == [place for place, _ in refreshing]


def test_every_stack_that_a_workflow_names_has_a_file() -> None:
    named = set()
    for _, _, job in jobs():
        named |= set(job.get("strategy", {}).get("matrix", {}).get("stack", []))
        named |= {job["with"]["stack"]} if "uses" in job else set()
    for path in WORKFLOWS:
        inputs = (read(path)["on"].get("workflow_dispatch") or {}).get("inputs") or {}
        named |= set(inputs.get("stack", {}).get("options", []))
    assert named >= {"dev", "prod"}
    assert [stack for stack in named if not (ROOT / f"Pulumi.{stack}.yaml").is_file()] == []


def test_every_stack_that_can_be_trained_on_is_reaped() -> None:
    trained = read(FOLDER / "workflows/train.yml")["on"]["workflow_dispatch"]["inputs"]["stack"]["options"]
    reaped = read(FOLDER / "workflows/reap.yml")["jobs"]["reap"]["strategy"]["matrix"]["stack"]
    assert trained
    assert set(trained) <= set(reaped)


def test_both_prepare_a_stack_alike() -> None:
    """With the same role and state, so that what one makes the other finds and may destroy."""
    preparing = {place.partition(",")[0]: step["with"] for place, step in steps() if step.get("id") == "cloud"}
    train, reap = (
        {name: value for name, value in preparing[file].items() if name not in ("stack", "seconds")}
        for file in ("train.yml", "reap.yml")
    )
    assert train == reap


def test_deployments_ask_for_the_environment_that_the_role_trusts() -> None:
    project = load_project(ROOT)
    for workflow, name, job in jobs():
        if job.get("uses", "").endswith(CALLED):
            stack = job["with"]["stack"]
            github = load_stack_settings(project, stack).config["trainyard:aws"]["identity"]["github"]
            assert job["with"]["environment"] == github.get("deploy_environment", stack), f"{workflow}, {name}"


def target(*arguments: str, repository: str = "example/trainyard") -> tuple[int, dict[str, str], str]:
    """What the script says of where a stack is deployed: exit code, outputs, errors."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "scripts/deployment_target.py"), *arguments],
        env={**os.environ, "GITHUB_REPOSITORY": repository, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, dict(line.split("=", 1) for line in done.stdout.splitlines()), done.stderr


def test_roles_and_state_come_from_the_stack_file() -> None:
    code, outputs, errors = target("--stack", "prod", "--role", "preview", "--backend", "s3://state")
    assert (code, errors) == (0, "")
    assert outputs == {
        "cloud": "aws",
        "account": "123456789012",
        "region": "eu-west-1",
        "role": "arn:aws:iam::123456789012:role/trainyard-prod_github-preview",
        "backend": "s3://state",
    }
    code, on_google, errors = target(
        "--stack", "gcp-prod", "--role", "deploy", "--backend", "gs://state", "--provider", PROVIDER
    )
    assert (code, errors) == (0, "")
    assert on_google == {
        "cloud": "gcp",
        "account": "ml-platform-example",
        "role": GcpNames(
            "trainyard", "gcp-prod", "ml-platform-example", "123456789012", "europe-west4"
        ).service_account("github-deploy"),
        "provider": PROVIDER,
        "region": "europe-west4",
        "backend": "gs://state",
    }
    read_by_steps = set(re.findall(r"steps\.target\.outputs\.(\w+)", ACTIONS[0].read_text()))
    assert read_by_steps == {*outputs, *on_google}


def test_what_the_page_says_of_a_role_for_ephemeral_stacks_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"<<'EOF'\n(.*?)\n *EOF", (ROOT / "docs/workflows.md").read_text(), re.DOTALL)
    assert found
    exec(textwrap.dedent(found[1]), {})  # noqa: S102  # the page's own example
    printed = capsys.readouterr().out
    trust, policies = json.loads(f"[{printed.replace('}' + chr(10) + '{', '},{')}]")
    subjects = trust["Statement"][0]["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    [environment] = [
        job["environment"] for workflow, _, job in jobs() if workflow == "train.yml" and "environment" in job
    ]
    assert (subjects, environment) == (["repo:OWNER/NAME:environment:dev"], "${{ inputs.stack }}")
    assert all(each["Version"] == "2012-10-17" for each in policies.values())


@pytest.mark.parametrize(
    ("arguments", "repository", "said"),
    [
        (("prod", "deploy", "s3://state"), "somebody/fork", "it has no role for it"),
        (("dev", "deploy", "s3://state"), "example/trainyard", "is empty"),
        (("dev", "", "s3://state"), "example/trainyard", "set AWS_ROLE_ARN"),
        (("dev", "arn:aws:iam::999999999999:role/x", "s3://state"), "example/trainyard", "not in account 123456789012"),
        (("prod", "deploy", ""), "example/trainyard", "PULUMI_BACKEND_URL"),
        (("prod", "deploy", "s3://state\nrole=evil"), "example/trainyard", "PULUMI_BACKEND_URL"),
        (("local", "deploy", "s3://state"), "example/trainyard", "is neither aws nor gcp"),
        (("gcp-prod", "deploy", "gs://state"), "somebody/fork", "it has no role for it"),
        (("gcp-dev", "", "gs://state"), "example/trainyard", "set GCP_SERVICE_ACCOUNT"),
        (("gcp-dev", "me@other-project.iam.gserviceaccount.com", "gs://s"), "example/trainyard", "is '"),
        (
            ("gcp-dev", "run-er@other-project.iam.gserviceaccount.com", "gs://s"),
            "example/trainyard",
            "is not of project",
        ),
        (("gcp-prod", "deploy", "gs://state"), "example/trainyard", "set GCP_WORKLOAD_IDENTITY_PROVIDER"),
        (("nothing", "deploy", "s3://state"), "example/trainyard", "there is no Pulumi.nothing.yaml"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_stack_without_a_target_is_told_of(arguments: tuple[str, str, str], repository: str, said: str) -> None:
    sys.path.insert(0, str(FOLDER / "scripts"))
    try:
        from deployment_target import NoTarget, find_target
    finally:
        sys.path.remove(str(FOLDER / "scripts"))
    with pytest.raises(NoTarget, match=re.escape(said)):
        find_target(*arguments, repository)
