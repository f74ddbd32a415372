"""The dead-man switch: what AWS does by itself when a stack has expired, rehearsed on moto.

moto keeps schedules and never acts by them: `schedules` does that. What IAM's conditions on time say is computed here.
"""

import datetime
import functools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.expiry_moment import until
from infra.expiry_moment import moment_in_utc
from infra.platform import create_platform
from tests.infra.aws.schedules import SCHEDULE, call, client, due, folded
from tests.infra.recorder import WORKLOAD, Registered, Resources, provision, record
from tests.infra.stack_files import changed, parse, stack_file
from tests.own_moto import aws_in_this_process

MOMENT = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
"""When the stack dev of the tests expires."""
SECOND = datetime.timedelta(seconds=1)
GROUP = "aws:scheduler/scheduleGroup:ScheduleGroup"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
STATE_MACHINE = "aws:sfn/stateMachine:StateMachine"
CLUSTER = "trainyard-dev"
POOLS = {
    "gpu_pools": {
        "training": {"capacity": "spot", "instance_types": ["g5.xlarge"], "max_nodes": 4},
        "serving": {"capacity": "on_demand", "instance_types": ["g5.xlarge"], "min_nodes": 1, "max_nodes": 2},
    },
    "machine": {"instance_type": "g5.xlarge"},
}
KARPENTER = {"kubernetes.addons.node_autoscaler": "karpenter"}

pytestmark = pytest.mark.xdist_group("aws platforms")


@functools.cache
def expiring(moment: str) -> Resources:
    """What the stack dev registers with another moment."""
    config = changed(stack_file("dev"), POOLS) | {"trainyard:expires_at": moment}
    return record(lambda: create_platform(parse(config), workload=WORKLOAD))


@pytest.fixture
def cloud() -> Iterator[None]:
    """A cloud in this process, which runs state machines."""
    services = ("ec2", "eks", "scheduler", "stepfunctions")
    with aws_in_this_process(services, {"stepfunctions": {"execute_state_machine": True}}):
        yield


def test_every_pool_and_the_machine_have_a_schedule_that_begins_when_the_stack_expires() -> None:
    resources = provision("dev", POOLS)
    schedules = resources.all(SCHEDULE)
    assert [each.name for each in schedules] == ["expiry-gpu-serving", "expiry-gpu-training", "expiry-machine"]
    for each in schedules:
        assert each.inputs["startDate"] == "2027-01-01T00:00:00Z"
        assert each.inputs["scheduleExpression"] == "rate(15 minutes)"
        assert "endDate" not in each.inputs
        assert each.inputs["state"] == "ENABLED"
        assert each.inputs["flexibleTimeWindow"] == {"mode": "OFF"}
        assert each.inputs["groupName"] == resources.one(GROUP).inputs["name"] == CLUSTER
        assert each.inputs["kmsKeyArn"] == "arn:aws:mock:::keys-secrets"
        assert each.inputs["target"]["retryPolicy"]["maximumRetryAttempts"] > 0


def test_what_never_expires_or_has_nothing_dear_has_no_switch() -> None:
    cheap = changed(stack_file("dev"), {"gpu_pools": {}}) | {"trainyard:training": {"enabled": False}}
    for resources in (provision("prod"), record(lambda: create_platform(parse(cheap), workload=WORKLOAD))):
        assert resources.all(SCHEDULE) == resources.all(GROUP) == resources.all(STATE_MACHINE) == []
    for policy in provision("prod").all(ROLE_POLICY):
        assert "aws:CurrentTime" not in policy.inputs["policy"], policy.name


def test_it_acts_by_a_role_that_reaches_these_pools_and_no_more() -> None:
    resources = provision("dev", POOLS)
    trust = resources.one(ROLE, "expiry").statement("SchedulesOfTheStack", "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:scheduler:eu-west-1:123456789012:schedule-group/{CLUSTER}"},
    }
    statements = resources.one(ROLE_POLICY, "expiry").document()["Statement"]
    assert {each["Sid"]: (each["Action"], in_order(each["Resource"])) for each in statements} == {
        "ReadOwnSchedules": ("kms:Decrypt", "arn:aws:mock:::keys-secrets"),
        "EmptyPools": ("eks:UpdateNodegroupConfig", ["arn:aws:mock:::gpu-serving", "arn:aws:mock:::gpu-training"]),
        "StopMachine": ("ec2:StopInstances", "arn:aws:ec2:eu-west-1:123456789012:instance/machine-1-id"),
    }


def test_who_makes_its_schedules_uses_their_key_for_them_only() -> None:
    (key,) = (each for each in provision("dev").all("aws:kms/key:Key") if each.name == "keys-secrets")
    schedules = f"arn:aws:scheduler:eu-west-1:123456789012:schedule/{CLUSTER}/*"
    context = {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedules}
    assert key.statement("UseThroughScheduler")["Condition"] == {
        "StringEquals": {"kms:ViaService": "scheduler.eu-west-1.amazonaws.com"},
        "ArnLike": context,
    }
    own = provision("dev").one(ROLE_POLICY, "expiry").statement("ReadOwnSchedules")
    assert own["Condition"] == {"ArnLike": context}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("changes", [POOLS, {**KARPENTER, "machine": POOLS["machine"]}], ids=["groups", "karpenter"])
def test_eventbridge_scheduler_takes_what_is_registered(changes: dict[str, Any]) -> None:
    resources, scheduler = provision("dev", changes), client("scheduler")
    scheduler.create_schedule_group(Name=resources.one(GROUP).inputs["name"])
    create = scheduler.meta.service_model.operation_model("CreateSchedule").input_shape
    for schedule in resources.all(SCHEDULE):
        scheduler.create_schedule(**folded(capitalized(schedule.inputs), create))
        kept = scheduler.get_schedule(GroupName=CLUSTER, Name=schedule.inputs["name"])
        assert kept["StartDate"] == MOMENT
        assert kept["Target"]["RoleArn"] == "arn:aws:mock:::expiry"
    assert len(scheduler.list_schedules(GroupName=CLUSTER)["Schedules"]) == len(resources.all(SCHEDULE)) > 1


def capitalized(inputs: Any) -> Any:
    """The provider's inputs with the names of the API; Pulumi hands every number over as one with a fraction."""
    if isinstance(inputs, dict):
        return {name[0].upper() + name[1:]: capitalized(value) for name, value in inputs.items()}
    return int(inputs) if isinstance(inputs, float) else inputs


@pytest.mark.usefixtures("cloud")
def test_rehearsal_at_the_moment_the_pools_are_empty_and_the_machine_stands() -> None:
    resources, eks, ec2 = provision("dev", POOLS), client("eks"), client("ec2")
    sizes = {"gpu-training-1a2b3c4": (0, 3), "gpu-serving-1a2b3c4": (1, 2), "system": (1, 1)}
    make_cluster(eks, sizes)
    machine = start_instance(ec2)

    def act(moment: datetime.datetime) -> None:
        for schedule in due(resources, moment):
            call(schedule, pytest.fail, {"machine-1-id": machine})

    act(MOMENT - SECOND)
    assert sizes_of(eks) == sizes
    assert state_of(ec2, machine) == "running"
    # The second time finds everything done.
    for moment in (MOMENT, MOMENT + datetime.timedelta(minutes=15)):
        act(moment)
        assert sizes_of(eks) == {"gpu-training-1a2b3c4": (0, 0), "gpu-serving-1a2b3c4": (0, 0), "system": (1, 1)}
        assert state_of(ec2, machine) == "stopped"


@pytest.mark.usefixtures("cloud")
def test_rehearsal_karpenters_nodes_end_and_no_others() -> None:
    resources, ec2 = provision("dev", KARPENTER), client("ec2")
    own = {f"kubernetes.io/cluster/{CLUSTER}": "owned", "karpenter.sh/nodepool": "training"}
    nodes = {start_instance(ec2, **own) for _ in range(2)}
    others = {
        start_instance(ec2, **{f"kubernetes.io/cluster/{CLUSTER}": "owned"}),
        start_instance(ec2, **{**own, f"kubernetes.io/cluster/{CLUSTER}": "shared"}),
        start_instance(ec2),
    }
    [schedule] = due(resources, MOMENT)
    for _ in range(2):
        call(schedule, lambda arn: run_state_machine(resources, arn), {})
        assert {state_of(ec2, node) for node in nodes} == {"terminated"}
        assert {state_of(ec2, other) for other in others} == {"running"}
    assert due(resources, MOMENT - SECOND) == []


def test_the_state_machine_ends_what_karpenter_started_and_is_run_by_the_switch_alone() -> None:
    resources = provision("dev", KARPENTER)
    end = resources.one(ROLE_POLICY, "expiry-nodes").statement("EndNodes")
    assert end["Condition"] == {
        "StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{CLUSTER}": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }
    trust = resources.one(ROLE, "expiry-nodes").statement("StateMachineOfTheStack", "assumeRolePolicy")
    name = resources.one(STATE_MACHINE).inputs["name"]
    assert trust["Condition"]["ArnEquals"] == {
        "aws:SourceArn": f"arn:aws:states:eu-west-1:123456789012:stateMachine:{name}"
    }
    assert resources.one(ROLE_POLICY, "expiry").statement("EndNodes")["Resource"] == "arn:aws:mock:::expiry-nodes"


@pytest.mark.parametrize(
    ("changes", "policy", "starts", "ends"),
    [
        ({}, "autoscaler", {"autoscaling:SetDesiredCapacity"}, {"autoscaling:TerminateInstanceInAutoScalingGroup"}),
        (KARPENTER, "karpenter-controller", {"ec2:RunInstances", "ec2:CreateFleet"}, {"ec2:TerminateInstances"}),
    ],
    ids=["cluster autoscaler", "karpenter"],
)
def test_from_the_moment_on_nothing_starts_nodes_and_they_still_can_be_ended(
    changes: dict[str, Any], policy: str, starts: set[str], ends: set[str]
) -> None:
    document = provision("dev", changes).one(ROLE_POLICY, policy).document()
    assert starts | ends <= allowed(document, MOMENT - SECOND)
    for moment in (MOMENT, MOMENT + datetime.timedelta(days=365)):
        assert not starts & allowed(document, moment)
        assert ends <= allowed(document, moment)


def test_a_later_moment_changes_the_switch_in_place_and_no_node() -> None:
    earlier, later = expiring("2027-01-01T00:00:00Z"), expiring("2027-02-01T00:00:00Z")
    old = {(each.type, each.name): each.inputs for each in earlier.registered}
    new = {(each.type, each.name): each.inputs for each in later.registered}
    assert old.keys() == new.keys()
    changes = {
        (type_, name, field)
        for (type_, name), inputs in old.items()
        for field, value in inputs.items()
        if type_.startswith("aws:") and field != "tags" and value != new[type_, name][field]
    }
    assert changes == {
        *((SCHEDULE, each.name, "startDate") for each in earlier.all(SCHEDULE)),
        (ROLE_POLICY, "autoscaler", "policy"),
        # Tags of the machine's volume and interface: the machine stays at the template's first version. What is in the
        # templates of nodes, the nodes have; with another one they would be replaced.
        ("aws:ec2/launchTemplate:LaunchTemplate", "machine-1", "tagSpecifications"),
    }


@given(st.integers(0, 4_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_a_moment_of_any_zone_is_the_same_moment_in_utc(seconds: int, minutes: int) -> None:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone(datetime.timedelta(minutes=minutes)))
    written = moment_in_utc(moment.isoformat())
    assert written.endswith("Z")
    assert datetime.datetime.fromisoformat(written) == moment
    assert until(moment.isoformat()) == {"DateLessThan": {"aws:CurrentTime": written}}


def test_a_moment_without_a_zone_is_none() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        moment_in_utc("2027-01-01T00:00:00")


def in_order(resources: str | list[str]) -> str | list[str]:
    return resources if isinstance(resources, str) else sorted(resources)


def allowed(document: Mapping[str, Any], moment: datetime.datetime) -> set[str]:
    """The actions that a policy allows at a moment, where all conditions but those on time are met."""
    found: set[str] = set()
    for statement in document["Statement"]:
        before = statement.get("Condition", {}).get("DateLessThan", {}).get("aws:CurrentTime")
        if before is None or moment < datetime.datetime.fromisoformat(before):
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else {*actions}
    return found


def make_cluster(eks: Any, sizes: Mapping[str, tuple[int, int]]) -> None:
    role = "arn:aws:iam::123456789012:role/cluster"
    eks.create_cluster(name=CLUSTER, roleArn=role, resourcesVpcConfig={"subnetIds": []})
    for name, (least, wanted) in sizes.items():
        eks.create_nodegroup(
            clusterName=CLUSTER,
            nodegroupName=name,
            nodeRole=role,
            subnets=[],
            scalingConfig={"minSize": least, "desiredSize": wanted, "maxSize": 4},
        )


def sizes_of(eks: Any) -> dict[str, tuple[int, int]]:
    """The least and the wanted size of each group of nodes; the largest has to stay what it is."""
    found = {}
    for name in eks.list_nodegroups(clusterName=CLUSTER)["nodegroups"]:
        scaling = eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=name)["nodegroup"]["scalingConfig"]
        found[name] = (scaling["minSize"], scaling["desiredSize"])
    return found


def start_instance(ec2: Any, **tags: str) -> str:
    specification = {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    given = {"TagSpecifications": [specification]} if tags else {}
    started = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, **given)
    identifier: str = started["Instances"][0]["InstanceId"]
    return identifier


def state_of(ec2: Any, instance: str) -> str:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    name: str = found["State"]["Name"]
    return name


def run_state_machine(resources: Resources, arn: str) -> None:
    """Runs the state machine of an ARN to its end."""
    machine: Registered = resources.one(STATE_MACHINE)
    assert arn == f"arn:aws:mock:::{machine.name}"
    states = client("stepfunctions")
    made = states.create_state_machine(
        name=f"{machine.inputs['name']}-{time.monotonic_ns()}",
        definition=machine.inputs["definition"],
        roleArn="arn:aws:iam::123456789012:role/nodes",
    )
    execution = states.start_execution(stateMachineArn=made["stateMachineArn"], input="{}")["executionArn"]
    deadline = time.monotonic() + 120
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ended["status"] == "SUCCEEDED", json.dumps(ended, default=str)
