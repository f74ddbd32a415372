"""What a stack's files say of its teardown, and that it is what the platform itself goes by."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.yaml_documents import InvalidFile
from infra.aws.naming import Names
from infra.aws.storage import ACCESS_LOGS, PURPOSES
from infra.gcp import google_apis, gpu_networks, labels, storage
from infra.gcp import naming as google_naming
from infra.platform import Identity
from lifecycle.teardown import audit_local
from lifecycle.teardown.aws.ownership import log_group_prefixes, own_name
from lifecycle.teardown.aws.stores import BUCKETS, bucket_names, cache_prefix
from lifecycle.teardown.gcp import identities, network, ownership
from lifecycle.teardown.subject import Subject, cluster_name, read_subject

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "ml-platform-example"
STACK_NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,60}", fullmatch=True)
REGIONS = st.sampled_from(["eu-west-1", "ap-southeast-1", "cn-north-1", "us-gov-west-1"])


@given(STACK_NAMES, STACK_NAMES, REGIONS)
def test_names_are_the_platform_s_own(project: str, stack: str, region: str) -> None:
    names = Names(project, stack, "123456789012", region)
    subject = make_subject(project=project, stack=stack, cluster_name=cluster_name(project, stack), region=region)
    assert subject.cluster_name == names.cluster
    for name in (names.role("nodes"), names.queue("events"), names.event_rule("spot"), names.node_pool("training")):
        assert own_name(subject, name)
    assert own_name(subject, names.state_machine("end"))
    assert names.schedule_group == subject.cluster_name
    prefixes = tuple(log_group_prefixes(subject))
    assert names.log_group("flow").startswith(prefixes)
    assert names.cluster_log_group.startswith(prefixes)
    assert set(bucket_names(subject)) == {names.bucket(purpose) for purpose in (*PURPOSES, ACCESS_LOGS)}
    assert names.cached_repository("quay").startswith(cache_prefix(subject))


@given(STACK_NAMES, STACK_NAMES, STACK_NAMES)
def test_names_on_google_cloud_are_the_platform_s_own(project: str, stack: str, team: str) -> None:
    names = google_naming.Names(project, stack, PROJECT, "123456789012", "europe-west4")
    subject = google_subject(project=project, stack=stack, teams=(team,), pools=("system", "training"))
    assert subject.cluster_name == names.cluster
    assert ownership.own_labels(subject) == labels.labels_of({"project": project, "stack": stack})
    purposes = (*storage.PURPOSES, storage.ACCESS_LOGS)
    assert ownership.bucket_names(subject) == {names.bucket(purpose) for purpose in purposes}
    of_team = {names.service_account(names.team_purpose(team, identity.value)) for identity in Identity}
    assert of_team | {names.service_account("node"), names.service_account("serving")} <= identities.emails(subject)
    gpus = {
        gpu_networks.network_name(names, "training", each)
        for kind in ("tcpx", "tcpxo", "rdma")
        for each in gpu_networks.planned(kind)  # type: ignore[arg-type]
    }
    assert {names.prefix, *gpus} <= ownership.network_names(subject)
    zones = {names.resource(part) for part in google_apis.ZONES}
    assert ownership.resource_names(subject, network.ZONES) == zones


@given(STACK_NAMES, st.sampled_from(["2", "-2", "_2", ".2", "-", "A"]))
def test_no_stack_on_google_cloud_takes_another_s_names_for_its_own(one: str, more: str) -> None:
    first, second = (google_subject(stack=stack, teams=("a",), pools=("a",)) for stack in (one, f"{one}{more}"))
    assert not identities.emails(first) & identities.emails(second)
    assert not ownership.network_names(first) & ownership.network_names(second)
    assert not ownership.bucket_names(first) & ownership.bucket_names(second)


def test_there_is_a_name_for_each_bucket() -> None:
    assert set(BUCKETS) == {*PURPOSES, ACCESS_LOGS}


@given(STACK_NAMES, st.sampled_from(["2", "-2", "_2", ".2", "-", "A", ""]))
def test_no_stack_takes_another_s_names_for_its_own(one: str, more: str) -> None:
    other = f"{one}{more}"
    first, second = (make_subject(stack=stack, cluster_name=cluster_name("trainyard", stack)) for stack in (one, other))
    if first.cluster_name == second.cluster_name:
        assert one == other
        return
    assert not own_name(first, f"{second.cluster_name}_nodes")
    assert not f"/aws/eks/{second.cluster_name}/cluster".startswith(tuple(log_group_prefixes(first)))
    assert not set(bucket_names(first)) & set(bucket_names(second))


def test_the_project_s_own_stacks_can_be_read() -> None:
    dev, prod, local = (read_subject(ROOT, stack) for stack in ("dev", "prod", "local"))
    assert (dev.cloud, dev.account_id, dev.region, dev.partition) == ("aws", "123456789012", "eu-west-1", "aws")
    assert (dev.cluster_name, dev.environment, dev.tags) == (
        "trainyard-dev",
        "dev",
        {"project": "trainyard", "stack": "dev"},
    )
    assert dev.allowed_account_ids == ("123456789012",)
    assert prod.environment == "prod"
    assert (local.cloud, local.account_id, local.region) == ("local", "", "")


def test_the_project_s_own_stacks_on_google_cloud_can_be_read() -> None:
    dev, prod = (read_subject(ROOT, stack) for stack in ("gcp-dev", "gcp-prod"))
    assert (dev.cloud, dev.account_id, dev.project_number, dev.region) == (
        "gcp",
        "ml-platform-example",
        "123456789012",
        "europe-west4",
    )
    assert dev.billing_account == "012345-6789AB-CDEF01"
    assert dev.own_accounts == ("ml-platform-example (123456789012)",)
    assert (dev.cluster_name, dev.environment, dev.pools) == ("trainyard-gcp-dev", "dev", ("system", "training"))
    assert prod.environment == "prod"
    assert prod.pools == ("system", "serving", "training", "distributed")


def test_another_file_may_hold_the_settings(tmp_path: Path) -> None:
    write(tmp_path, "config: {shop:cloud: local}\n")
    other = tmp_path / "elsewhere.yaml"
    aws = '{"account_id": "210987654321"}'
    other.write_text(f"config:\n  shop:cloud: aws\n  aws:region: cn-north-1\n  shop:aws: '{aws}'\n")
    subject = read_subject(tmp_path, "dev", str(other))
    assert (subject.cloud, subject.account_id, subject.partition) == ("aws", "210987654321", "aws-cn")
    assert read_subject(tmp_path, "dev").cloud == "local"
    with pytest.raises(InvalidFile, match=r"missing\.yaml"):
        read_subject(tmp_path, "dev", str(tmp_path / "missing.yaml"))


def test_a_stack_without_a_file_is_what_the_project_says(tmp_path: Path) -> None:
    write(tmp_path, "config: {}\n")
    assert read_subject(tmp_path, "other").cloud == "local"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("shop:cloud: moon", "shop:cloud = 'moon': must be local, aws, gcp"),
        ("shop:cloud: aws", "aws:region = ''"),
        ("shop:cloud: aws\n  aws:region: Europe", "aws:region = 'Europe'"),
        ("shop:cloud: aws\n  aws:region: eu-west-1\n  shop:aws: {account_id: '12'}", "shop:aws.account_id = '12'"),
        ("shop:cloud: aws\n  aws:region: eu-west-1\n  aws:allowedAccountIds: '12'", "aws:allowedAccountIds"),
        ("shop:cloud: gcp", "gcp:project = ''"),
        ("shop:cloud: gcp\n  gcp:project: Mine", "gcp:project = 'Mine'"),
        ("shop:cloud: gcp\n  gcp:project: ml-platform", "gcp:region = ''"),
        (
            "shop:cloud: gcp\n  gcp:project: ml-platform\n  gcp:region: europe-west4\n  shop:gcp: {project_number: 0}",
            "shop:gcp.project_number = 0",
        ),
        ("shop:cloud: {secure: v1:abc}", "shop:cloud is encrypted"),
        (
            "shop:cloud: aws\n  aws:region: eu-west-1\n  shop:aws: {account_id: {secure: v1:abc}}",
            "shop:aws.account_id is encrypted",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, config: str, told: str) -> None:
    write(tmp_path, f"config:\n  {config}\n")
    with pytest.raises(InvalidFile) as raised:
        read_subject(tmp_path, "dev")
    assert told in str(raised.value)
    assert "Pulumi.dev.yaml" in str(raised.value)


def test_where_a_local_stack_keeps_things_is_the_platform_s_own() -> None:
    from infra.local import folder, process, records, shared_memory

    subject = make_subject(cloud="local")
    kept = audit_local.stack_folder(subject)
    assert kept.relative_to(subject.directory).as_posix() == f".pulumi/local/{subject.stack}"
    assert audit_local.MARKER == records.MARKER
    assert audit_local.SHARED_MEMORY == folder.SHARED_MEMORY
    assert audit_local.SHARED_MEMORY_FOLDER == shared_memory.FOLDER
    assert audit_local.temporary_prefix(kept) == process.temporary_prefix(kept)
    assert hashlib.sha256(str(kept).encode()).hexdigest()[:8] in audit_local.temporary_prefix(kept)


def google_subject(project: str = "trainyard", stack: str = "dev", **fields: tuple[str, ...]) -> Subject:
    """A stack on Google Cloud."""
    subject = Subject(
        directory=ROOT,
        project=project,
        stack=stack,
        cloud="gcp",
        account_id=PROJECT,
        region="europe-west4",
        partition="",
        cluster_name=cluster_name(project, stack),
        environment="dev",
        project_number="123456789012",
    )
    return replace(subject, **fields)  # type: ignore[arg-type]


def make_subject(**fields: str) -> Subject:
    """A stack on AWS, with some of it said otherwise."""
    values = {
        "project": "trainyard",
        "stack": "dev",
        "cloud": "aws",
        "account_id": "123456789012",
        "region": "eu-west-1",
        "partition": "aws",
        "cluster_name": "trainyard-dev",
        "environment": "dev",
    }
    return Subject(directory=ROOT, **(values | fields))


def write(folder: Path, stack_file: str) -> None:
    """A project with the stack dev."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(stack_file)
