"""`yard runs`: the list, the report on one run, several side by side, and what cannot be read or found.

TRAINYARD_WRITE_GOLDEN=1 writes the golden files anew.
"""

import json
import os
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
from moto.server import ThreadedMotoServer

from lifecycle.runs.folder import RunFolder
from lifecycle.runs.history import publish_record
from tests.cli.yard import Result, make_project, yard
from tests.lifecycle.runs.records import FIRST, GOING_ON, SECOND, going_on, interrupted, record, write_record

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).parent / "schemas"
SECRET = "the-administrators-secret-key"

CLOUD = f'''
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class CloudProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult("cloud", dict(props))


class BucketProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(props["bucket"], dict(props))


class Cloud(Resource, module="local", name="Cloud"):
    def __init__(self, name, props):
        secret = pulumi.ResourceOptions(additional_secret_outputs=["secret_access_key"])
        super().__init__(CloudProvider(), name, props, secret)


class Bucket(Resource, module="local", name="Bucket"):
    def __init__(self, name, props):
        super().__init__(BucketProvider(), name, props)


Bucket("models", dict(bucket="shop-models"))
Cloud("cloud", dict(endpoint="ENDPOINT", region="us-east-1", access_key_id="AKIATEST", secret_access_key="{SECRET}"))
pulumi.export("models_uri", "s3://shop-models")
pulumi.export("job", "digits")
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two finished runs and one that goes on; nothing in it is changed."""
    folder = make_project(tmp_path_factory.mktemp("runs") / "shop", "", stack="dev")
    write_record(folder, record(), curve=10)
    write_record(folder, interrupted(), curve=40)
    write_record(folder, going_on())
    return folder


def runs(project: Path, *arguments: str) -> Result:
    return yard("runs", *arguments, cwd=project)


def document(result: Result, schema: str) -> Any:
    """The JSON that a command printed, which is as its schema says."""
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    jsonschema.validate(answer, json.loads((SCHEMAS / schema).read_text()))
    return answer


@pytest.mark.parametrize(
    ("arguments", "golden"),
    [
        (("list",), "runs_list.txt"),
        (("show", SECOND), "runs_show.txt"),
        (("show", SECOND, "--markdown"), "runs_show.md"),
        (("show", GOING_ON), "runs_show_going_on.txt"),
        (("compare", FIRST, SECOND), "runs_compare.txt"),
    ],
)
def test_people_read_runs(project: Path, arguments: tuple[str, ...], golden: str) -> None:
    result, path = runs(project, *arguments), GOLDEN / golden
    assert (result.code, result.err) == (0, "")
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        path.write_text(result.out)
    assert result.out == path.read_text()


def test_the_list_is_what_is_shown_without_a_command_and_may_be_one_stack_s(project: Path) -> None:
    assert runs(project).out == runs(project, "list").out
    everything = document(runs(project, "--json"), "runs_list.json")
    assert [each["id"] for each in everything["runs"]] == [FIRST, SECOND, GOING_ON]
    assert everything["problems"] == []
    one = document(runs(project, "list", "-s", "dev", "--json"), "runs_list.json")
    assert [each["id"] for each in one["runs"]] == [FIRST, SECOND]
    assert (one["runs"][1]["test_accuracy"], one["runs"][1]["interruptions"], one["runs"][1]["leftovers"]) == (
        0.9805, 2, 1,
    )  # fmt: skip


def test_one_run_and_a_comparison_are_documents_too(project: Path) -> None:
    shown = document(runs(project, "show", "20261102", "--json"), "runs_show.json")
    assert shown == interrupted().model_dump(mode="json")
    compared = document(runs(project, "compare", "20261101", SECOND, GOING_ON, "--json"), "runs_compare.json")
    assert compared["runs"] == [FIRST, SECOND, GOING_ON]
    measures = {each["name"]: each["values"] for each in compared["measures"]}
    assert measures["test_accuracy"] == [0.9721, 0.9805, None]


def test_a_comparison_is_drawn_the_same_every_time(project: Path, tmp_path: Path) -> None:
    pictures = []
    for name in ("first.svg", "second.svg", "third.png"):
        picture = tmp_path / name
        result = runs(project, "compare", FIRST, SECOND, GOING_ON, "--picture", str(picture))
        assert result.code == 0, result.err
        assert result.out.endswith(f"Drawn in {picture}\n")
        pictures.append(picture.read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"<?xml")
    assert pictures[2].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "2025"), 6, "ID is '2025': there is no such run; the newest are: "),
        (("show", "202611"), 2, f"ID is '202611': several runs begin so: {FIRST}, {SECOND}, {GOING_ON}"),
        (("compare", FIRST), 2, f"ID is {FIRST}: must be two different runs or more"),
        (("compare", FIRST, "20261101"), 2, "must be two different runs or more"),
        (("compare", FIRST, SECOND, "--picture", "x.gif"), 2, "--picture = 'x.gif': must end in .png or .svg"),
        (("show", FIRST, "--json", "--markdown"), 2, "--json and --markdown exclude each other"),
        (("-s", "dev", "show", FIRST), 2, "--stack belongs behind show"),
        (("list", "-s", "../x"), 2, "'../x'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(project: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = runs(project, *arguments)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


def test_there_is_no_run_in_a_new_project_and_a_damaged_record_hides_no_other(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "shop", "")
    assert runs(folder).out == "There is no run yet: yard train -s STACK makes one.\n"
    write_record(folder, record())
    (write_record(folder, interrupted()).path / "run.json").write_text("{")
    listed = runs(folder, "--json")
    assert [each["id"] for each in document(listed, "runs_list.json")["runs"]] == [FIRST]
    assert listed.err == f"yard: {folder}/.trainyard/runs/{SECOND}/run.json is not a run's record: it is not JSON\n"


def test_records_in_the_bucket_of_a_stack_are_merged_with_those_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIATEST",
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket="shop-models")
        older = record(stack="local", reason="older", updated="2026-11-01T09:30:00Z")
        for each in (older, interrupted().changed(stack="local")):
            client.put_object(Bucket="shop-models", Key=f"digits/records/{each.id}.json", Body=each.encode())
        client.put_object(Bucket="shop-models", Key="digits/records/broken.json", Body=b"{")

        folder = make_project(tmp_path / "shop", CLOUD.replace("ENDPOINT", endpoint))
        write_record(folder, record(stack="local"))
        write_record(folder, going_on())
        assert yard("up", "-s", "local", "--yes", cwd=folder).code == 0
        listed = runs(folder, "list", "-s", "local", "--json")
        found = document(listed, "runs_list.json")
        assert [each["id"] for each in found["runs"]] == [FIRST, SECOND, GOING_ON]
        assert listed.err == (
            "yard: s3://shop-models/digits/records/broken.json is not a run's record: it is not JSON\n"
        )
        assert json.loads(runs(folder, "show", FIRST, "-s", "local", "--json").out)["reason"] == "", "the newer counts"
        assert SECRET not in listed.out + listed.err

        # A run that was stopped: its stack has no outputs yet, and its state knows the bucket.
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
        stopped = record("20261104-090000-dddd", stack="local", project="shop", outcome="stopped", job="")
        uri = publish_record(stopped, {}, RunFolder(folder / ".trainyard" / "runs" / stopped.id))
        assert uri == f"s3://shop-models/digits/records/{stopped.id}.json"
        assert client.get_object(Bucket="shop-models", Key=f"digits/records/{stopped.id}.json")["Body"].read() == (
            stopped.encode()
        )
        assert "AWS_SECRET_ACCESS_KEY" not in os.environ
    finally:
        server.stop()
    gone = runs(folder, "list", "-s", "local", "--json")
    assert [each["id"] for each in document(gone, "runs_list.json")["runs"]] == [FIRST, GOING_ON]
    assert "the records of job digits cannot be read: " in gone.err
    assert SECRET not in gone.out + gone.err
