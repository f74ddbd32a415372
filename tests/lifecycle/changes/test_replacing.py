"""The table of what replaces resources: whole for this project's own stacks, and in order."""

import csv
from pathlib import Path

import pytest

from engine.property_paths import parse
from lifecycle.changes import replacing
from lifecycle.changes.stateful import LOSSES
from tests.infra.gcp import variety
from tests.infra.plan import plan
from tests.infra.sdk_schema import arguments_class, properties_of

pytestmark = pytest.mark.xdist_group("planned stacks")

TABLE = Path(replacing.__file__).with_name("replacing_properties.csv")


@pytest.mark.parametrize("stack", ["dev", "prod", "gcp-dev", "gcp-prod"])
def test_every_type_of_the_committed_stacks_is_in_the_table(stack: str) -> None:
    packages = ("aws:", "gcp:", "kubernetes:", "pulumi:providers:kubernetes")
    types = {each.type for each in plan(stack).resources if each.type.startswith(packages)}
    assert len(types) > 40
    assert types - replacing.table().keys() == set()


def test_every_type_that_google_cloud_is_ever_made_of_is_in_the_table() -> None:
    types = {each.type for case in variety.CASES for each in variety.registered(case)}
    assert len(types) > 30
    assert types - replacing.table().keys() == set()


def test_every_property_of_google_cloud_is_one_of_the_sdk() -> None:
    for type_, paths in replacing.table().items():
        if type_.startswith("gcp:"):
            known = properties_of(arguments_class(type_))
            assert {path[0] for path in paths} - known.keys() == set(), type_


def test_the_table_is_sorted_without_doubles_and_each_row_has_a_source() -> None:
    with TABLE.open(newline="") as file:
        rows = [(row["type"], row["property"], row["source"]) for row in csv.DictReader(file)]
    assert rows == sorted(set(rows))
    assert [row for row in rows if not row[2].startswith(("pulumi-", "terraform-provider-"))] == []
    assert len({row[:2] for row in rows}) == len(rows)
    for _, path, _ in rows:
        assert not path or parse(path)


def test_a_few_facts_that_a_reader_can_check() -> None:
    assert ("bucket",) in replacing.patterns("aws:s3/bucket:Bucket")
    assert ("spec", "template") in replacing.patterns("kubernetes:batch/v1:Job")
    assert ("accessConfig", "bootstrapClusterCreatorAdminPermissions") in replacing.patterns("aws:eks/cluster:Cluster")
    assert ("nodeConfig", "spot") in replacing.patterns("gcp:container/nodePool:NodePool")
    assert ("nodeConfig", "machineType") not in replacing.patterns("gcp:container/nodePool:NodePool")
    assert ("destroyScheduledDuration",) in replacing.patterns("gcp:kms/cryptoKey:CryptoKey")
    assert ("location",) in replacing.patterns("gcp:storage/bucket:Bucket")
    assert replacing.patterns("aws:ec2/internetGateway:InternetGateway") == ()
    assert replacing.is_known("aws:ec2/internetGateway:InternetGateway", custom=True)
    assert not replacing.is_known("acme:index:Widget", custom=True)


def test_what_is_lost_is_said_of_every_type_that_holds_something() -> None:
    assert all(LOSSES.values())
    assert list(LOSSES) == sorted(LOSSES)
