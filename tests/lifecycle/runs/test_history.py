"""The history of runs: records in a bucket and on this machine, what is in them, and the report on interruptions."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config_values import Secret as EncryptedSetting
from engine.errors import EngineError
from engine.values import Secret
from lifecycle.runs.attempts import Attempt
from lifecycle.runs.comparison import compare_runs
from lifecycle.runs.curve import curve_of, keep_curve, read_curve
from lifecycle.runs.errors import RunError
from lifecycle.runs.folder import RECORD, RunFolder
from lifecycle.runs.history import (
    FoundRecords,
    publish_record,
    records_here,
    records_in,
    records_of_stack,
    records_uri,
    with_spot_report,
)
from lifecycle.runs.on_demand import on_demand_plan
from lifecycle.runs.owner_access import acting_as_owner, owner_environment
from lifecycle.runs.places import Places, StateResource, newest_run, places_of, state_resources
from lifecycle.runs.record import RunRecord, moment_of
from lifecycle.runs.record_content import plan_digest, settings_of
from lifecycle.runs.report import as_markdown, as_text
from planning.cost.plan import Plan, PlannedResource
from tests.cli.yard import make_project
from tests.lifecycle.runs.records import FIRST, SECOND, interrupted, record, write_record
from trainyard_artifacts.storage import ObjectStore


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two runs and a stack that never was deployed."""
    folder = make_project(tmp_path / "shop", "", stack="dev")
    write_record(folder, record())
    write_record(folder, interrupted())
    return folder


def outputs_at(folder: Path) -> dict[str, Any]:
    """The outputs of a stack whose buckets are folders."""
    uris = {f"{name}_uri": f"file://{folder}/{name}" for name in ("models", "checkpoints")}
    return {**uris, "job": "digits", "run": "0123456789ab"}


def folder_of(project: Path, run_id: str = FIRST) -> RunFolder:
    return RunFolder(project / ".trainyard" / "runs" / run_id)


def test_what_is_published_is_found_again_beside_what_is_here(project: Path, tmp_path: Path) -> None:
    outputs = outputs_at(tmp_path / "buckets")
    elsewhere = record("20261031-090000-eeee")
    for each in (elsewhere, record(reason="as it was before the end", updated="2026-11-01T10:30:00Z")):
        uri = publish_record(each, outputs, folder_of(project))
        assert uri == f"{records_uri(outputs['models_uri'], 'digits')}/{each.id}.json"
    here, there = records_here(project), records_of_stack(project, "dev", outputs)
    assert [each.id for each in there.records] == [elsewhere.id, FIRST]
    found = here.merged(there)
    assert [each.id for each in found.records] == [elsewhere.id, FIRST, SECOND]
    assert found.records[1] == record(), "the newer one counts"
    assert found == there.merged(here)
    assert found.problems == ()


def test_a_damaged_record_is_told_and_hides_no_other(project: Path, tmp_path: Path) -> None:
    (folder_of(project).path / RECORD).write_text('{"id": ')
    found = records_here(project)
    assert [each.id for each in found.records] == [SECOND]
    assert found.problems == (f"{folder_of(project).path / RECORD} is not a run's record: it is not JSON",)
    uri = f"file://{tmp_path}/models"
    ObjectStore(records_uri(uri, "digits")).put("x.json", b"[]")
    ObjectStore(records_uri(uri, "digits")).put(f"{FIRST}.json", record().encode())
    there = records_in(uri, "digits")
    assert [each.id for each in there.records] == [FIRST]
    assert len(there.problems) == 1
    assert there.problems[0].startswith(f"{records_uri(uri, 'digits')}/x.json is not a run's record: ")


def test_without_a_bucket_there_is_no_history_and_nothing_is_published(project: Path, tmp_path: Path) -> None:
    assert records_of_stack(project, "dev", {}) == FoundRecords()
    assert records_in(f"file://{tmp_path}/empty", "digits") == FoundRecords()
    with pytest.raises(RunError, match=f"the record of run {FIRST} is not in the models bucket: stack dev has none"):
        publish_record(record(job=""), {"job": "digits"}, folder_of(project))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RunError, match=f"the record of run {FIRST} is not in the models bucket: cannot "):
        publish_record(record(), {"models_uri": f"file://{tmp_path}/file"}, folder_of(project))


def write_training(outputs: dict[str, Any]) -> None:
    """What a training that was killed once leaves beside its checkpoints."""
    store = ObjectStore(f"{outputs['checkpoints_uri']}/{outputs['job']}/{outputs['run']}-log")
    at = moment_of(record().deployed_at or "").timestamp()
    earlier = Attempt(began=at - 90, training_began=at - 80, step_time=at - 70, first_step=0, step=60, workers=1)
    fields = {"training_began": at + 10, "step_time": at + 110, "saved_time": at + 90, "workers": 2}
    killed = Attempt(began=at, first_step=0, step=100, saved_step=80, **fields)
    fields = {"training_began": at + 210, "step_time": at + 330, "workers": 1, "ended": at + 400, "end": "done"}
    last = Attempt(began=at + 200, first_step=80, step=200, **fields)
    for number, each in enumerate((killed, last, earlier), 3):
        store.put(f"attempts/{number}.json", json.dumps({"version": 1, **each.model_dump()}).encode())
    store.put("attempts/2.json", b'{"version": 1, "beg')
    steps = range(25, 201, 25)
    lines = [{"step": step, "loss": 1 / step, "elapsed_seconds": step, "time": at + step} for step in steps]
    lines[0] |= {"time": at - 75, "data_wait_share": 0.5}
    lines[-1] |= {"test_accuracy": 0.97, "checkpoint_stall_seconds": 2.0}
    store.put("steps.jsonl", "\n".join(map(json.dumps, lines)).encode() + b'\n{"step": 2')


def test_the_report_on_interruptions_comes_from_what_the_training_has_noted(project: Path, tmp_path: Path) -> None:
    outputs, folder = outputs_at(tmp_path / "buckets"), folder_of(project)
    write_training(outputs)
    told = with_spot_report(record(goodput=None), outputs, folder)
    (interruption,) = told.interruptions
    assert (interruption.at, interruption.reason) == ("2026-11-01T09:02:50Z", "killed")
    assert (interruption.lost_steps, interruption.lost_seconds) == (20, 20.0)
    assert told.goodput == pytest.approx((80 + 120 - 2) / 400)
    assert [point.step for point in read_curve(folder.path)] == list(range(25, 201, 25))
    assert read_curve(folder.path)[-1].accuracy == 0.97
    text = as_text(told)
    assert re.search(r"lost work +20 steps, 20 s\n", text)
    assert re.search(r"goodput +49\.5% \(steps that count, of the time paid for\)\n", text)
    assert re.search(r"saved by spot capacity +\$11\.55 \(70%\)\n", text)


def test_without_notes_the_record_stays_as_it_is_and_the_fetched_log_is_kept(project: Path, tmp_path: Path) -> None:
    folder = folder_of(project)
    assert with_spot_report(record(), {}, folder) == record()
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    (fetched / "steps.jsonl").write_text('{"step": 25, "loss": 0.5}\n')
    here = record(artifacts_dir=str(fetched))
    assert with_spot_report(here, outputs_at(tmp_path / "buckets"), folder) == here
    assert [point.loss for point in read_curve(folder.path)] == [0.5]


def test_a_long_curve_is_kept_short_with_both_ends(tmp_path: Path) -> None:
    entries = [{"step": step, "loss": 1.0} for step in range(1, 10_001)]
    entries += [{"step": 10_001}, {"step": 10_002, "loss": math.nan}]
    points = curve_of(entries, most=100)
    assert len(points) <= 101
    assert (points[0].step, points[-1].step) == (1, 10_000)
    folder = RunFolder(tmp_path / "x")
    keep_curve(folder, points)
    assert read_curve(folder.path) == points
    (folder.path / "curve.json").write_text("{}x")
    assert read_curve(folder.path) == ()


SECRETS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=20).map("s3cret-".__add__)
KEYS = st.from_regex(r"[a-z]{1,5}:[a-z]{1,5}", fullmatch=True)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab")


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and mappings of them."""
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz"), inner, max_size=3)
    )


def configurations(secrets: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values of a configuration, in which secrets stand in each of the ways in which they can."""
    hidden = st.one_of(
        secrets.map(Secret),
        secrets.map(EncryptedSetting),
        secrets.map(lambda text: {"secure": text}),
        secrets.map(lambda text: Secret({"inner": [text]})),
        st.just("[secret]"),
    )
    return nested(PLAIN | hidden)


@given(st.dictionaries(KEYS, configurations(SECRETS), max_size=5))
def test_no_secret_is_ever_in_a_record(config: dict[str, Any]) -> None:
    content = record(settings=settings_of(config)).encode()
    assert b"s3cret-" not in content
    assert b"secret]" not in content
    assert RunRecord.model_validate_json(content).settings == json.loads(content)["settings"]


@given(st.dictionaries(KEYS, nested(PLAIN), max_size=5))
def test_what_is_not_secret_is_kept_as_it_is(config: dict[str, Any]) -> None:
    assert settings_of(config) == config


def test_settings_in_json_text_are_taken_apart_so_that_a_secret_in_them_is_found() -> None:
    config = {"shop:aws": '{"token": {"secure": "v1:abc"}, "zones": ["a", "[secret]"]}', "shop:text": "{not json"}
    assert settings_of(config) == {"shop:aws": {"zones": ["a"]}, "shop:text": "{not json"}
    assert settings_of({"shop:key": "[secret]"}) == {}


def test_runs_are_compared_by_what_differs_and_by_what_came_of_them() -> None:
    comparison = compare_runs([record(), interrupted()])
    assert [(each.group, each.name, each.values) for each in comparison.differences] == [
        ("plan", "sha256 of the plan", ("ab" * 32, "12" * 32)),
        ("settings", "trainyard:training.learning_rate", (0.01, 0.02)),
        ("versions", "trainyard", ("commit 1111111", "commit 2222222")),
    ]
    measures = {each.name: each.values for each in comparison.measures}
    assert measures["test_accuracy"] == (0.9721, 0.9805)
    assert measures["lost steps"] == (0.0, 412.0)
    assert measures["cost"] == (4.95, 5.45)
    settings = {**record().settings, "trainyard:expires_at": "2027-01-01T00:00:00Z"}
    again = compare_runs([record(), record("20261105-090000-dddd", settings=settings)])
    assert again.differences == ()
    assert again.same == 2 + 4 + 3


@given(st.text(min_size=1, max_size=60))
def test_the_report_in_markdown_has_one_line_a_row_whatever_stands_in_it(text: str) -> None:
    told = record(reason=text, settings={"shop:x": text}, versions={"python": text})
    lines = as_markdown(told).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert all(line.startswith(("|", "#")) or not line for line in lines)
    plain = as_markdown(record(settings={"shop:x": "x"}, versions={"python": "x"}, reason="x"))
    assert len(rows) == sum(line.startswith("|") for line in plain.splitlines()) - (not text.split())
    assert all(line.count("|") == rows[0].count("|") for line in rows[:3])


def test_a_plan_on_demand_buys_no_spot_capacity() -> None:
    def planned(type_: str, inputs: dict[str, Any]) -> PlannedResource:
        return PlannedResource(urn=f"urn::{type_}", type=type_, name="x", inputs=inputs)

    group = planned("aws:eks/nodeGroup:NodeGroup", {"capacityType": "SPOT", "instanceTypes": ["g5.xlarge"]})
    machine = planned("aws:ec2/instance:Instance", {"instanceMarketOptions": {"marketType": "spot"}, "ami": "a"})
    requirements = [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}, {"key": "other"}]
    pool_inputs = {"spec": {"limits": {"nodes": 2}, "template": {"spec": {"requirements": requirements}}}}
    pool = planned("kubernetes:karpenter.sh/v1:NodePool", pool_inputs)
    key = planned("aws:kms/key:Key", {"capacityType": "SPOT"})
    after = on_demand_plan(Plan(config={}, before=(), after=(group, machine, pool, key), unseen=0)).after
    assert after[0].inputs == {"capacityType": "ON_DEMAND", "instanceTypes": ["g5.xlarge"]}
    assert after[1].inputs == {"ami": "a"}
    assert after[2].inputs["spec"]["template"]["spec"]["requirements"][0]["values"] == ["on-demand"]
    assert after[2].inputs["spec"]["limits"] == {"nodes": 2}
    assert after[3] == key
    assert pool.inputs == pool_inputs
    assert requirements[0]["values"] == ["spot"]


def test_equal_plans_have_equal_digests_whenever_they_expire() -> None:
    def document(expires: str, *urns: str, learning_rate: float = 0.01) -> dict[str, Any]:
        steps = [
            {"op": "create", "newState": {"urn": urn, "type": "t", "inputs": {"until": expires, "rate": learning_rate}}}
            for urn in urns
        ]
        return {"config": {"shop:expires_at": expires, "shop:cloud": "local"}, "steps": steps}

    digest = plan_digest(document("2026-11-01T12:00:00Z", "a", "b"))
    assert digest == plan_digest(document("2026-12-24T08:00:00Z", "b", "a"))
    assert digest != plan_digest(document("2026-11-01T12:00:00Z", "a", "c"))
    assert digest != plan_digest(document("2026-11-01T12:00:00Z", "a", "b", learning_rate=0.02))
    read = {"op": "read", "newState": {"urn": "x", "type": "t"}}
    gone = {"op": "delete", "oldState": {"urn": "y", "type": "t"}}
    plan = document("2026-11-01T12:00:00Z", "a", "b")
    assert digest == plan_digest({**plan, "steps": [*plan["steps"], read, gone]})
    assert re.fullmatch("[0-9a-f]{64}", plan_digest({}))


def test_a_stack_without_outputs_is_known_by_its_buckets_and_its_newest_notes() -> None:
    resources = [
        StateResource("urn:pulumi:dev::shop::p$aws:s3/bucket:Bucket::shop-models", "aws:s3/bucket:Bucket", "m-1"),
        StateResource("urn:pulumi:dev::shop::p$aws:s3/bucket:Bucket::checkpoints", "aws:s3/bucket:Bucket", "c-1"),
        StateResource("urn:pulumi:dev::shop::p$aws:kms/key:Key::shop-models", "aws:kms/key:Key", "k-1"),
        StateResource("urn:pulumi:dev::shop::p$aws:s3/bucket:Bucket::shop-logs", "aws:s3/bucket:Bucket", ""),
    ]
    here = record(job="", run="", settings={"shop:training": {"task": {"source": "cifar10"}}})
    assert places_of(here, {}, resources) == Places("s3://m-1", "s3://c-1", "cifar10", "")
    assert places_of(here, {}, resources).logs_uri == ""
    assert places_of(record(job="", run="", settings={}), {}) == Places(job="digits")
    outputs = {"models_uri": "gs://m", "checkpoints_uri": "gs://c", "job": "binary", "run": "ab12"}
    assert places_of(here, outputs, resources).logs_uri == "gs://c/binary/ab12-log"
    names = [
        "aa-log/attempts/000000001000000-0a.json",
        "bb-log/attempts/000000003000000-0b.json",
        "cc-log/attempts/000000002000000-0c.json",
        "dd/step-00000010-0a/.metadata.tink",
        "ee-log/steps.jsonl",
    ]
    assert [newest_run(names, since) for since in (0, 2500.0, 3000.0, 3001.0)] == ["bb", "bb", "bb", ""]


def test_the_owner_is_who_the_sdks_find_also_by_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = "config:\n  aws:region: eu-west-1\n  shop:cloud: aws\n"
    project = make_project(tmp_path / "shop", "", stack="dev", config=config)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[ada]\naws_access_key_id = AKIAADA\naws_secret_access_key = hers\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "ada")
    # Wherever the state is.
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    assert state_resources(project, "dev") == ()
    with acting_as_owner(project, "dev"):
        assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]) == ("AKIAADA", "hers")
        assert os.environ["AWS_REGION"] == "eu-west-1"
        assert "AWS_SESSION_TOKEN" not in os.environ
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAGIVEN")
    assert owner_environment(project, "dev")["AWS_ACCESS_KEY_ID"] == "AKIAGIVEN"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(EngineError, match=r"the credentials for AWS cannot be read: .*nobody"):
        owner_environment(project, "dev")
