"""The dead-man switch: what Google Cloud does by itself when a stack has expired, rehearsed on a stand-in of it."""

import datetime
import functools
import itertools
from typing import Any

import pulumi_gcp as gcp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.expiry_moment import utc_moment
from infra.gcp.cluster import this_cluster
from infra.gcp.expiry import Expiry, ExpiryArguments
from infra.gcp.expiry_cron import not_before, schedules
from infra.gcp.naming import Names
from tests.infra.gcp.answers import NUMBER, PROJECT, REGION
from tests.infra.gcp.scheduler import JOB, MINUTE, GoogleCloud, Pool, begins, due_minutes, run_jobs
from tests.infra.recorder import Resources, provision, record

MOMENT = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
"""When the stack gcp-dev of the tests expires."""
SECOND, HOUR, DAY = (datetime.timedelta(**{unit: 1}) for unit in ("seconds", "hours", "days"))
ACCOUNT = "gcp:serviceaccount/account:Account"
PROJECT_MEMBER = "gcp:projects/iAMMember:IAMMember"
INSTANCE_MEMBER = "gcp:compute/instanceIAMMember:InstanceIAMMember"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
NAMES = Names("trainyard", "gcp-dev", PROJECT, NUMBER, REGION)
EMAIL = NAMES.service_account("expiry")
POOLS = ("training", "serving")

pytestmark = pytest.mark.xdist_group("gcp platforms")

moments = st.floats(1_767_225_600, 2_208_988_800).map(
    lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.UTC)
)
"""From 2026 to 2040."""


@functools.cache
def expiring(moment: str, pools: tuple[str, ...] = POOLS, *, machine: bool = True, names: Names = NAMES) -> Resources:
    """The switch by itself."""
    region = names.region

    def build() -> None:
        made = {name: gcp.container.NodePool(f"gpu-{name}", cluster=names.cluster, location=region) for name in pools}
        arguments = ExpiryArguments(
            names=names,
            expires_at=moment,
            cluster_name=names.cluster,
            location=region,
            node_pools=made,
            machine_name="machine-1" if machine else None,
            machine_zone=f"{region}-a" if machine else "",
        )
        Expiry("expiry", arguments)

    return record(build)


def cloud(pools: tuple[str, ...] = POOLS) -> GoogleCloud:
    """A project whose pools have nodes, and whose machine runs."""
    busy = {f"gpu-{name}-1a2b3c4": Pool(autoscaling=True, nodes=2) for name in pools}
    return GoogleCloud({**busy, "system": Pool(autoscaling=True, nodes=1)}, {"machine-1", "another"})


@given(moments)
@example(datetime.datetime(2027, 12, 31, 23, 59, 1, tzinfo=datetime.UTC))
@example(datetime.datetime(2028, 2, 28, 12, 0, tzinfo=datetime.UTC))
@example(datetime.datetime(2028, 2, 29, 23, 45, tzinfo=datetime.UTC))
@example(datetime.datetime(2027, 4, 30, 0, 0, tzinfo=datetime.UTC))
def test_it_is_due_within_a_minute_and_every_quarter_of_an_hour_of_the_following_day(
    moment: datetime.datetime,
) -> None:
    due = sorted(each for cron in schedules(moment) for each in due_minutes(cron, moment, moment + DAY))
    assert due[0] - moment < MINUTE
    assert moment + DAY - due[-1] < 15 * MINUTE
    assert {later - earlier for earlier, later in itertools.pairwise(due)} == {15 * MINUTE}


@given(moments)
def test_what_is_due_too_early_is_within_the_hour_and_refused(moment: datetime.datetime) -> None:
    early = [each for cron in schedules(moment) for each in due_minutes(cron, moment - 300 * DAY, moment - SECOND)]
    assert len(early) <= 3
    assert all(moment - each < HOUR + MINUTE for each in early)
    assert all(each < begins(not_before(moment)) for each in early)


@given(moments)
def test_the_condition_begins_at_the_moment_to_the_second(moment: datetime.datetime) -> None:
    assert datetime.timedelta() <= moment - begins(not_before(moment)) < SECOND


@given(moments)
def test_a_year_later_it_would_be_the_same(moment: datetime.datetime) -> None:
    """Cron has no year: what is due then finds an expired stack."""
    for cron in schedules(moment):
        assert cron.split()[4] == "*"
        assert len(cron.split()) == 5


def test_every_pool_and_the_machine_have_jobs_for_two_days() -> None:
    resources = expiring("2027-03-31T20:05:00+02:00")
    found = {each.name.removeprefix("expiry-"): each.inputs for each in resources.all(JOB)}
    assert {name: each["schedule"] for name, each in found.items()} == {
        "machine-day": "5,20,35,50 18-23 31 3 *",
        "machine-next-day": "5,20,35,50 0-18 1 4 *",
        "training-autoscaling-day": "5,20,35,50 18-23 31 3 *",
        "training-autoscaling-next-day": "5,20,35,50 0-18 1 4 *",
        "training-size-day": "7,22,37,52 18-23 31 3 *",
        "training-size-next-day": "7,22,37,52 0-18 1 4 *",
        "serving-autoscaling-day": "9,24,39,54 18-23 31 3 *",
        "serving-autoscaling-next-day": "9,24,39,54 0-18 1 4 *",
        "serving-size-day": "11,26,41,56 18-23 31 3 *",
        "serving-size-next-day": "11,26,41,56 0-18 1 4 *",
    }
    for name, each in found.items():
        assert (each["timeZone"], each["region"]) == ("Etc/UTC", REGION)
        assert each["name"] == f"{NAMES.prefix}-expiry-{name}"
        assert each["retryConfig"]["retryCount"] > 0
        target = each["httpTarget"]
        assert target["httpMethod"] == "POST"
        assert target.get("headers") == ({"Content-Type": "application/json"} if "body" in target else None)
        assert target["oauthToken"]["serviceAccountEmail"] == EMAIL


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("northamerica-south1", "us-south1"),
        ("southamerica-west1", "southamerica-east1"),
        ("us-east5", "us-east4"),
        ("us-east1", "us-east1"),
    ],
)
def test_jobs_are_in_the_nearest_region_that_cloud_scheduler_is_in(region: str, near: str) -> None:
    resources = expiring(MOMENT.isoformat(), names=Names("trainyard", "gcp-dev", PROJECT, NUMBER, region))
    assert {each.inputs["region"] for each in resources.all(JOB)} == {near}
    # They act where the stack is all the same.
    for each in resources.all(JOB):
        assert f"/{region}" in each.inputs["httpTarget"]["uri"]


def test_rehearsal_at_the_moment_the_pools_are_emptied_and_the_machine_stands() -> None:
    resources, there = expiring(MOMENT.isoformat()), cloud()
    statuses = run_jobs(resources, there, MOMENT - DAY, MOMENT - SECOND)
    assert statuses.keys() <= {403}
    assert there == cloud()
    run_jobs(resources, there, MOMENT, MOMENT + HOUR)
    gone = Pool(autoscaling=False, nodes=0)
    left = {"system": Pool(autoscaling=True, nodes=1)}
    assert there.pools == {"gpu-training-1a2b3c4": gone, "gpu-serving-1a2b3c4": gone, **left}
    assert there.running == {"another"}


def test_rehearsal_what_gke_was_too_busy_for_is_done_in_a_later_round() -> None:
    resources, there = expiring(MOMENT.isoformat()), cloud()
    there.busy_until = MOMENT + 20 * MINUTE
    statuses = run_jobs(resources, there, MOMENT, MOMENT + DAY)
    assert statuses.keys() == {400, 200}
    assert not any(pool.nodes for name, pool in there.pools.items() if name != "system")


def test_rehearsal_a_stack_that_was_brought_back_within_the_day_is_ended_again() -> None:
    resources, there = expiring(MOMENT.isoformat(), ("training",), machine=False), cloud(("training",))
    run_jobs(resources, there, MOMENT, MOMENT + HOUR)
    there.pools["gpu-training-1a2b3c4"] = Pool(autoscaling=True, nodes=3)
    run_jobs(resources, there, MOMENT + HOUR, MOMENT + DAY)
    assert there.pools["gpu-training-1a2b3c4"] == Pool(autoscaling=False, nodes=0)


def test_many_pools_are_all_begun_within_a_quarter_of_an_hour() -> None:
    names = tuple(f"pool-{index}" for index in range(12))
    for job in expiring(MOMENT.isoformat(), names).all(JOB):
        if job.name.endswith("-day") and not job.name.endswith("-next-day"):
            first = next(due_minutes(job.inputs["schedule"], MOMENT, MOMENT + DAY))
            assert first - MOMENT < 15 * MINUTE


def test_it_acts_by_an_account_that_reaches_this_cluster_and_this_machine_from_the_moment_on() -> None:
    resources = expiring("2027-01-01T01:00:00+01:00")
    member = f"serviceAccount:{EMAIL}"
    from_the_moment = 'request.time >= timestamp("2027-01-01T00:00:00Z")'
    cluster = NAMES.cluster_id(REGION)
    on_project = resources.one(PROJECT_MEMBER).inputs
    assert on_project["member"] == member
    assert on_project["condition"]["expression"] == f"{from_the_moment} && ({this_cluster(cluster)})"
    on_machine = resources.one(INSTANCE_MEMBER).inputs
    assert (on_machine["member"], on_machine["instanceName"]) == (member, "machine-1")
    assert on_machine["condition"]["expression"] == from_the_moment
    granted = {each.inputs["role"] for each in resources.registered if each.inputs.get("member") == member}
    assert granted == {on_project["role"], on_machine["role"]}
    permissions = {each.name: each.inputs["permissions"] for each in resources.all(ROLE)}
    assert permissions == {
        "expiry-pools": ["container.clusters.update"],
        "expiry-machine": ["compute.instances.stop"],
    }


def test_what_is_not_there_is_not_ended_and_may_not_be() -> None:
    pools_only, machine_only = expiring(MOMENT.isoformat(), machine=False), expiring(MOMENT.isoformat(), ())
    assert pools_only.all(INSTANCE_MEMBER) == machine_only.all(PROJECT_MEMBER) == []
    assert [each.name for each in pools_only.all(ROLE)] == ["expiry-pools"]
    assert [each.name for each in machine_only.all(JOB)] == ["expiry-machine-day", "expiry-machine-next-day"]


def test_a_role_has_another_name_whenever_its_account_is_another() -> None:
    """Google keeps a role's name for weeks when the role is gone, so a stack that is made anew needs another."""
    (role, *_) = expiring(MOMENT.isoformat()).all(ROLE)
    assert role.inputs["roleId"].startswith("trainyard_gcp_dev_")
    assert len(role.inputs["roleId"]) <= 64
    assert "." not in role.inputs["roleId"].rpartition("_")[2]


def test_a_later_moment_changes_schedules_and_conditions_alone() -> None:
    earlier, later = expiring("2027-01-01T00:00:00Z"), expiring("2027-02-01T09:30:00Z")
    old = {(each.type, each.name): each.inputs for each in earlier.registered}
    new = {(each.type, each.name): each.inputs for each in later.registered}
    assert old.keys() == new.keys()
    changed = {
        (type_, field)
        for (type_, name), inputs in old.items()
        for field, value in inputs.items()
        if value != new[type_, name][field]
    }
    assert changed == {(JOB, "schedule"), (PROJECT_MEMBER, "condition"), (INSTANCE_MEMBER, "condition")}


def test_a_stack_that_expires_has_it_and_what_never_expires_has_none() -> None:
    with_machine: dict[str, Any] = {"machine.machine_type": "g2-standard-4"}
    jobs = [each.name for each in provision("gcp-dev", with_machine).all(JOB)]
    assert jobs == [
        f"expiry-{of}-{day}"
        for of in ("machine", "training-autoscaling", "training-size")
        for day in ("day", "next-day")
    ]
    lasting = provision("gcp-prod")
    assert lasting.all(JOB) == []
    assert not [each for each in lasting.all(ACCOUNT) if each.name == "expiry"]


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_a_moment_of_any_zone_is_the_same_moment(moment: datetime.datetime, minutes: int) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    assert schedules(utc_moment(moment.astimezone(zone).isoformat())) == schedules(moment)
