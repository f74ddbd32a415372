"""`yard prices` as a user runs it: lists, facts, ages, and a refresh against servers on loopback."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import make_project, start_yard, yard
from tests.planning.prices import price_servers
from tests.planning.prices.price_servers import Answer, Request, azure, google, price_list, serving

NO_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/credentials.json",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", "")


@pytest.fixture(scope="module")
def ec2() -> Iterator[str]:
    with price_servers.ec2() as address:
        yield address


def test_it_lists_the_cheapest_gpus_with_their_sources(project: Path) -> None:
    shown = yard("prices", "list", "--gpu", "h100", "--capacity", "reserved", cwd=project)
    assert (shown.code, shown.err) == (ExitStatus.SUCCESS, "")
    lines = [line.split() for line in shown.out.splitlines() if " p5." in line]
    assert lines[0] == [
        *("aws", "us-east-1", "p5.4xlarge", "1", "x", "H100", "80", "GiB", "reserved", "$5.19", "$5.19", "[1]")
    ]
    assert [line[-2] for line in lines] == ["$5.19", "$41.53", "$41.53", "$41.53"]
    assert re.search(r"^\[1\] published: AWS, Capacity Blocks for ML pricing .* \(2026-08-07\)$", shown.out, re.M)
    assert re.search(
        r"^The newest price of an instance is [\d,]+ days? old \(2026-10-08\)\. By cloud: aws ", shown.out, re.M
    )
    assert "left out unless --dated is given: 71 of alibaba, 8 of azure." in shown.out
    assert "Without any price that has a source: tencent, huawei." in shown.out


def test_a_list_is_cut_and_says_so(project: Path) -> None:
    few = yard("prices", "list", "--cloud", "gcp", "--limit", "3", cwd=project)
    assert re.search(r"^… and \d+ more; --limit 0 shows all$", few.out, re.M)
    assert len([line for line in few.out.splitlines() if line.startswith(" gcp ")]) == 3
    every = yard("prices", "list", "--cloud", "gcp", "--limit", "0", cwd=project)
    assert "more;" not in every.out


def test_dated_prices_are_shown_where_they_are_asked_for(project: Path) -> None:
    none = yard("prices", "list", "--cloud", "alibaba", cwd=project)
    assert none.out.startswith("The book has no such price.\n")
    assert none.code == ExitStatus.SUCCESS
    dated = yard("prices", "list", "--cloud", "alibaba", "--dated", "--json", cwd=project)
    document = json.loads(dated.out)
    assert len(document["prices"]) == 71
    assert {price["basis"] for price in document["prices"]} == {"assumed"}
    assert {price["as_of"] for price in document["prices"]} == {"2024-10-09"}
    assert document["book"]["dated_prices"] == {"alibaba": 71, "azure": 8}


def test_machines_read_every_price_with_its_source(project: Path) -> None:
    shown = yard("prices", "list", "--region", "us-central1", "--capacity", "flex_start", "--json", cwd=project)
    prices = json.loads(shown.out)["prices"]
    [smallest] = [price for price in prices if price["instance_type"] == "g4-standard-48"]
    assert smallest == {
        "cloud": "gcp",
        "region": "us-central1",
        "zone": None,
        "instance_type": "g4-standard-48",
        "capacity": "flex_start",
        "usd_per_hour": 2.25,
        "interruption_band": None,
        "basis": "published",
        "source": smallest["source"],
        "as_of": "2026-09-25",
        "usd_per_gpu_hour": 2.25,
        "gpu": "RTX PRO 6000",
        "gpu_count": 1,
        "gpu_memory_gib": 96.0,
    }
    assert len(prices) == 15
    published = [price for price in prices if price["basis"] == "published"]
    assert smallest["source"].startswith("Google Cloud, Dynamic Workload Scheduler pricing")
    assert {price["source"].partition(",")[0] for price in published} == {"Cloud Billing Catalog", "Google Cloud"}


def test_it_shows_what_a_type_is(project: Path) -> None:
    shown = yard("prices", "show", "p4d.24xlarge", cwd=project)
    facts = "\n".join(line.rstrip() for line in shown.out.splitlines()[:10])
    assert facts == (
        "aws p4d.24xlarge\n"
        "processors       96 vCPUs, x86_64\n"
        "memory           1152 GiB\n"
        "GPUs             8 x A100 40 GiB\n"
        "between GPUs     NVLink\n"
        "local disks      8000 GB\n"
        "network          400 Gbit/s\n"
        "RDMA interfaces  4\n"
        "capacity blocks  yes\n"
        "source           EC2 DescribeInstanceTypes, as recorded in moto 5.2.5; NVLink: AWS, Accelerated computing "
        "instances (2026-11-23)"
    )
    assert " on demand " in shown.out
    assert " spot " in shown.out
    assert " reserved " in shown.out
    document = json.loads(yard("prices", "show", "p4d.24xlarge", "--json", cwd=project).out)
    assert document["types"][0]["gpu_interconnect"] == "nvlink"
    assert {price["capacity"] for price in document["types"][0]["prices"]} == {"on_demand", "spot", "reserved"}


def test_a_type_without_price_says_so(project: Path) -> None:
    shown = yard("prices", "show", "c6i.large", cwd=project)
    assert "The book has no price for it." in shown.out
    assert shown.code == ExitStatus.SUCCESS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "p5.48xlrge"), "knows no instance type 'p5.48xlrge'; did you mean p5.48xlarge"),
        (("show", "???"), "knows no instance type '???'; 'yard prices list --limit 0' shows what there is"),
        (("list", "--gpu", "TPU"), "gpu = 'TPU': must be one of A10, A100,"),
        (("list", "--region", "mars"), "region = 'mars': is no region of the price book"),
        (("list", "--cloud", "ibm"), "'ibm' is not one of 'aws', 'gcp', 'azure', 'alibaba', 'tencent', 'huawei'"),
        (("list", "--limit", "-1"), "-1 is not in the range x>=0"),
        (("refresh", "--cloud", "alibaba"), "'alibaba' is not one of 'aws', 'gcp', 'azure'"),
        (("refresh", "--region", "mars"), "region = 'mars': is no region of the price book"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_is_done(project: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = yard("prices", *arguments, cwd=project)
    assert refused.code == ExitStatus.CONFIGURATION
    assert said in " ".join(refused.err.split())
    assert refused.out == ""
    assert not (project / ".trainyard").exists()


def test_a_broken_row_of_the_project_is_told(project: Path) -> None:
    folder = project / ".trainyard" / "prices"
    folder.mkdir(parents=True)
    (folder / "instances_aws.csv").write_text("cloud,region\n")
    for command in (("list",), ("age",), ("show", "p5.48xlarge"), ("refresh",)):
        refused = yard("prices", *command, cwd=project)
        assert refused.code == ExitStatus.CONFIGURATION
        assert f"{folder}/instances_aws.csv:1: must have the columns cloud, region, zone" in refused.err


def test_a_refresh_asks_all_clouds_and_says_what_changed(project: Path, ec2: str) -> None:
    with serving(price_list) as aws, serving(google) as gcp, serving(azure) as retail:
        variables = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL_EC2": ec2,
            "AWS_ENDPOINT_URL_PRICING": aws.url,
            "TRAINYARD_GCP_PRICES_URL": gcp.url,
        }
        regions = ("--region", "us-east-1", "--region", "us-central1", "--region", "eastus")
        done = yard("prices", "refresh", *regions, "--azure-endpoint", retail.url, cwd=project, environment=variables)
    assert done.code == ExitStatus.SUCCESS, done.err
    assert done.err.splitlines() == [
        "aws us-east-1: on demand",
        "aws us-east-1: spot",
        "gcp all regions: price list of Compute Engine",
        "gcp us-central1: machines",
        "azure eastus: on demand and spot",
    ]
    assert re.search(r"^aws \(us-east-1\): \d+ new, 1 dearer, \d+ cheaper, 1 the same$", done.out, re.M)
    assert re.search(r"^ p5.48xlarge +us-east-1 +spot +\$26.42 +\$0.000010 +-100.0%", done.out, re.M)
    assert "  1 type that the book has no facts of, left out: x2gd.large" in done.out
    assert re.search(r"^azure \(eastus\): 0 new, 1 dearer, 1 cheaper, 2 the same$", done.out, re.M)
    folder = project / ".trainyard" / "prices"
    tables = {"instances_aws.csv", "instances_azure.csv", "instances_gcp.csv"}
    assert {path.name for path in folder.iterdir()} == {*tables, ".lock"}
    shown = json.loads(yard("prices", "show", "p5.48xlarge", "--json", cwd=project).out)
    zones = {price["zone"] for price in shown["types"][0]["prices"] if price["capacity"] == "spot"}
    assert "us-east-1a" in zones
    assert shown["book"]["age_days"] == 0


def test_clouds_without_credentials_are_told_and_the_others_are_refreshed(project: Path) -> None:
    with serving(azure) as retail:
        done = yard(
            *("prices", "refresh", "--json", "--azure-endpoint", retail.url), cwd=project, environment=NO_ACCOUNT
        )
    assert done.code == ExitStatus.ERROR
    outcomes = {outcome["cloud"]: outcome for outcome in json.loads(done.out)}
    assert outcomes["aws"]["failure"].startswith("AWS cannot be asked: Unable to locate credentials")
    assert outcomes["gcp"]["failure"].startswith("Google Cloud cannot be asked: File /nowhere/credentials.json was not")
    assert outcomes["azure"]["failure"] is None
    assert outcomes["azure"]["same"] == 2
    assert [path.name for path in (project / ".trainyard" / "prices").glob("*.csv")] == ["instances_azure.csv"]


def test_a_refresh_that_is_killed_leaves_the_prices_that_were_there(project: Path) -> None:
    with serving(azure) as retail:
        assert yard("prices", "refresh", "-c", "azure", "--azure-endpoint", retail.url, cwd=project).code == 0
    table = project / ".trainyard" / "prices" / "instances_azure.csv"
    before = table.read_bytes()
    asked, over = threading.Event(), threading.Event()

    def never(_request: Request) -> Answer:
        asked.set()
        over.wait(60)
        return 200, {"Items": []}

    with serving(never) as retail:
        command = start_yard("prices", "refresh", "-c", "azure", "--azure-endpoint", retail.url, cwd=project)
        try:
            assert asked.wait(60)
        finally:
            command.send_signal(signal.SIGKILL)
            command.communicate(timeout=60)
            over.set()
    assert table.read_bytes() == before
    assert yard("prices", "age", cwd=project).code == ExitStatus.SUCCESS
    with serving(azure) as retail:
        assert yard("prices", "refresh", "-c", "azure", "--azure-endpoint", retail.url, cwd=project).code == 0


def test_a_region_that_no_chosen_cloud_has_is_nothing_to_ask(project: Path) -> None:
    done = yard("prices", "refresh", "--cloud", "gcp", "--region", "eastus", cwd=project)
    assert (done.code, done.out) == (ExitStatus.ERROR, "None of the clouds has these regions: nothing was asked.\n")
