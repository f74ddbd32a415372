"""`yard fleet simulate` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.yard import ROOT, yard

TASK = ("--work-hours", "6", "--deadline-hours", "8", "--spot-price", "1", "--on-demand-price", "3")


def simulate(*arguments: str, cwd: Path | None = None, anew: bool = False) -> tuple[int, str, str]:
    result = yard("fleet", "simulate", *arguments, cwd=cwd, anew=anew)
    return result.code, result.out, result.err


def test_prints_every_policy_and_their_differences(tmp_path: Path) -> None:
    code, out, err = simulate(*TASK, "--traces", "12", cwd=tmp_path)

    assert (code, err) == (0, "")
    assert "Simulated: 6 h of work within 8 h" in out
    assert "seed 7" in out
    assert "spot-traces (Wu et al., NSDI 2024)" in out
    for label in (
        "Always on demand",
        "Greedy spot",
        "Uniform Progress",
        "Least expected cost",
        "Spot only",
        "Omniscient",
    ):
        assert label in out
    assert "12 runs" in out


def test_prints_json_that_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    one, same, other = (
        simulate(*TASK, "--traces", "3", "--json", "--seed", seed, cwd=tmp_path, anew=True)[1]
        for seed in ("1", "1", "2")
    )

    assert one == same
    assert one != other
    document = json.loads(one)
    assert document["simulated"] is True
    assert document["runs"] == 3
    assert {each["missed"] for each in document["policies"] if each["name"] != "spot_only"} == {0}


def test_simulates_on_a_trace_file_and_draws(tmp_path: Path) -> None:
    trace = tmp_path / "zone.json"
    trace.write_text(json.dumps({"metadata": {"gap_seconds": 600}, "data": [1, 1, 1, 1, 0, 0] * 40}))

    code, out, err = simulate(
        *TASK,
        "--trace",
        str(trace),
        "--changeover",
        "6m",
        "--checkpoint",
        "30m",
        "--picture",
        "costs.svg",
        cwd=tmp_path,
    )

    assert (code, err) == (0, "")
    assert f"{trace}: runs in its last 20 h: 2; known before: its first 20 h" in out
    assert "Drawn in costs.svg" in out
    assert "Uniform Progress" in (tmp_path / "costs.svg").read_text()


def test_several_instances_cost_as_much_more(tmp_path: Path) -> None:
    trace = tmp_path / "zone.json"
    trace.write_text(json.dumps({"metadata": {"gap_seconds": 600}, "data": [4] * 200}))

    def cost(instances: str) -> float:
        _, out, _ = simulate(*TASK, "--trace", str(trace), "--instances", instances, "--json", cwd=tmp_path)
        return float(json.loads(out)["policies"][1]["usd"]["mean"])

    assert cost("4") == pytest.approx(4 * cost("1"))


def test_takes_prices_from_the_book() -> None:
    work = ("--work-hours", "2", "--deadline-hours", "4")

    code, out, err = simulate(*work, "--type", "aws:eu-west-1:g5.xlarge", "--traces", "2", "--json", cwd=ROOT)

    assert (code, err) == (0, "")
    document = json.loads(out)
    task = document["task"]
    assert document["sources"][1].startswith("prices of aws:eu-west-1:g5.xlarge: on demand ")
    assert "availability is not that of g5.xlarge" in document["sources"][2]
    assert 0 < task["spot_usd_per_hour"] < task["on_demand_usd_per_hour"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--work-hours", "6", "--deadline-hours", "8"), "--spot-price and --on-demand-price: both are needed"),
        ((*TASK, "--type", "aws:eu-west-1:g5.xlarge"), "must be left out where prices are given"),
        ((*TASK, "--deadline-hours", "6"), "deadline_hours = 6: must be 6.1 or more"),
        ((*TASK, "--work-hours", "nan"), "work_hours = nan: must be a finite number above 0"),
        ((*TASK, "--spot-price", "-1"), "spot_usd_per_hour = -1.0"),
        ((*TASK, "--changeover", "soon"), "--changeover = 'soon': must be a time such as 0.1h"),
        ((*TASK, "--generate", "moon"), "--generate = 'moon': must be one of v100x1:us-east-1a"),
        ((*TASK, "--generate", "band:<5%", "--trace", "x.json"), "must be left out where --trace is given"),
        ((*TASK, "--trace", "missing.json"), "missing.json: cannot be read as a trace"),
        ((*TASK, "--deadline-hours", "1e9"), "deadline_hours = 1e+09: must be 8760 (a year) or less"),
        ((*TASK, "--traces", "100000"), "--traces = 100000 and --deadline-hours = 8: would take too long"),
        ((*TASK, "--traces", "0"), "traces = 0: must be a whole number, 1 or more"),
        ((*TASK, "--instances", "0"), "instances = 0: must be a whole number, 1 or more"),
        ((*TASK, "--picture", "costs.gif"), "must end in .png or .svg"),
    ],
)
def test_says_what_is_wrong_and_ends_with_two(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = simulate(*arguments, cwd=tmp_path)

    assert (code, out) == (2, "")
    assert err.startswith("yard: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []
