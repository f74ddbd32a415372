"""What the rules on cost calculate with: the same numbers as `yard cost`, and the region and the day that hold."""

import datetime
import json

import pytest

from planning.cost.estimate import price_plan
from planning.prices.refreshed import project_book
from policies import dates
from policies.cases import UNKNOWN, made
from policies.cost import pricing
from policies.cost.examples import node_group, template
from policies.resources import Stack
from policies.values import Undecided
from tests.cli.yard import ROOT
from tests.policies.planned import planned, previewed

pytestmark = pytest.mark.xdist_group("planned stacks")


@pytest.mark.parametrize(
    ("name", "region"),
    [("dev", "eu-west-1"), ("prod", "eu-west-1"), ("gcp-dev", "europe-west4"), ("gcp-prod", "europe-west4")],
)
def test_the_rules_see_what_yard_cost_shows(name: str, region: str) -> None:
    document = json.loads(previewed(name).out)
    expected = price_plan(document, project_book(ROOT))
    found = pricing.priced(planned(name))
    assert (found.region, found.hidden) == (region, ())
    assert found.cost.full_usd_per_hour == pytest.approx(expected.full_usd_per_hour)
    assert found.cost.fixed_usd_per_month == pytest.approx(expected.fixed_usd_per_month)
    assert found.cost.usd_per_month == pytest.approx(expected.usd_per_month)


def test_a_stack_is_priced_once() -> None:
    stack = Stack([node_group()])
    assert pricing.priced(stack) is pricing.priced(stack)


def test_the_region_is_the_configured_one_or_that_of_the_stacks_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    subnet = made("aws:ec2/subnet:Subnet", "a", {"availabilityZone": "us-west-2a"})
    endpoint = made("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", {"serviceName": "com.amazonaws.us-west-2.s3"})
    assert pricing.region_of_stack(Stack([])) == pricing.DEFAULT_REGION
    assert pricing.region_of_stack(Stack([subnet])) == "us-west-2"
    assert pricing.region_of_stack(Stack([endpoint])) == "us-west-2"
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": "eu-west-1"}))
    assert pricing.region_of_stack(Stack([subnet])) == "eu-west-1"


def test_the_region_of_google_cloud_is_told_by_its_configuration_or_by_where_things_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    bucket = made("gcp:storage/bucket:Bucket", "datasets", {"location": "EU"})
    subnet = made("gcp:compute/subnetwork:Subnetwork", "nodes", {"region": "europe-west4"})
    cluster = made("gcp:container/cluster:Cluster", "cluster", {"location": "europe-west4-b"})
    assert pricing.region_of_stack(Stack([bucket])) == "us-central1"
    assert pricing.region_of_stack(Stack([bucket, subnet])) == "europe-west4"
    assert pricing.region_of_stack(Stack([bucket, cluster])) == "europe-west4"
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"gcp:region": "asia-southeast1"}))
    assert pricing.region_of_stack(Stack([cluster])) == "asia-southeast1"


def test_the_assumptions_are_those_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = made("aws:s3/bucket:Bucket", "checkpoints")
    few = pricing.priced(Stack([bucket])).cost.usd_per_month
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"trainyard:usage": json.dumps({"checkpoint_gib": 1050})}))
    assert pricing.priced(Stack([bucket])).cost.usd_per_month == pytest.approx(few + 1000 * 0.023)


def test_only_what_a_price_depends_on_leaves_a_total_open() -> None:
    made_of = template(userData=UNKNOWN, networkInterfaces=[{"securityGroups": [UNKNOWN]}])
    settled = pricing.priced(Stack([made_of, node_group(started_from=made_of)]))
    assert settled.hidden == ()
    assert not pricing.is_above(1.0, 2.0, settled)
    larger = template(blockDeviceMappings=[{"ebs": {"volumeSize": UNKNOWN, "volumeType": "gp3"}}])
    opened = pricing.priced(Stack([larger, node_group(started_from=larger)]))
    assert opened.hidden
    assert pricing.is_above(3.0, 2.0, opened)
    with pytest.raises(Undecided):
        pricing.is_above(1.0, 2.0, opened)


def test_the_day_can_be_set_for_what_is_to_be_the_same_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    assert dates.today() == datetime.date(2026, 9, 21)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert dates.today() >= datetime.date(2026, 11, 26)
