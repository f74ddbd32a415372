"""`yard compare` as a user runs it: what is printed and written, and how wrong options end."""

import json
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import make_project, yard


@pytest.fixture(scope="module", name="project")
def any_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("compare") / "shop", "")


def test_it_ranks_the_clouds_and_says_what_it_leaves_out(project: Path) -> None:
    result = yard("compare", "--gpu", "A100", "--data", "aws:eu-west-1", "--data-gb", "500", cwd=project)
    assert result.code == ExitStatus.SUCCESS, result.err
    assert "comes first" in result.out
    assert "transfer_cost" in result.out
    assert "tencent: the price book has no prices of this cloud at all" in result.out
    assert "Sources" not in result.out


def test_it_prints_the_sources_on_demand(project: Path) -> None:
    result = yard("compare", "--gpu", "A100", "--sources", cwd=project)
    assert result.code == ExitStatus.SUCCESS, result.err
    assert "\nSources\n  [1] " in result.out


def test_it_prints_json_and_writes_a_page_and_a_picture(project: Path, tmp_path: Path) -> None:
    page, picture, weights = tmp_path / "a.html", tmp_path / "a.png", tmp_path / "w.yaml"
    page.write_text("old")
    weights.write_text("price: 9\negress: 7\n")
    result = yard(
        "compare", "--gpu-memory", "40", "--weights", str(weights), "--weight", "egress=2",
        "--json", "--html", str(page), "--png", str(picture), cwd=project,
    )  # fmt: skip
    assert result.code == ExitStatus.SUCCESS, result.err
    document = json.loads(result.out)
    assert document["asked"]["gpu_memory_gib"] == 40
    assert document["criteria"]["price"]["weight"] == 9
    assert document["criteria"]["egress"]["weight"] == 2
    assert document["rows"][0]["rank"] == 1
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.html", "a.png", "w.yaml"]


def test_a_projects_own_prices_lie_over_the_shipped_ones(tmp_path: Path) -> None:
    project = make_project(tmp_path / "own", "")
    prices = project / ".trainyard" / "prices"
    prices.mkdir(parents=True)
    (prices / "instances_azure.csv").write_text(
        "cloud,region,zone,instance_type,capacity,usd_per_hour,currency,interruption_band,basis,source,as_of\n"
        "azure,eastus,,Standard_NC4as_T4_v3,on_demand,0.0123,USD,,published,a bargain,2026-11-25\n"
    )
    result = yard("compare", "--gpu", "T4", "--cloud", "azure", "--json", cwd=project)
    assert result.code == ExitStatus.SUCCESS, result.err
    measured = json.loads(result.out)["rows"][0]["measured"]
    assert measured["price"]["value"] == 0.0123


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--gpu", "A1000"), "did you mean A100"),
        (("--cloud", "amazon"), "it knows aws, gcp, azure"),
        (("--cloud", "huawei"), "huawei: the price book has no prices of this cloud at all"),
        (("--region", "eu-west-99"), "region = 'eu-west-99'"),
        (("--continent", "Europa"), "did you mean Europe?"),
        (("--data", "ireland"), "--data = 'ireland': must be CLOUD:REGION"),
        (("--weight", "price=-1"), "weight of price = -1.0"),
        (("--weight", "price=nan"), "weight of price = nan"),
        (("--weight", "beauty=1"), "there is no such criterion"),
        (("--weights", "/nowhere/w.yaml"), "--weights = '/nowhere/w.yaml': cannot be read"),
        (("--min-coverage", "1.5"), "min_coverage = 1.5"),
        (("--per", "hour"), "--per = 'hour'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_option_ends_with_what_would_be_right(project: Path, options: tuple[str, ...], said: str) -> None:
    result = yard("compare", *options, cwd=project)
    assert result.code == ExitStatus.CONFIGURATION
    assert result.err.startswith("yard: ")
    assert said in result.err
    assert result.out == ""


@pytest.mark.parametrize("name", ["none/a", "a.txt"])
@pytest.mark.parametrize(("option", "ending"), [("--html", ".html"), ("--png", ".png")])
def test_a_file_that_cannot_be_written_is_named_before_anything_is_printed(
    project: Path, tmp_path: Path, option: str, ending: str, name: str
) -> None:
    file = tmp_path / (name if name.endswith(".txt") else name + ending)
    result = yard("compare", "--gpu", "A100", option, str(file), cwd=project)
    assert (result.code, result.out) == (ExitStatus.CONFIGURATION, "")
    said = f"must end in {ending}" if file.suffix == ".txt" else "must be in a folder that exists"
    assert f"{option} = {str(file)!r}: {said}" in result.err
