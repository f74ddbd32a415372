"""`yard data`, run as a user does: what it prints, its JSON, and what it refuses."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from planning.prices.book import load_book
from tests.cli.yard import ROOT, Result, yard

GOLDEN = Path(__file__).parent / "golden"
BUCKET = "yard-data-probe"
QUICK = ("--seconds", "0.05", "--object-mb", "0.01", "--streams", "1,2", "--most-mb", "0.2")


def data(*arguments: str, **how: Any) -> Result:
    return yard("data", *arguments, cwd=ROOT, **how)


def document(*arguments: str, **how: Any) -> Any:
    result = data(*arguments, "--json", **how)
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("data_place", "place --shards 1000 --nodes 6 --domains 3 -r 2 --add node-6:2@domain-3 --remove node-0"),
        (
            "data_availability",
            "availability --nodes 12 --domains 3 --node-availability 0.99 --domain-availability 0.9995 --target 0.9999",
        ),
        (
            "data_assign",
            "assign --nodes 6 --domains 3 -r 2 --worker a@domain-0 --worker b@domain-1 --worker c@domain-2",
        ),
        (
            "data_allreduce",
            "allreduce --type p4d.24xlarge --nodes 6 --parameters 7e9 --tokens 2048 --tflops 150 --gpu-gbps 2400 "
            "--node-gbps 400",
        ),
        (
            "data_allreduce_without_step",
            "allreduce --type p4d.24xlarge --nodes 2 --parameters 1e9 --gpu-gbps 2400 --node-gbps 400",
        ),
    ],
)
def test_what_people_read(name: str, arguments: str) -> None:
    result = data(*arguments.split())
    assert result.code == 0, result.err
    printed = "".join(f"{line.rstrip()}\n" for line in result.out.splitlines())
    assert printed == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_file_describes_nodes_shards_and_workers(tmp_path: Path) -> None:
    file = tmp_path / "storage.yaml"
    file.write_text(
        "shards: [x, y, z]\nshard_gb: [1, 2, 3]\n"
        "nodes:\n- {name: a, domain: z1, availability: 0.9, capacity: 2}\n- {name: b, domain: z2, availability: 0.9}\n"
        "domains: {z1: 0.99}\nworkers:\n- {name: w, domain: z1}\n"
    )
    placed = document("place", "--file", str(file), "--full")
    assert sorted(placed["placement"]) == ["x", "y", "z"]
    assert {row["name"]: row["replicas"] for row in placed["nodes"]}["a"] <= 2
    assigned = document("assign", "--file", str(file), "--full")
    assert assigned["workers"][0]["shard_names"] == ["x", "y", "z"]
    assert assigned["bytes"] == 6e9
    file.write_text(file.read_text().replace("capacity: 2", "capacity: 3"))
    found = document("availability", "--file", str(file), "-r", "2")
    assert found["results"][0]["joint"]["probability"] == pytest.approx(1 - (1 - 0.9 * 0.99) * 0.1)


def test_headroom_keeps_nodes_within_their_share() -> None:
    rows = document("place", "--nodes", "7", "--shards", "700", "--headroom", "0.01")["nodes"]
    assert max(row["replicas"] for row in rows) <= 102


def test_movement_is_the_least_there_is_when_a_node_joins() -> None:
    moved = document("place", "--nodes", "9", "--domains", "3", "-r", "2", "--add", "new@domain-1")["movement"]
    assert moved["moved"] == moved["least"] > 0
    assert moved["total"] == 2000


def test_a_target_that_nothing_reaches_is_told_so() -> None:
    found = document("availability", "--nodes", "3", "--node-availability", "0.9", "--target", "0.999999")
    assert [row["reaches_target"] for row in found["results"]] == [False, False, False]
    assert "none of 1 to 3 replicas is known to reach 0.999999; by the product formula 9 would" in found["answer"]


def test_a_transfer_says_time_price_and_where_from() -> None:
    arguments = ("transfer", "--from", "aws:us-east-1", "--to", "aws:us-east-1", "--gb", "100", "--link-gbps", "2")
    found = document(*arguments, "--round-trip-ms", "1")
    assert found["seconds"] == pytest.approx(400.003)
    assert (found["usd"], found["source"], found["bandwidth_gbps"]) == (0.0, "aws:us-east-1", 2.0)
    shown = data(*arguments)
    assert "time        6.7 min over 32 connections\negress      $0.00\n" in shown.out
    assert "limited by  the given bandwidth of 2 Gbit/s" in shown.out
    assert "round trip: modelled" in shown.out


def test_a_price_that_nobody_knows_is_unknown_and_not_zero() -> None:
    book = load_book()
    unpriced = next(each for each in book.regions if not book.tiers_of(each.cloud, each.name, "egress_internet_gb"))
    target = "aws:us-east-1" if unpriced.cloud != "aws" else "gcp:us-central1"
    shown = data("transfer", "--from", f"{unpriced.cloud}:{unpriced.name}", "--to", target, "--gb", "1")
    assert "egress      unknown (egress_internet_gb)" in shown.out


def test_a_bandwidth_that_nobody_knows_is_unknown() -> None:
    unknown = next(each for each in load_book().types if each.gpu_count and each.network_gbps is None)
    shown = data("allreduce", "--type", unknown.name, "--cloud", unknown.cloud, "--nodes", "2")
    assert shown.code == 0, shown.err
    assert "2 nodes: unknown: " in shown.out
    assert "the network bandwidth of a node; give --gpu-gbps or --node-gbps" in shown.out


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "scaling.png"
    given = ("--gpu-gbps", "2400", "--node-gbps", "400", "--step-seconds", "1")
    result = data("allreduce", "--type", "p4d.24xlarge", *given, "--picture", str(file))
    assert result.code == 0, result.err
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("place", "nodes: must come from one of --file, --nodes and --node, not from none of them"),
        ("place --nodes 3 --node a", "not from --nodes and --node"),
        ("place --node a:1e308 --node b", "weight of node a = 1e+308: must be a number from 1e-09 to 1e+09"),
        ("availability --nodes 3", "--node-availability: must be the probability that a node is up"),
        ("place --nodes 3 -r 4", "replicas = 4: must be at most 3, the number of failure domains"),
        ("place --node a:heavy@z", "--node = 'a:heavy@z': must be NAME[:WEIGHT][@DOMAIN]"),
        ("place --nodes 2 --remove x", "--remove = 'x': must be one of node-0, node-1"),
        ("place --nodes 2 --domains 5", "--domains = 5: must be at most 2"),
        ("place --nodes 0", "--nodes = 0: must be a whole number, 1 or more"),
        ("place --file nowhere.yaml", "--file = 'nowhere.yaml': cannot be read"),
        ("availability --nodes 3 --node-availability 2", "--node-availability = 2.0: must be a number from 0 to 1"),
        ("availability --nodes 3 --target 0", "--target = 0.0: must be a finite number above 0"),
        ("assign --nodes 3", "workers = none: must come from --worker, or from workers in --file"),
        ("assign --nodes 3 --worker w", "--worker = 'w': must be NAME@DOMAIN"),
        ("transfer --from aws --to gcp:x --gb 1", "--from = 'aws': must be CLOUD:REGION"),
        ("transfer --from aws:us-east-1 --to gcp:x --gb 1", "target = 'gcp:x': the price book has no such region"),
        ("transfer --from aws:us-east-1 --to aws:us-east-1 --gb nan", "gigabytes = nan"),
        ("transfer --from aws:us-east-1 --to aws:us-east-1 --gb 1 --from-end disk", "source end = 'disk'"),
        ("transfer --from aws:us-east-1 --to aws:us-east-1 --gb 1 --machine p4d", "did you mean p4d.24xlarge"),
        ("allreduce --type p4d.24xlarge --nodes 0", "--nodes = 0"),
        ("allreduce --type p4d.24xlarge --tokens 5", "--tokens and --tflops: must come together"),
        ("allreduce --type p4d.24xlarge --step-seconds 1 --overlap 2", "overlap = 2.0"),
        ("allreduce --type p4d.24xlarge --picture a.png", "must come with --step-seconds"),
        ("allreduce --type p4d.24xlarge --step-seconds 1 --picture a.txt", "must end in .png or .svg"),
        ("allreduce --type p4d.24xlarge --cloud ibm", "--cloud = 'ibm': must be one of aws, gcp"),
        ("probe file:///tmp", "URI = 'file:///tmp': must be s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"),
        ("probe s3:///x", "URI = 's3:///x': must be"),
        ("probe s3://b/x --streams a", "--streams = 'a': must be whole numbers with commas"),
        ("probe s3://b/x --object-mb 6", "--object-mb = 6.0: must be a number from 0.001 to 5"),
        ("probe s3://b/x --most-mb 1", "most MB = 1: must be 252 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments: str, message: str) -> None:
    result = data(*arguments.split())
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


@pytest.fixture(scope="module")
def cloud() -> Iterator[dict[str, str]]:
    """An S3 on a free loopback port, with one empty bucket: the environment that reaches it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "the-secret-that-must-never-be-shown",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    client(environment).create_bucket(Bucket=BUCKET)
    yield environment
    server.stop()


def client(environment: dict[str, str]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def names_left(environment: dict[str, str]) -> list[str]:
    return [each["Key"] for each in client(environment).list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.xdist_group("yard data probe")
def test_a_probe_measures_leaves_nothing_and_feeds_a_transfer(cloud: dict[str, str], tmp_path: Path) -> None:
    shown = data("probe", f"s3://{BUCKET}/x", *QUICK, environment=cloud)
    assert shown.code == 0, shown.err
    assert "connections are enough for 95 % of it" in shown.out
    assert "first byte: p50" in shown.out
    measured = data("probe", f"s3://{BUCKET}/x", *QUICK, "--json", environment=cloud)
    found = json.loads(measured.out)
    assert [(level["direction"], level["streams"]) for level in found["levels"]] == [
        ("write", 1), ("read", 1), ("write", 2), ("read", 2),
    ]  # fmt: skip
    assert found["bytes_written"] <= 200_000
    assert names_left(cloud) == []
    file = tmp_path / "probe.json"
    file.write_text(measured.out)
    arguments = ("--from", "aws:us-east-1", "--to", "aws:us-east-1", "--gb", "1", "--measured", str(file))
    planned = document("transfer", *arguments)
    best = max(level["megabytes_per_second"] for level in found["levels"] if level["direction"] == "read")
    assert planned["bandwidth_gbps"] == pytest.approx(best * 8 / 1000)
    assert planned["limited_by"] == "what was measured"


@pytest.mark.xdist_group("yard data probe")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_probe_removes_what_it_wrote(cloud: dict[str, str], number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "yard.py"), "data", "probe", f"s3://{BUCKET}/x",
         "--seconds", "60", "--object-mb", "0.01", "--streams", "2", "--most-mb", "500"],
        env=os.environ | cloud, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while len(names_left(cloud)) < 4 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 8, err
    assert "yard: stopped; what the probe wrote is removed" in err
    assert out == ""
    assert names_left(cloud) == []


@pytest.mark.xdist_group("yard data probe")
def test_a_probe_that_may_not_is_refused_clearly(cloud: dict[str, str]) -> None:
    missing = data("probe", "s3://yard-no-such-bucket/x", *QUICK, environment=cloud)
    assert missing.code == 1
    assert "cannot write s3://yard-no-such-bucket/x/trainyard-probe-" in missing.err
    assert "there is no such bucket" in missing.err
    guard(cloud, "0")
    try:
        refused = data("probe", f"s3://{BUCKET}/x", *QUICK, environment=cloud)
    finally:
        guard(cloud, "inf")
    assert refused.code == 1
    assert "access was refused" in refused.err
    assert cloud["AWS_SECRET_ACCESS_KEY"] not in refused.err
    assert names_left(cloud) == []


def guard(cloud: dict[str, str], actions: str) -> None:
    """Lets so many requests pass before permissions are checked."""
    connection = http.client.HTTPConnection(cloud["AWS_ENDPOINT_URL"].removeprefix("http://"), timeout=10)
    connection.request("POST", "/moto-api/reset-auth", body=actions.encode())
    assert connection.getresponse().status == 200
    connection.close()
