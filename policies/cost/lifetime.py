"""Rules on when what costs money ends: stacks, pools, jobs and reservations."""

import datetime
import fnmatch
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

from planning.cost.price_aws_compute import INSTANCE, NODE_GROUP
from planning.cost.words import dollars
from planning.quantities import HOURS_PER_MONTH
from policies.cost.guides import well_architected
from policies.cost.jobs import CRON_JOB, JOB, gpu_job
from policies.cost.ownership import LARGE, large_usd_a_month, tags_of
from policies.cost.pools import GCE_INSTANCE, GKE_POOL, Pool, pools_of
from policies.cost.pricing import book, region_of_stack
from policies.dates import today
from policies.local.types import JOB as LOCAL_JOB
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, related_rule, resource_rule, stack_rule
from policies.values import Undecided, any_holds, get, is_true, known, parsed

RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
GCP_RESERVATION = "gcp:compute/reservation:Reservation"
SCHEDULE = "aws:scheduler/schedule:Schedule"
GROUP_SCHEDULE = "aws:autoscaling/schedule:Schedule"
GCP_SCHEDULE = "gcp:cloudscheduler/job:Job"
GKE_CLUSTER = "gcp:container/cluster:Cluster"
_COMPUTE = ("aws:eks/cluster:Cluster", GKE_CLUSTER, NODE_GROUP, INSTANCE, GCE_INSTANCE)

LASTING = Parameter(
    ("prod", "prod-*", "*-prod", "production", "staging"), "Stacks, by name or pattern, that are to stay."
)
TAGS = Parameter(("expires_at",), "Tags or labels, one of which tells the day or moment.")
_LABEL = re.compile(r"(\d{4}-\d{2}-\d{2})t(\d{2})-(\d{2})-(\d{2})(?:z|-\d{2}-\d{2}|)")
# What scales a node group, or takes it away, by EventBridge's call of EKS.
_ENDING_TARGETS = (":eks:updateNodegroupConfig", ":eks:deleteNodegroup", ":eks:deleteCluster")


@stack_rule(
    *_COMPUTE,
    id="cost-stack-expires",
    title="A large stack that is not to stay says when it may go.",
    severity="high",
    frameworks=well_architected("COST04-BP04"),
    wrong="A stack for a trial that everybody forgets is paid for every month.",
    mend="pulumi config set trainyard:expires_at MOMENT; elsewhere tag clusters and machines with expires_at.",
    topic="cost",
    parameters={
        "lasting_stacks": LASTING,
        "tags": TAGS,
        "above_usd_a_month": LARGE,
        "most_days": Parameter(0, "The longest that a stack may be there from today on, in days; 0: no bound."),
    },
)
def stack_expires(
    stack: Stack, *, lasting_stacks: Sequence[str], tags: Sequence[str], above_usd_a_month: float, most_days: float
) -> Iterator[Objection]:
    """Every cluster, pool and machine carries it, so that whatever looks for what has expired finds all of it.

    What has expired already is to go, or says anew until when it is needed. `yard extend` keeps to `most_days`, too.
    """
    if _stays(stack, lasting_stacks):
        return
    late: list[tuple[Resource, str]] = []
    for resource in stack.of(*_COMPUTE):
        with stack.apart():
            problem = _expiry_problem(resource, tags, most_days)
            if problem:
                late.append((resource, problem))
    if not late:
        return
    usd = large_usd_a_month(stack, above_usd_a_month)
    if usd is not None:
        for resource, problem in late:
            yield Objection(f"{problem}, in a stack that may cost up to {dollars(usd)} a month.", resource)


@stack_rule(
    NODE_GROUP,
    GKE_POOL,
    SCHEDULE,
    GROUP_SCHEDULE,
    GCP_SCHEDULE,
    id="cost-spot-pool-teardown",
    title="In a stack that is not to stay, a schedule ends pools of GPUs that are on spot or expire, in time.",
    severity="medium",
    frameworks=well_architected("COST04-BP04"),
    wrong="If whoever was to destroy the stack is gone, its queue goes on to start nodes.",
    mend="add aws.scheduler.Schedule that calls eks:updateNodegroupConfig or eks:deleteNodegroup at the expiry; on "
    "Google Cloud gcp.cloudscheduler.Job that calls setSize or setAutoscaling of the pool.",
    topic="cost",
    parameters={"lasting_stacks": LASTING, "above_usd_a_month": LARGE, "tags": TAGS},
)
def spot_pool_teardown(
    stack: Stack, *, lasting_stacks: Sequence[str], above_usd_a_month: float, tags: Sequence[str]
) -> Iterator[Objection]:
    """By EventBridge Scheduler, a scheduled action of the Auto Scaling group, or Cloud Scheduler.

    Which pool a schedule is for is told by its target's input, which names the node group, or by what it is made of. It
    has to be enabled, and to begin within an hour after the moment that the pool's tag tells, where it has one; of a
    tag with a day only, within that day. A job of Cloud Scheduler has to be made of the pool, and not to be paused;
    when it runs is not asked.
    """
    if _stays(stack, lasting_stacks):
        return
    left = []
    for pool in pools_of(stack, NODE_GROUP, GKE_POOL):
        with stack.apart():
            if pool.gpus() and _has_to_end(pool, tags) and (lack := _lack_of_an_end(pool, tags)):
                left.append((pool, lack))
    if not left:
        return
    if large_usd_a_month(stack, above_usd_a_month) is None:
        return
    for pool, lack in left:
        with stack.apart():
            nodes, usd = pool.most() or 0.0, pool.node_usd_per_hour()
            cost = f"{dollars(nodes * usd)} an hour" if usd is not None else "an unknown price"
            yield Objection(f"{lack} this pool of up to {nodes:g} nodes at {cost}.", pool.resource)


@related_rule(
    JOB,
    CRON_JOB,
    id="cost-gpu-job-deadline",
    title="Kubernetes jobs that ask for GPUs have a deadline.",
    severity="medium",
    frameworks=("NIST SC-5", *well_architected("COST02-BP05")),
    wrong="A job that hangs holds its nodes, and costs money, until somebody notices.",
    mend="set spec.activeDeadlineSeconds (for training: trainyard:training.max_runtime_minutes).",
    topic="cost",
    parameters={
        "maximum_hours": Parameter(192, "The longest deadline that a job may have, its start included, in hours.")
    },
)
def gpu_job_deadline(job: Resource, stack: Stack, *, maximum_hours: float) -> Iterator[str]:
    """The deadline holds for all attempts of a job together; a job without one may run for ever."""
    found = gpu_job(job)
    if found is None:
        return
    cost = _gpu_hours_cost(stack, found.pods * found.gpus_of_pod)
    if not found.deadline_seconds or found.deadline_seconds <= 0:
        yield f"It asks for {found.pods * found.gpus_of_pod:g} GPUs{cost} and has no deadline."
    elif found.deadline_seconds > maximum_hours * 3600:
        hours = found.deadline_seconds / 3600
        yield (
            f"It asks for {found.pods * found.gpus_of_pod:g} GPUs{cost}, and its deadline of {hours:g} hours is beyond "
            f"{maximum_hours:g} hours."
        )


@resource_rule(
    LOCAL_JOB,
    id="cost-local-job-deadline",
    title="Jobs on this machine have a maximum run time.",
    severity="medium",
    frameworks=("NIST SC-5",),
    wrong="A job that hangs then holds this machine's cores until somebody notices.",
    mend="give the job deadline_seconds (for training: trainyard:training.max_runtime_minutes).",
    topic="cost",
    parameters={"maximum_hours": Parameter(168, "The longest deadline that a job may have, in hours.")},
)
def local_job_deadline(job: Resource, *, maximum_hours: float) -> Iterator[str]:
    """The deadline is in seconds."""
    deadline = known(job.get("deadline_seconds"))
    if not deadline or deadline <= 0:
        yield "The job has no deadline."
    elif deadline > maximum_hours * 3600:
        yield f"The job's deadline of {deadline / 3600:g} hours is beyond {maximum_hours:g} hours."


@related_rule(
    RESERVATION,
    GCP_RESERVATION,
    id="cost-reservation-ends",
    title="Reservations of capacity end by themselves.",
    severity="high",
    frameworks=well_architected("COST04-BP04", "COST09-BP03"),
    wrong="Reserved capacity is billed by the hour as if it ran, used or not, until somebody cancels it.",
    mend="set endDateType limited and endDate (Google Cloud: deleteAtTime or deleteAfterDuration).",
    topic="cost",
)
def reservation_ends(reservation: Resource, stack: Stack) -> Iterator[str]:
    """EC2's reservations are unlimited unless an end is given. A capacity block, another type, always ends.

    Source: EC2 API, CreateCapacityReservation, EndDateType; Compute Engine API, reservations.
    """
    if reservation.type == GCP_RESERVATION:
        if reservation.get("deleteAtTime") is None and reservation.get("deleteAfterDuration") is None:
            yield "The reservation has no end."
        return
    if known(reservation.get("endDateType")) == "limited" or reservation.get("endDate") is not None:
        return
    count, type_ = reservation.get("instanceCount", default=1), reservation.get("instanceType")
    price = book().price_of("aws", region_of_stack(stack), type_, "on_demand") if isinstance(type_, str) else None
    cost = (
        f", and costs {dollars(count * price.usd_per_hour)} an hour, "
        f"{dollars(count * price.usd_per_hour * HOURS_PER_MONTH)} a month"
        if price is not None and isinstance(count, int | float)
        else ""
    )
    yield f"The reservation of {count} x {type_} has no end{cost}."


def _stays(stack: Stack, patterns: Sequence[str]) -> bool:
    name = stack.name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _expiry_problem(resource: Resource, tags: Sequence[str], most_days: float) -> str:
    carried = tags_of(resource) or {}
    values = [known(carried[tag]) for tag in tags if tag in carried]
    if not values:
        return f"It has no tag {' or '.join(tags)}"
    text = str(values[0])
    moment = _moment(text)
    if moment is None:
        return f"Its tag {tags[0]} is {text!r}, which is no day or moment"
    if moment.date() < today():
        return f"It was to go by {text}, which is past"
    if most_days and (moment.date() - today()).days > most_days:
        return f"It may stay until {text}, which is more than {most_days:g} days from now"
    return ""


def _has_to_end(pool: Pool, tags: Sequence[str]) -> bool:
    """On spot, or with a tag that tells an expiry: reserved capacity ends by itself, and is paid for. Raises Undecided.

    Nodes of flex-start end after some days, and their pool goes on to start others.
    """
    capacity = pool.capacity()
    return capacity == "spot" or (capacity != "reserved" and _latest(pool, tags) is not None)


def _lack_of_an_end(pool: Pool, tags: Sequence[str]) -> str:
    """What there is instead of a schedule that ends the pool in time, as the beginning of a sentence; empty where there
    is one. Raises Undecided."""
    stack, resource = pool.stack, pool.resource
    if pool.cloud == "gcp":
        jobs = [each for each in stack.of(GCP_SCHEDULE) if _depends(each, resource)]
        if any_holds(lambda job: not is_true(job.get("paused")), jobs):
            return ""
        return f"The schedule {jobs[0].name} is paused that ends" if jobs else "No schedule ends"
    latest = _latest(pool, tags)

    def ends_in_time(schedule: Resource) -> bool:
        return _ends(schedule, resource) and not _tardiness(schedule, latest)

    schedules = stack.of(SCHEDULE, GROUP_SCHEDULE)
    if any_holds(ends_in_time, schedules):
        return ""
    # All of them could be judged, or Undecided was raised.
    tardy = [_tardiness(each, latest) for each in schedules if _ends(each, resource)]
    return tardy[0] if tardy else "No schedule ends"


def _latest(pool: Pool, tags: Sequence[str]) -> datetime.datetime | None:
    """When a schedule has to have begun; None where no tag tells."""
    text = next((str(value) for tag in tags if (value := known(_mark(pool, tag))) is not None), "")
    moment = _moment(text)
    if moment is None:
        return None
    grace = datetime.timedelta(hours=1) if "T" in text.upper() else datetime.timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)) + grace


def _mark(pool: Pool, tag: str) -> Any:
    """A tag of the pool, or of its cluster, whose labels GKE puts on what it makes for the cluster."""
    found = pool.mark(tag)
    clusters = pool.stack.of(GKE_CLUSTER) if pool.resource.type == GKE_POOL else []
    return clusters[0].get("resourceLabels", tag) if found is None and len(clusters) == 1 else found


def _moment(text: str) -> datetime.datetime | None:
    """The day or moment that a tag tells, or a label of Google Cloud; None for anything else.

    A label takes neither capitals nor colons: 2027-12-31T18:00:00Z is 2027-12-31t18-00-00z there, and of an offset from
    UTC the sign is lost, so that it is left out.
    """
    label = _LABEL.fullmatch(text)
    try:
        return datetime.datetime.fromisoformat(f"{label[1]}T{label[2]}:{label[3]}:{label[4]}+00:00" if label else text)
    except ValueError:
        return None


def _tardiness(schedule: Resource, latest: datetime.datetime | None) -> str:
    """Why a schedule does not end a pool in time, as the beginning of a sentence; empty where it does."""
    if known(schedule.get("state", default="ENABLED")) != "ENABLED":
        return f"The schedule {schedule.name} is disabled that ends"
    begins = _beginning(schedule)
    if latest is not None and begins is not None and begins > latest:
        return f"The schedule {schedule.name} begins on {begins:%Y-%m-%d at %H:%M} UTC, after the expiry, that ends"
    return ""


def _beginning(schedule: Resource) -> datetime.datetime | None:
    """The first moment at which a schedule may run; None where it is not told, or at once."""
    once = re.fullmatch(r"at\((.+)\)", str(known(schedule.get("scheduleExpression", default=""))))
    text = once[1] if once else known(schedule.get("startDate", default=schedule.get("startTime")))
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        zone = str(known(schedule.get("scheduleExpressionTimezone", default="UTC"))) if once else "UTC"
        try:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return None
    return moment.astimezone(datetime.UTC)


def _depends(schedule: Resource, pool: Resource) -> bool:
    return any(pool.urn in urns for urns in schedule.property_dependencies.values())


def _ends(schedule: Resource, pool: Resource) -> bool:
    """Whether a schedule is for the pool, and empties it or takes it away."""
    if schedule.type == GROUP_SCHEDULE:
        sizes = (known(schedule.get("minSize")), known(schedule.get("desiredCapacity")))
        return _depends(schedule, pool) and 0 in sizes
    target = known(schedule.get("target", "arn"))
    if not str(target).endswith(_ENDING_TARGETS):
        return False
    if str(target).endswith(":eks:deleteCluster") or _depends(schedule, pool):
        return True
    names = {name for name in (pool.properties.get("nodeGroupName"), pool.name) if isinstance(name, str)}
    given: Any = parsed(schedule.get("target", "input", default="{}"))
    return known(get(given, "NodegroupName", default=get(given, "nodegroupName"))) in names


def _gpu_hours_cost(stack: Stack, gpus: float) -> str:
    """What so many GPUs cost an hour in the cheapest pool of the stack, as a part of a sentence."""
    prices = []
    for pool in pools_of(stack):
        try:
            each, usd = pool.gpus(), pool.node_usd_per_hour()
        except Undecided:
            continue
        if each and usd is not None:
            prices.append(usd / each)
    return f" (from {dollars(min(prices) * gpus)} an hour)" if prices else ""


RULES = (
    stack_expires,
    spot_pool_teardown,
    gpu_job_deadline,
    local_job_deadline,
    reservation_ends,
)
