"""The pack's server, as a deployment meets it: rules that crash, and configuration that is wrong, stop everything."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.events import PolicyPackFailed, PolicyViolation
from engine.policy_config import PolicyConfigError
from tests.engine.policy_packs import ROOT, policy_python, start_pack, write_pack
from tests.engine.robustness import Project, make_project
from tests.processes import no_process_left

YARD = [sys.executable, str(ROOT / "scripts" / "yard.py")]
POLICY, CONFIGURATION = 5, 2

PACK = """
import sys
from pathlib import Path

sys.path.insert(0, {root!r})

from policies.quick_imports import import_protocol

import_protocol()

from policies import configuration
from policies.rules import Objection, Parameter, related_rule, resource_rule, stack_rule
from policies.server import serve

configuration.FOLDER = Path(__file__).parent / "stacks"
THING = "pulumi-python:dynamic:Resource"

def described(name, level="mandatory"):
    return dict(
        id=name, title="Things are good.", severity="high", frameworks=(), wrong="They are bad.",
        mend="make them good.", level=level, parameters={{"most": Parameter(3, "Things.", minimum=1)}},
    )

{rules}

serve("small", [rule for rule in globals().values() if hasattr(rule, "frameworks")], prepare=lambda: 1 / 0)
"""

CRASHING = {
    "resource": """
@resource_rule(THING, **described("crashes", {level!r}))
def crashes(resource, most):
    yield from ["It is bad."] if resource.name == "other" else [str(1 / 0)]
""",
    "related": """
@related_rule(THING, **described("crashes", {level!r}))
def crashes(resource, stack, most):
    yield str(1 / 0)
""",
    "stack": """
@stack_rule(THING, **described("crashes", {level!r}))
def crashes(stack, most):
    yield Objection(str(1 / 0))
""",
}

BAD = """
@resource_rule(THING, **described("bad-name"))
def bad_name(resource, most):
    if resource.name.startswith("bad"):
        yield f"It is called {resource.name}."

@stack_rule(THING, **described("few-things"))
def few_things(stack, most):
    if len(stack.of(THING)) > most:
        yield Objection(f"There are more than {most:g}.")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", 'Thing("thing")\nThing("other")\n')


def small_pack(folder: Path, rules: str, **stacks: object) -> Path:
    """A pack of these rules, served as this project's are; with configuration files of its own."""
    pack = write_pack(folder, PACK.format(root=str(ROOT), rules=rules))
    environment = Path(policy_python()).parent.parent
    (pack / "PulumiPolicy.yaml").write_text(
        "version: 1.2.3\nremediates: false\nstandalone: true\n"
        f"runtime:\n  name: python\n  options:\n    virtualenv: {environment}\n"
    )
    (pack / "stacks").mkdir()
    for name, content in stacks.items():
        (pack / "stacks" / f"{name}.json").write_text(json.dumps(content))
    return pack


def yard(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    with project.environment():
        return subprocess.run(
            [*YARD, arguments[0], "-s", "dev", *arguments[1:]],
            cwd=project.folder,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.mark.parametrize(("kind", "level"), [("resource", "mandatory"), ("related", "advisory"), ("stack", "advisory")])
def test_a_rule_that_crashes_is_named_and_lets_nothing_through(
    project: Project, tmp_path: Path, kind: str, level: str
) -> None:
    pack = small_pack(tmp_path / "pack", CRASHING[kind].format(level=level))
    outcome = project.preview(policy_packs=[pack])
    assert (outcome.finished.outcome, outcome.finished.cause) == ("failed", "policy")
    assert outcome.errors.count("rule crashes failed") == 1
    assert outcome.errors.endswith("ZeroDivisionError: division by zero")
    assert ("::thing" in outcome.errors) == (kind != "stack")
    assert outcome.events.count(PolicyPackFailed("small", "1.2.3")) == 1
    result = yard(project, "up", "--yes", "--policy-pack", str(pack))
    assert result.returncode == POLICY
    assert "rule crashes failed" in result.stdout + result.stderr
    assert project.cloud == {}
    project.wait_until_quiet()


def test_an_update_without_a_preview_stops_before_what_a_crashing_rule_should_judge(
    project: Project, tmp_path: Path
) -> None:
    pack = small_pack(tmp_path / "pack", CRASHING["resource"].format(level="advisory"))
    outcome = project.run(policy_packs=[pack])
    assert (outcome.finished.outcome, outcome.finished.cause) == ("failed", "policy")
    assert "rule crashes failed on urn:pulumi:dev::sturdy::" in outcome.errors
    assert not any(name.startswith("thing.") for name in project.cloud)
    project.wait_until_quiet()


def test_what_other_resources_violate_is_told_beside_a_crash(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", 'Thing("other")\nThing("thing")\nThing("third")\n')
    pack = small_pack(tmp_path / "pack", CRASHING["resource"].format(level="advisory"))
    outcome = project.preview(policy_packs=[pack])
    told = [event.message.splitlines()[1] for event in outcome.events if isinstance(event, PolicyViolation)]
    assert [message.startswith("It is bad.") for message in told] == [True]
    assert outcome.errors.count("rule crashes failed") == 1


def test_a_preview_tells_all_that_resources_and_the_stack_violate(tmp_path: Path) -> None:
    things = "".join(f'Thing("{name}")\n' for name in ("bad-1", "good", "bad-2"))
    project = make_project(tmp_path / "project", things)
    pack = small_pack(tmp_path / "pack", BAD, dev={"few-things": {"most": 2}})
    outcomes = [project.preview(policy_packs=[pack]) for _ in range(2)]
    told = [
        [
            (event.policy, event.urn.rpartition("::")[2])
            for event in outcome.events
            if isinstance(event, PolicyViolation)
        ]
        for outcome in outcomes
    ]
    assert told == 2 * [[("bad-name", "bad-1"), ("bad-name", "bad-2"), ("few-things", "")]]
    assert {outcome.finished.cause for outcome in outcomes} == {"policy"}


EXPIRED = [{"resource": "bad-1", "reason": "It was so.", "expires": "2020-01-31"}]


def test_a_stacks_wrong_configuration_stops_with_all_that_is_wrong(project: Project, tmp_path: Path) -> None:
    content = {"bad-nam": "advisory", "few-things": {"most": "many"}, "bad-name": {"exemptions": EXPIRED}}
    pack = small_pack(tmp_path / "pack", BAD, dev=content)
    for action in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        result = yard(project, *action, "--policy-pack", str(pack))
        assert result.returncode == CONFIGURATION, result.stdout
        for message in (
            "'bad-nam' is not a rule of this pack; did you mean 'bad-name'?",
            "few-things.most: 'many' is not valid; expected a number of 1 or more",
            "bad-name.exemptions: of 'bad-1': it expired on 2020-01-31",
        ):
            assert f"policy configuration stacks/dev.json: {message}" in result.stdout
    assert project.cloud == {}
    project.wait_until_quiet()


def test_a_given_configuration_that_is_wrong_stops_an_update(project: Project, tmp_path: Path) -> None:
    pack = small_pack(tmp_path / "pack", BAD)
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"bad-name": {"exemptions": EXPIRED}}))
    result = yard(project, "up", "--yes", "--policy-pack", str(pack), "--policy-pack-config", str(given))
    assert result.returncode == CONFIGURATION, result.stdout
    message = "bad-name.exemptions: of 'bad-1': it expired on 2020-01-31"
    assert f"policy pack small: policy configuration: {message}" in result.stdout
    assert project.cloud == {}
    project.wait_until_quiet()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"bad-nam": "advisory"}, "bad-nam: the policy pack has no such policy; did you mean bad-name?"),
        ({"few-things": {"most": "many"}}, "few-things.most: 'many' is not of type 'number'"),
        ({"bad-name": {"exemptions": [{"resource": "bad-1"}]}}, "'reason' is a required property"),
        ({"bad-name": "remediate"}, "bad-name: 'remediate' is not a level; valid are advisory, mandatory, disabled"),
    ],
)
def test_a_given_configuration_that_is_wrong_is_refused(
    tmp_path: Path, content: dict[str, object], message: str
) -> None:
    pack = small_pack(tmp_path / "pack", BAD)
    with no_process_left(), pytest.raises(PolicyConfigError) as raised:
        start_pack(pack, stack="elsewhere", policy_config=content)
    assert str(raised.value).startswith("policy pack small: policy configuration: ")
    assert message in str(raised.value)


def test_what_is_given_wins_over_the_stacks_own_configuration(tmp_path: Path) -> None:
    pack = small_pack(tmp_path / "pack", BAD, dev={"bad-name": "advisory", "few-things": {"most": 5}})
    with no_process_left(), start_pack(pack, stack="dev", policy_config={"few-things": {"most": 7}}) as running:
        assert {policy.name: policy.level for policy in running.policies} == {
            "bad-name": "advisory",
            "few-things": "mandatory",
        }


def test_a_read_only_pack_runs(project: Project, tmp_path: Path) -> None:
    pack = small_pack(tmp_path / "pack", BAD)
    for path in (pack / "stacks", pack):
        path.chmod(0o555)
    try:
        assert project.preview(policy_packs=[pack]).finished.outcome == "succeeded"
    finally:
        pack.chmod(0o755)
        (pack / "stacks").chmod(0o755)


def test_what_the_pack_has_no_use_for_is_not_imported() -> None:
    source = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        "from policies.quick_imports import import_protocol; import_protocol(); import policies.server; "
        "print([name for name in ('dill', 'pulumi.resource', 'pulumi_policy') if name in sys.modules])"
    )
    result = subprocess.run([policy_python(), "-c", source], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_whole_pack_runs_where_it_is_copied_to(tmp_path: Path) -> None:
    for name in ("policies", "planning"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    with no_process_left(), start_pack(tmp_path / "policies", stack="elsewhere") as running:
        assert running.name == "trainyard"
