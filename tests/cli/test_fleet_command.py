"""`yard fleet`: what it prints, what it writes into a stack's file, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.fleet_tables import print_answer
from planning.fleet.baseline import baselines
from planning.fleet.explanation import explain
from planning.fleet.optimise import plan_fleet
from planning.fleet.work_document import parse_work
from tests.cli.yard import ROOT, Result, make_project, yard
from tests.planning.fleet.books import book, kind, price

GOLDEN = Path(__file__).parent / "golden"
DEV = """\
# The stack of a test.
config:
  aws:region: eu-west-1   # Ireland
  trainyard:cloud: aws
  trainyard:aws:
    network:
      zones: [eu-west-1a, eu-west-1b]
    gpu_pools:
      # An old one.
      training:
        capacity: spot
        instance_types: [g5.xlarge]

    budget:
      monthly_usd: 500   # enough
"""
ASKED = ("--gpu-hours", "100", "--deadline", "48h", "--cloud", "aws")
THERE = (*ASKED, "--region", "eu-west-1")
BY_THE_HOUR = ("--capacity", "on_demand", "--capacity", "spot")
"""Without what is paid by the day, whose whole days take most of the time that a fleet is sought."""
TABLES = {
    "types_aws.csv": (
        "cloud,name,architecture,vcpus,memory_gib,gpu,gpu_count,gpu_memory_gib,gpu_interconnect,nvme_gb,network_gbps,"
        "rdma_interfaces,network_cards,capacity_blocks,hibernation,source,as_of\n"
        "aws,p9.test,x86_64,96,1152,A100,8,40,nvlink,8000,400,4,4,1,0,made up,2026-11-01\n"
    ),
    "instances_aws.csv": (
        "cloud,region,zone,instance_type,capacity,usd_per_hour,currency,interruption_band,basis,source,as_of\n"
        "aws,eu-west-1,eu-west-1b,p9.test,spot,0.8,USD,<5%,published,made up,2026-11-01\n"
        "aws,eu-west-1,,p9.test,reserved,0.5,USD,,published,made up,2026-11-01\n"
        "aws,eu-west-1,,p9.test,flex_start,0.4,USD,,published,made up,2026-11-01\n"
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose prices are the shipped ones and those of a type that nothing is cheaper than."""
    folder = make_project(tmp_path / "shop", "")
    prices = folder / ".trainyard" / "prices"
    prices.mkdir(parents=True)
    for name, text in TABLES.items():
        (prices / name).write_text(text)
    (folder / "Pulumi.dev.yaml").write_text(DEV)
    return folder


def fleet(project: Path, *arguments: str) -> Result:
    return yard("fleet", *arguments, cwd=project)


def answered(result: Result) -> Any:
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_people_read_the_fleet_its_cost_its_reasons_and_what_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    alpha, beta, cloud = kind("alpha"), kind("beta", "H100", 4), kind("gamma", "L4", cloud="gcp")
    offers = book(
        [
            (alpha, price(alpha, 1.0, capacity="spot", interruption_band=">20%")),
            (alpha, price(alpha, 3.0)),
            (beta, price(beta, 40.0, basis="derived")),
            (cloud, price(cloud, 0.9, "us-central1")),
            (kind("bare", "", 0, gpu_memory_gib=0.0), price(kind("bare", "", 0), 0.1)),
        ]
    )
    work = parse_work(
        {
            "gpu_hours": 250,
            "measured": {"A100": 1},
            "deadline_hours": "1d",
            "quotas": ["*:*:*:spot=8"],
            "data": "aws:eu-west-1",
            "data_gb": 300,
            "result_gb": 1,
        }
    )
    plan = plan_fleet(work, offers)
    print_answer(plan, explain(plan, offers), baselines(work, offers), aim="cost", as_of="2026-11-01", dated=3)
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    assert printed == (GOLDEN / "fleet.txt").read_text()


def test_machines_read_the_same_as_json(project: Path) -> None:
    document = answered(fleet(project, *THERE, "--json", "--quota", "aws:*:*:spot=8"))
    assert document["pools"][0]["instance_type"] == "p9.test"
    assert document["usd"] == pytest.approx(sum(document["breakdown_usd"].values()), abs=1e-4)
    assert document["gap"] <= 1e-3
    assert document["bound"] <= document["usd"]
    assert {"why", "next_best", "binding_limits", "single_type", "on_demand_only", "left_out", "assumed"} <= set(
        document
    )
    assert any(each["reason"] == "another cloud" for each in document["left_out"])


def test_a_file_says_the_same_as_options_which_go_before_it(project: Path) -> None:
    text = "gpu_hours: 100\ndeadline_hours: 48h\nclouds: [aws]\nregions: eu-west-1\ncapacities: [on_demand, spot]\n"
    (project / "work.yaml").write_text(text)
    asked = fleet(project, *THERE, *BY_THE_HOUR, "-j")
    assert answered(fleet(project, "--work", "work.yaml", "-j")) == answered(asked)
    other = answered(fleet(project, "--work", "work.yaml", "--capacity", "on_demand", "--json"))
    assert {each["capacity"] for each in other["pools"]} == {"on_demand"}


def test_the_least_time_and_the_front_agree(project: Path) -> None:
    earliest = answered(fleet(project, *THERE, "--minimise", "time", "--max-nodes", "8", "--json"))
    picture = project / "front.svg"
    front = answered(fleet(project, *THERE, "--max-nodes", "8", "--pareto", "--json", "--picture", str(picture)))[
        "front"
    ]
    assert front[0]["hours"] == pytest.approx(earliest["hours"])
    assert [each["usd"] for each in front] == sorted((each["usd"] for each in front), reverse=True)
    drawn = picture.read_text()
    assert "<svg" in drawn
    for name in ("front.png", "front.html"):
        result = fleet(project, *THERE, "--max-nodes", "8", "--picture", name)
        assert result.code == 0, result.err
        assert f"Drawn in {name}" in result.out
    assert (project / "front.png").read_bytes().startswith(b"\x89PNG")
    assert "<table>" in (project / "front.html").read_text()


def test_work_that_cannot_be_done_is_an_error_that_tells_what_would_be_enough(project: Path) -> None:
    result = fleet(project, "--gpu-hours", "5000", "--deadline", "1h", "--max-nodes", "2", "--cloud", "aws")
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("yard: no fleet does this work within its limits.\nEach of these changes alone")
    assert "a deadline of" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "deadline_hours: has to be set"),
        (("--gpu-hours", "-5", "--deadline", "2h"), "gpu_hours = -5.0"),
        (("--gpu-hours", "nan", "--deadline", "2h"), "gpu_hours = nan"),
        (("--gpu-hours", "5", "--deadline", "0"), "deadline_hours = 0"),
        (("--gpu-hours", "5", "--deadline", "soon"), "deadline_hours = 'soon'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--cloud", "mars"), "clouds = 'mars'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--region", "mars"), "regions = 'mars'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--type", "huge"), "instance_types = 'huge'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--quota", "all"), "quota = 'all'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--data", "home"), "data = 'home'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--budget", "0"), "budget_usd = 0.0"),
        (("--gpu-hours", "5", "--deadline", "2h", "--tolerance", "0"), "tolerance = 0.0"),
        (("--gpu-hours", "5", "--deadline", "2h", "--pareto", "--picture", "a.gif"), "picture = 'a.gif'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--picture", "none/a.png"), "picture = 'none/a.png'"),
        (("--gpu-hours", "5", "--samples", "5", "--deadline", "2h"), "exactly one"),
        (("--gpu-hours", "5", "--deadline", "2h", "--quota", "aws:nowhere:FOO:spot=0"), "no region 'nowhere' on aws"),
        (("--gpu-hours", "5", "--deadline", "366d"), "deadline_hours = 8784.0: must be a number from 0 to 8760"),
        (("--gpu-hours", "5", "--deadline", "2h", "--storage-gb", "1e308"), "storage_gb = 1e+308"),
        (("--gpu-hours", "5", "--deadline", "2h", "--reservation", "x"), "reservation = 'x': needs --write"),
        (("--work", "none.yaml"), "work = 'none.yaml'"),
        (("--gpu-hours", "5", "--deadline", "2h", "--pareto", "--write", "Pulumi.dev.yaml"), "write = "),
    ],
)
def test_bad_input_is_refused_by_name(project: Path, arguments: tuple[str, ...], message: str) -> None:
    result = fleet(project, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_broken_row_of_the_price_book_is_told_with_its_file_and_line(project: Path) -> None:
    file = project / ".trainyard" / "prices" / "instances_aws.csv"
    file.write_text(file.read_text().replace("0.8", "-1"))
    result = fleet(project, *THERE)
    assert result.code == 2
    assert f"{file}:2: usd_per_hour = -1" in result.err


def test_the_answer_is_written_as_pools_and_nothing_else_changes(project: Path) -> None:
    result = fleet(project, *THERE, "--capacity", "spot", "--max-nodes", "3", "--write", "Pulumi.dev.yaml")
    assert result.code == 0, result.err
    assert "Written to Pulumi.dev.yaml as trainyard:aws.gpu_pools in place of training." in result.out
    pools = """\
    gpu_pools:
      spot-p9-test:
        capacity: spot
        instance_types: [p9.test]
        min_nodes: 0
        max_nodes: 3
        zones: [eu-west-1b]
        disk_gib: 200
"""
    before, _, rest = DEV.partition("    gpu_pools:")
    after = rest[rest.index("\n    budget:") :]
    written = (project / "Pulumi.dev.yaml").read_text()
    head, _, tail = written.partition(pools)
    assert head == before
    assert tail == after
    again = fleet(project, *THERE, "--capacity", "spot", "--max-nodes", "3", "--write", "Pulumi.dev.yaml")
    assert again.code == 0, again.err
    assert (project / "Pulumi.dev.yaml").read_text() == written


def test_machines_are_told_what_was_written_in_place_of_what(project: Path) -> None:
    arguments = (*THERE, "--capacity", "spot", "--max-nodes", "3", "--json")
    document = answered(fleet(project, *arguments, "--write", "Pulumi.dev.yaml"))
    assert document["written"] == {"file": "Pulumi.dev.yaml", "replaced_pools": ["training"]}
    assert "written" not in answered(fleet(project, *arguments))


def test_scratch_space_stays_on_the_disks_of_the_nodes(project: Path) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text(DEV.replace("[g5.xlarge]\n", "[g5.xlarge]\n        scratch: instance_store\n"))
    result = fleet(project, *THERE, "--capacity", "spot", "--max-nodes", "3", "--write", "Pulumi.dev.yaml")
    assert result.code == 0, result.err
    pools = yaml.safe_load(file.read_text())["config"]["trainyard:aws"]["gpu_pools"]
    assert [pool["scratch"] for pool in pools.values()] == ["instance_store"]


def test_interruptions_that_never_let_work_finish_are_no_traceback(project: Path) -> None:
    for often in ("10000", "1e308", "1e-320"):
        result = fleet(project, *THERE, *BY_THE_HOUR, "--interruptions-per-hour", often)
        assert (result.code, result.err) == (0, "")
        assert "inf" not in result.out


@pytest.mark.parametrize("pools", ["", "    gpu_pools: {}\n"])
def test_a_stack_without_pools_gets_them(project: Path, pools: str) -> None:
    text = DEV[: DEV.index("    gpu_pools:")] + pools + DEV[DEV.index("    budget:") :]
    (project / "Pulumi.dev.yaml").write_text(text)
    result = fleet(project, *THERE, "--capacity", "spot", "--max-nodes", "3", "--write", "Pulumi.dev.yaml")
    assert result.code == 0, result.err
    written = (project / "Pulumi.dev.yaml").read_text()
    document = yaml.safe_load(written)
    assert list(document["config"]["trainyard:aws"]["gpu_pools"]) == ["spot-p9-test"]
    assert "# Ireland" in written
    assert "# enough" in written
    del document["config"]["trainyard:aws"]["gpu_pools"]
    expected = yaml.safe_load(text)
    expected["config"]["trainyard:aws"].pop("gpu_pools", None)
    assert document == expected


def test_a_reserved_fleet_needs_its_capacity_block(project: Path) -> None:
    few = ("--type", "p9.test", "--max-nodes", "3")
    reserved = (*THERE, "--capacity", "reserved", *few, "--write", "Pulumi.dev.yaml")
    for arguments, message in (
        ((), "name its capacity block with --reservation"),
        (("--reservation", "cr-0123456789abcdef0"), "needs the block's zone too"),
        (("--reservation", "cr-0123456789abcdef0@eu-west-1c"), "its network has the zones eu-west-1a, eu-west-1b"),
        (("--reservation", "mine"), "must be cr-0123456789abcdef0"),
    ):
        result = fleet(project, *reserved, *arguments)
        assert result.code == 2
        assert message in result.err
        assert (project / "Pulumi.dev.yaml").read_text() == DEV
    result = fleet(project, *reserved, "--reservation", "cr-0123456789abcdef0@eu-west-1a")
    assert result.code == 0, result.err
    pools = yaml.safe_load((project / "Pulumi.dev.yaml").read_text())["config"]["trainyard:aws"]["gpu_pools"]
    (pool,) = pools.values()
    assert pool["capacity_reservation_id"] == "cr-0123456789abcdef0"
    assert pool["zones"] == ["eu-west-1a"]


def test_a_synchronous_fleet_is_written_as_tightly_coupled(project: Path) -> None:
    result = fleet(
        project, *THERE, "--synchronous", "--capacity", "on_demand", "--gpu-memory", "15", "--write", "Pulumi.dev.yaml"
    )
    assert result.code == 0, result.err
    pools = yaml.safe_load((project / "Pulumi.dev.yaml").read_text())["config"]["trainyard:aws"]["gpu_pools"]
    (pool,) = pools.values()
    assert pool.get("tightly_coupled", False) == (pool["max_nodes"] > 1)
    assert pool["max_nodes"] == 1 or pool["zones"] == ["eu-west-1a"]


def google_stack(project: Path, *zones: str) -> Path:
    """A stack's file whose network is in these zones of europe-west4."""
    file = project / "Pulumi.google.yaml"
    named = ", ".join(f"europe-west4-{zone}" for zone in zones)
    file.write_text(
        "config:\n  gcp:region: europe-west4\n  trainyard:cloud: gcp\n  trainyard:gcp:\n    network:\n"
        f"      zones: [{named}]\n    gpu_pools: {{}}\n"
    )
    return file


def add_google_price(project: Path, what: str) -> None:
    """A price in europe-west4: of a type, bought one way, in US dollars an hour."""
    head = TABLES["instances_aws.csv"].splitlines()[0]
    row = f"gcp,europe-west4,,{what},USD,,published,made up,2026-11-01"
    (project / ".trainyard" / "prices" / "instances_gcp.csv").write_text(f"{head}\n{row}\n")


ON_GOOGLE = ("--cloud", "gcp", "--region", "europe-west4", "--deadline", "48h", "--write", "Pulumi.google.yaml")


def test_a_fleet_on_google_is_written_to_the_first_zone_that_has_its_machines(project: Path) -> None:
    file = google_stack(project, "a", "b", "c")
    asked = ("--gpu-hours", "3000", "--synchronous", "--type", "a3-highgpu-8g", "--capacity", "spot")
    result = fleet(project, *ON_GOOGLE, *asked)
    assert result.code == 0, result.err
    (pool,) = yaml.safe_load(file.read_text())["config"]["trainyard:gcp"]["gpu_pools"].values()
    assert (pool["zones"], pool["tightly_coupled"]) == (["europe-west4-b"], True)


@pytest.mark.parametrize("coupling", [(), ("--synchronous",)])
@pytest.mark.parametrize(
    ("zones", "bought", "message"),
    [
        (
            "bc",
            ("a2-ultragpu-1g", "spot"),
            "its network has no zone for this fleet: europe-west4-b, europe-west4-c have",
        ),
        (
            "ab",
            ("a3-ultragpu-8g", "on_demand"),
            "machine_type = 'a3-ultragpu-8g': a3-ultragpu-8g cannot be had as on_demand",
        ),
    ],
)
def test_machines_that_a_stack_on_google_cannot_have_are_not_written(
    project: Path, coupling: tuple[str, ...], zones: str, bought: tuple[str, str], message: str
) -> None:
    file = google_stack(project, *zones)
    before = file.read_text()
    add_google_price(project, "a3-ultragpu-8g,on_demand,80")
    type_, capacity = bought
    result = fleet(project, *ON_GOOGLE, *coupling, "--gpu-hours", "90", "--type", type_, "--capacity", capacity)
    assert result.code == 2
    assert f"write = 'Pulumi.google.yaml': {message}" in result.err
    assert file.read_text() == before


def test_a_reservation_is_in_a_zone_that_has_its_machines(project: Path) -> None:
    file = google_stack(project, "a", "b")
    add_google_price(project, "a3-highgpu-8g,reserved,20")
    asked = (*ON_GOOGLE, "--gpu-hours", "100", "--capacity", "reserved", "--reservation")
    nothing = fleet(project, *ON_GOOGLE, "--gpu-hours", "90", "--capacity", "spot", "--reservation", "x@europe-west4-a")
    assert "reservation = 'x@europe-west4-a': this fleet has nothing reserved" in nothing.err
    refused = fleet(project, *asked, "ours@europe-west4-a")
    assert refused.code == 2
    assert "reservation = 'ours@europe-west4-a': europe-west4-a has no a3-highgpu-8g; zones of" in refused.err
    assert refused.err.count("\n") == 1
    written = fleet(project, *asked, "ours@europe-west4-b")
    assert written.code == 0, written.err
    (pool,) = yaml.safe_load(file.read_text())["config"]["trainyard:gcp"]["gpu_pools"].values()
    assert (pool["reservation"], pool["zones"]) == ("ours", ["europe-west4-b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DEV.replace("trainyard:cloud: aws", "trainyard:cloud: local"), "its trainyard:cloud is 'local'"),
        (DEV.replace("trainyard:cloud: aws", "trainyard:cloud: gcp"), "must set gcp:region and trainyard:gcp"),
        (DEV.replace("eu-west-1", "us-east-1"), "its stack is in aws:us-east-1, and this fleet in aws:eu-west-1"),
        (DEV.replace("eu-west-1b", "eu-west-1c"), "its network has the zones eu-west-1a, eu-west-1c"),
        ("config:\n  trainyard:cloud: aws\n", "must set aws:region and trainyard:aws"),
        ("config: [\n", "Pulumi.dev.yaml"),
        ("just text\n", "Pulumi.dev.yaml"),
        (None, "cannot be read"),
    ],
)
def test_a_stack_that_the_fleet_does_not_fit_is_left_alone(project: Path, text: str | None, message: str) -> None:
    file = project / "Pulumi.dev.yaml"
    file.unlink()
    if text is not None:
        file.write_text(text)
    result = fleet(project, *THERE, "--capacity", "spot", "--type", "p9.test", "--write", str(file))
    assert result.code == 2
    assert message in result.err
    assert (file.read_text() if file.exists() else None) == text


def test_capacity_that_the_platform_does_not_buy_is_not_written(project: Path) -> None:
    result = fleet(project, *THERE, "--capacity", "flex_start", "--write", "Pulumi.dev.yaml")
    assert result.code == 2
    assert "a stack on aws buys on_demand, spot, reserved, and not flex_start" in result.err
    assert (project / "Pulumi.dev.yaml").read_text() == DEV


def test_only_a_stack_file_is_written_to(project: Path) -> None:
    (project / "other.yaml").write_text(DEV)
    result = fleet(project, *THERE, "--write", "other.yaml")
    assert result.code == 2
    assert "must be a stack's file, Pulumi.STACK.yaml" in result.err


@pytest.mark.parametrize(
    ("stack", "place", "kind"),
    [
        ("dev", ("aws", "--region", "eu-west-1"), "instance_types"),
        ("gcp-dev", ("gcp", "--region", "europe-west4"), "machine_type"),
        # One that starts from Hyperdisk only, and one with disks of its own.
        ("gcp-dev", ("gcp", "--region", "europe-west4", "--type", "g4-standard-48"), "machine_type"),
        ("gcp-dev", ("gcp", "--region", "europe-west4", "--type", "a3-highgpu-8g"), "machine_type"),
        # Nodes that work together, in the one of the network's zones that has them.
        (
            "gcp-dev",
            ("gcp", "--region", "europe-west4", "--type", "a3-highgpu-8g", "--synchronous", "--gpu-hours", "3000"),
            "machine_type",
        ),
    ],
)
def test_the_shipped_stack_can_be_previewed_after_a_fleet_was_written_to_it(
    tmp_path: Path, stack: str, place: tuple[str, ...], kind: str
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", "infra", "planning", "workloads", "policies"):
        (folder / name).symlink_to(ROOT / name)
    file = f"Pulumi.{stack}.yaml"
    # The moment that is written in it passes one day.
    text = re.sub(r"(?m)^(  trainyard:expires_at: ).*$", r'\1"2999-01-01T00:00:00Z"', (ROOT / file).read_text())
    (folder / file).write_text(text)
    asked = ("--gpu-hours", "100", "--deadline", "48h", "--cloud", *place, "--capacity", "spot", "--max-nodes", "6")
    written = fleet(folder, *asked, "--write", file)
    assert written.code == 0, written.err
    pools = yaml.safe_load((folder / file).read_text())["config"][f"trainyard:{place[0]}"]["gpu_pools"]
    assert [pool for pool in pools.values() if pool["capacity"] != "spot" or not pool[kind]] == []
    previewed = yard("preview", "-s", stack, cwd=folder)
    assert previewed.code == 0, previewed.err
    assert "to create" in previewed.out


def test_simulate_and_schedule_are_its_subcommands() -> None:
    shown = yard("fleet", "--help")
    assert shown.code == 0
    assert "simulate" in shown.out
    assert "schedule" in shown.out
    assert yard("fleet", "simulate", "--help").code == 0
    assert yard("fleet", "schedule", "--help").code == 0
