"""The logs: encrypted, kept for a time, of this stack alone, in one place, and in buckets whose names come once."""

import re
from typing import Any

import pytest

from infra.gcp.logs import Logs, LogsArguments, bucket_id, cluster_filter, network_filter
from infra.gcp.naming import Names
from infra.gcp.network import Network, NetworkArguments
from infra.gcp.settings import ClusterSettings, NetworkSettings
from policies.gcp import services
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.parts import NAMES, Made, made, objections

BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
SINK = "gcp:logging/projectSink:ProjectSink"
EXCLUSION = "gcp:logging/projectExclusion:ProjectExclusion"
KEY = f"projects/{PROJECT}/locations/{REGION}/keyRings/ring-1a2b3c4/cryptoKeys/keys-logs-1a2b3c4"
ZONES = (f"{REGION}-a", f"{REGION}-b")
LONG = Names("trainyard", "a" * 90, PROJECT, NUMBER, REGION)


def logs(*, location: str = "regional", days: tuple[int, int] = (30, 365), key: str = KEY, **others: Any) -> Made:
    arguments = LogsArguments(
        names=NAMES,
        network=NetworkSettings(zones=ZONES, flow_log_retention_days=days[0]),
        cluster=ClusterSettings.model_validate({"location": location, "log_retention_days": days[1]}),
        logs_key_id=key,
        production=others.get("production", False),
    )
    return made(lambda opts: Logs("logs", arguments, opts))


@pytest.fixture(scope="module")
def found() -> Made:
    return logs()


def test_each_bucket_is_in_the_region_and_encrypted_by_the_stack_s_key(found: Made) -> None:
    buckets = found.resources.all(BUCKET)
    assert [each.name for each in buckets] == ["logs-cluster", "logs-network"]
    for each in buckets:
        # Cloud Logging, "Configure CMEK for log buckets": not in global, and where the key is.
        assert (each.inputs["project"], each.inputs["location"]) == (PROJECT, REGION)
        assert each.inputs["cmekSettings"] == {"kmsKeyName": KEY}
        # It cannot be taken back: a locked bucket goes only when it is empty.
        assert "locked" not in each.inputs


def test_logs_are_kept_for_as_long_as_the_settings_say() -> None:
    resources = logs(days=(45, 400)).resources
    assert resources.one(BUCKET, "logs-network").inputs["retentionDays"] == 45
    assert resources.one(BUCKET, "logs-cluster").inputs["retentionDays"] == 400


def test_a_bucket_s_name_comes_once_and_is_one_that_google_takes() -> None:
    """A deleted bucket keeps its name for seven days, so a stack that is made anew has others."""
    again = logs(key=f"{KEY}d").resources
    for each in logs().resources.all(BUCKET):
        assert re.fullmatch(r"[a-zA-Z0-9][\w-]{0,99}", each.inputs["bucketId"])
        assert each.inputs["bucketId"].startswith("trainyard-gcp-dev-")
        assert each.inputs["bucketId"] != again.one(BUCKET, each.name).inputs["bucketId"]
    assert len(bucket_id(LONG, "network", KEY)) <= 100


def test_a_sink_leads_to_each_bucket(found: Made) -> None:
    for each in found.resources.all(SINK):
        bucket = found.resources.one(BUCKET, each.name).inputs["bucketId"]
        destination = f"logging.googleapis.com/projects/{PROJECT}/locations/{REGION}/buckets/{bucket}"
        assert each.inputs["destination"] == destination
        assert each.inputs["uniqueWriterIdentity"] is True
        assert "disabled" not in each.inputs


def test_what_is_routed_is_stored_once() -> None:
    found = logs()
    exclusion = found.resources.one(EXCLUSION).inputs
    for sink in found.resources.all(SINK):
        assert f"({sink.inputs['filter']})" in exclusion["filter"]
    # Nothing is left out before there is another way to it.
    assert found.awaited(EXCLUSION, "logs") == {(SINK, "logs-network"), (SINK, "logs-cluster")}


def test_only_this_stack_s_network_is_routed() -> None:
    """By the names that the network's resources have."""
    network = made(lambda opts: Network("network", NetworkArguments(names=NAMES, settings=NetworkSettings()), opts))
    told = network_filter(NAMES)
    for type_ in ("subnetwork:Subnetwork", "routerNat:RouterNat"):
        name = network.resources.one(f"gcp:compute/{type_}").inputs["name"]
        assert f'_name="{name}"' in told
    for log in ("vpc_flows", "firewall", "nat_flows"):
        assert f'"projects/{PROJECT}/logs/compute.googleapis.com%2F{log}"' in told
    assert network_filter(Names("trainyard", "gcp-dev-2", PROJECT, NUMBER, REGION)) != told


@pytest.mark.parametrize(("location", "where"), [("regional", REGION), ("zonal", ZONES[0])])
def test_only_this_stack_s_cluster_is_routed(location: str, where: str) -> None:
    told = logs(location=location).resources.one(SINK, "logs-cluster").inputs["filter"]
    assert told == f'resource.labels.cluster_name="trainyard-gcp-dev" AND resource.labels.location="{where}"'
    assert told == cluster_filter(NAMES, where)


def test_filters_are_of_the_form_and_length_that_google_takes() -> None:
    """Source: Logging API, LogSink and LogExclusion: 20,000 characters; query language: brackets in pairs."""
    for told in (network_filter(LONG), cluster_filter(LONG, REGION)):
        assert len(told) < 10_000
        assert told.count("(") == told.count(")")
        assert told.count('"') % 2 == 0


def test_production_keeps_its_logs() -> None:
    assert logs(production=False).protected() == set()
    assert logs(production=True).protected() == {"logs-network", "logs-cluster"}


def test_the_policy_pack_lets_them_pass(found: Made) -> None:
    assert objections(services.RULES, found) == []
