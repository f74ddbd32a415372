"""`yard cost`: what people and machines read, whence the plan comes, and how wrong input ends.

TRAINYARD_WRITE_GOLDEN=1 writes the costs of dev and gcp-dev anew.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import ROOT, Result, make_file_project, make_project, yard
from tests.infra.plan import make_project as make_own_project

GOLDEN = Path(__file__).parent / "golden"
NOTHING = "import pulumi\n"


def _state(type_: str, name: str, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::shop::{type_}::{name}", "type": type_, "custom": True, "inputs": inputs}


def _document(*states: dict[str, Any], **more: Any) -> str:
    steps = [{"op": "create", "urn": state["urn"], "newState": state} for state in states]
    return json.dumps({"config": {"aws:region": "eu-west-1"}, "steps": steps} | more)


ADDRESS = _state("aws:ec2/eip:Eip", "address")
POOL = _state(
    "aws:eks/nodeGroup:NodeGroup",
    "gpu-training",
    labels={"trainyard.dev/pool": "training"},
    scalingConfig={"minSize": 0, "maxSize": 4},
    instanceTypes=["g5.xlarge"],
)
MACHINE = _state("aws:ec2/instance:Instance", "machine", instanceType="g5.xlarge")
NAT = _state("aws:ec2/natGateway:NatGateway", "nat")
DATABASE = _state("aws:rds/instance:Instance", "database")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with stored documents: one.json has an address, two.json a NAT gateway and a database besides."""
    folder = make_project(tmp_path / "project", NOTHING)
    (folder / "one.json").write_text(_document(ADDRESS))
    (folder / "two.json").write_text(_document(ADDRESS, NAT, DATABASE))
    return folder


def _without_age(result: Result) -> str:
    assert result.code == ExitStatus.SUCCESS, result.err
    return re.sub(r"the oldest \d+ days? old", "the oldest N days old", result.out)


@pytest.mark.parametrize("stack", ["dev", "gcp-dev"])
def test_the_cost_of_a_stack_reads_as_the_golden_file(tmp_path: Path, stack: str) -> None:
    folder = make_own_project(tmp_path, stack)
    name = f"cost_{stack.replace('-', '_')}.txt"
    said, golden = _without_age(yard("cost", "-s", stack, cwd=folder)), GOLDEN / name
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(said)
    assert said == golden.read_text()
    assert not (folder / ".pulumi").exists(), "a cost changes nothing"


def test_every_line_is_shown_with_its_source(project: Path) -> None:
    result = yard("cost", "--document", "two.json", "--lines", cwd=project)
    assert "NAT gateway: 730 hour at $0.048" in result.out
    assert "usage type EU-NatGateway-Hours" in result.out
    assert "1 x aws:rds/instance:Instance: nobody prices this type" in result.out


def test_what_runs_on_this_machine_costs_nothing_and_says_so(tmp_path: Path) -> None:
    result = yard("cost", cwd=make_own_project(tmp_path, "local"))
    assert result.code == ExitStatus.SUCCESS, result.err
    assert re.search(r"a month +\$0.00", result.out)
    assert "run on this machine" in result.out
    assert "at least" not in result.out


def test_a_stored_document_is_priced_from_a_file_or_standard_input(project: Path) -> None:
    written = yard("cost", "-d", "one.json", "--json", cwd=project)
    priced = json.loads(written.out)
    assert priced["totals"]["usd_per_month"] == pytest.approx(730 * 0.005)
    assert (priced["currency"], priced["region"], priced["complete"]) == ("USD", "eu-west-1", True)
    assert yard("cost", "-d", "-", cwd=project).code == ExitStatus.CONFIGURATION, "standard input is empty"


def test_assumptions_are_replaced_on_the_command_line(project: Path) -> None:
    def month(*arguments: str) -> float:
        result = yard("cost", "-d", "two.json", "--json", *arguments, cwd=project)
        return float(json.loads(result.out)["totals"]["usage_usd_per_month"])

    assert month("--usage", "nat_gb=1000") == pytest.approx(48)
    assert month("-u", "nat_gb=0") == 0


def test_assumptions_come_from_the_stack_and_yield_to_the_command_line(project: Path) -> None:
    config = {"aws:region": "eu-west-1", "trainyard:usage": '{"nat_gb": 100}'}
    (project / "own.json").write_text(_document(NAT, config=config))
    own = json.loads(yard("cost", "-d", "own.json", "--json", cwd=project).out)
    assert own["usage"]["nat_gb"] == 100
    changed = json.loads(yard("cost", "-d", "own.json", "--json", "-u", "nat_gb=200", cwd=project).out)
    assert changed["usage"]["nat_gb"] == 200


def test_a_pool_that_nothing_has_is_refused_on_the_command_line_only(project: Path) -> None:
    config = {"aws:region": "eu-west-1", "trainyard:usage": '{"pools": {"gone": 0.5}}'}
    (project / "pools.json").write_text(_document(POOL, MACHINE, config=config))
    asked = ["cost", "-d", "pools.json", "--json", "-u"]
    known = yard(*asked, "pools.training=1", cwd=project)
    assert known.code == ExitStatus.SUCCESS, known.err
    assert json.loads(known.out)["usage"]["pools"] == {"gone": 0.5, "training": 1}
    # A machine has no nodes above its fewest, and a pool with a label goes by that.
    for name in ("nope", "machine", "gpu-training", "gone"):
        refused = yard(*asked, f"pools.{name}=1", cwd=project)
        assert (refused.code, refused.out) == (ExitStatus.CONFIGURATION, "")
        assert refused.err == f"yard: --usage is 'pools.{name}=1': there is no such pool; the pools are training\n"
    # A document leaves out what stays as it is: the pool may be among that.
    (project / "some.json").write_text(_document(NAT, changeSummary={"create": 1, "same": 40}))
    assert yard("cost", "-d", "some.json", "-u", "pools.training=1", cwd=project).code == ExitStatus.SUCCESS
    refused = yard("cost", "-d", "one.json", "-u", "pools.training=1", cwd=project)
    assert refused.err == "yard: --usage is 'pools.training=1': there is no pool of nodes\n"


def test_a_pool_that_one_side_of_a_difference_has_is_no_mistake(project: Path) -> None:
    (project / "pools.json").write_text(_document(POOL))
    for asked in (("-d", "pools.json", "--against", "one.json"), ("-d", "one.json", "--against", "pools.json")):
        assert yard("cost", *asked, "-u", "pools.training=1", cwd=project).code == ExitStatus.SUCCESS
        refused = yard("cost", *asked, "-u", "pools.nope=1", cwd=project)
        assert refused.code == ExitStatus.CONFIGURATION
        assert "the pools are training" in refused.err
    assert yard("cost", "-d", "pools.json", "--change", "-u", "pools.training=1", cwd=project).code == 0


def test_the_difference_of_two_documents(project: Path) -> None:
    result = yard("cost", "-d", "two.json", "--against", "one.json", cwd=project)
    assert result.code == ExitStatus.SUCCESS, result.err
    assert re.search(r"added +nat +NatGateway +\$0.00 +\$37.44 +\+\$37.44", result.out)
    assert re.search(r"a month +\$3.65 +at least \$41.09 +\+\$37.44", result.out)
    assert "Left out of the totals after:\n  1 x aws:rds/instance:Instance" in result.out
    found = json.loads(yard("cost", "-d", "one.json", "--against", "two.json", "--json", cwd=project).out)
    assert found["difference"]["usd_per_month"] == pytest.approx(-37.44)
    assert found["unpriced"] == {"aws:rds/instance:Instance": {"before": 1, "after": 0}}


def test_the_difference_to_another_stack(project: Path) -> None:
    (project / "Pulumi.other.yaml").write_text("config: {}\n")
    result = yard("cost", "-d", "one.json", "--against", "other", "--markdown", cwd=project)
    assert result.code == ExitStatus.SUCCESS, result.err
    assert "| added | address | Eip | +$3.65 |  |" in result.out


def test_the_difference_to_what_is_deployed(tmp_path: Path) -> None:
    program = "from files import File\nimport pulumi\nfolder = pulumi.Config().require('folder')\n"
    first = f"{program}File('first', folder + '/first', 'one')\n"
    project = make_file_project(tmp_path / "project", first, config=f"config:\n  shop:folder: {tmp_path}\n")
    assert yard("up", "--yes", cwd=project).code == ExitStatus.SUCCESS
    (project / "__main__.py").write_text(f"{first}File('second', folder + '/second', 'two')\n")
    whole = json.loads(yard("cost", "--json", cwd=project).out)
    assert whole["unpriced"] == {"pulumi-python:dynamic/test:File": 2}, "what stays as it is counts, too"
    change = json.loads(yard("cost", "--change", "--json", cwd=project).out)
    assert change["unpriced"] == {"pulumi-python:dynamic/test:File": {"before": 1, "after": 2}}


def test_what_a_document_does_not_show_is_said(project: Path) -> None:
    (project / "part.json").write_text(_document(ADDRESS, changeSummary={"create": 1, "same": 7}))
    result = yard("cost", "-d", "part.json", cwd=project)
    assert "7 resources stay as they are" in result.out
    assert "at least $3.65" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-d", "none.json"], "none.json: cannot be read"),
        (["-d", "Pulumi.yaml"], "preview document: is no JSON"),
        (["-d", "one.json", "-u", "nat_gb"], "--usage is 'nat_gb': must be KEY=VALUE"),
        (["-d", "one.json", "-u", "nat_gb=nan"], "trainyard:usage.nat_gb = nan: must be a finite number, 0 or more"),
        (["-d", "one.json", "-u", "nat_bg=1"], "trainyard:usage.nat_bg: no such setting; known are"),
        (["-d", "one.json", "--against", "nowhere"], "--against is 'nowhere': must be a file, or a stack"),
        (["-d", "one.json", "--against", "one.json", "--change"], "--against and --change exclude each other"),
        (["--json", "--markdown"], "--json and --markdown exclude each other"),
    ],
)
def test_wrong_input_ends_with_what_would_be_valid(project: Path, arguments: list[str], message: str) -> None:
    result = yard("cost", *arguments, cwd=project)
    assert (result.code, result.out) == (ExitStatus.CONFIGURATION, "")
    assert result.err.startswith(f"yard: {message}")


def test_a_stack_whose_preview_fails_has_no_cost(project: Path) -> None:
    (project / "__main__.py").write_text("raise ValueError('no such thing')\n")
    result = yard("cost", cwd=project)
    assert result.code not in (ExitStatus.SUCCESS, ExitStatus.CONFIGURATION)
    assert "no such thing" in result.err
    assert "yard: stack local has no cost, since its preview failed" in result.err


def test_prices_that_the_project_has_refreshed_are_used(project: Path) -> None:
    folder = project / ".trainyard" / "prices"
    folder.mkdir(parents=True)
    row = "aws,eu-west-1,public_ipv4_hour,hour,0,0.01,USD,assumed,a test,2026-11-25"
    head = (ROOT / "planning/prices/data/services_aws.csv").read_text().splitlines()[0]
    (folder / "services_aws.csv").write_text(f"{head}\n{row}\n")
    priced = json.loads(yard("cost", "-d", "one.json", "--json", cwd=project).out)
    assert priced["totals"]["usd_per_month"] == pytest.approx(7.3)
    (folder / "services_aws.csv").write_text(f"{head}\n{row.replace('0.01', 'dear')}\n")
    broken = yard("cost", "-d", "one.json", cwd=project)
    assert broken.code == ExitStatus.CONFIGURATION
    assert "usd_per_unit = 'dear'" in broken.err
