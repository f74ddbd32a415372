"""Rules on who pays, and on who is told before the bill comes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planning.cost.words import dollars
from planning.quantities import HOURS_PER_MONTH
from policies.cost.guides import well_architected
from policies.cost.pools import GKE_POOL, MACHINE_TYPES, pools_of, unmodelled_usd_per_hour
from policies.cost.pricing import Priced, is_above, priced
from policies.resources import Resource, Stack
from policies.rules import EVERY_TYPE, Objection, Parameter, related_rule, stack_rule
from policies.values import any_holds, as_list, get, is_text, is_true, known

AWS_BUDGET = "aws:budgets/budget:Budget"
GCP_BUDGET = "gcp:billing/budget:Budget"
CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"

LARGE_USD = 1500.0
LARGE = Parameter(
    LARGE_USD, "US dollars a month that a stack may cost at full size before it is asked for this; 0: every stack."
)
"""A parameter of the rules that only stacks of some size have to keep."""

_UNASSIGNED = "unassigned"
_WANTED = ("project", "stack", "owner", "cost_centre")
# Where clouds keep them: AWS, Google Cloud, and AWS with the provider's default tags among them.
_TAG_PROPERTIES = ("tags", "labels", "tagsAll", "resourceLabels", "effectiveLabels")
_NO_CLOUD = ("pulumi", "kubernetes:", "trainyard:", "docker", "random:", "tls:", "command:")


def tags_of(resource: Resource) -> dict[str, Any] | None:
    """A resource's tags; None where it can have none. Raises Undecided where a preview cannot know them.

    A property that is no mapping is something else: Google Cloud's `tags` are names for the firewall.
    """
    found = [resource.properties[name] for name in _TAG_PROPERTIES if name in resource.properties]
    # What a channel calls labels says where it tells what; a pool that has none of its own has those of its cluster.
    elsewhere = {GKE_POOL: ("nodeConfig", "resourceLabels"), CHANNEL: ("userLabels",)}
    if resource.type in elsewhere:
        found = [tags for tags in (resource.get(*elsewhere[resource.type]),) if tags is not None]
    mappings = [tags or {} for tags in map(known, found) if tags is None or isinstance(tags, Mapping)]
    return {name: value for tags in mappings for name, value in tags.items()} if mappings else None


def large_usd_a_month(stack: Stack, above_usd: float) -> float | None:
    """What a stack costs a month at full size, where that is more than a limit. Raises Undecided where that is open."""
    found = priced(stack)
    usd = found.full_usd_per_month
    usd = usd if usd > above_usd else usd + unmodelled_usd_per_hour(stack) * HOURS_PER_MONTH
    return usd if is_above(usd, above_usd, found) else None


@stack_rule(
    EVERY_TYPE,
    id="cost-stack-has-owner",
    title="What a large stack has in a cloud carries the tags by which its cost is told apart.",
    severity="low",
    level="advisory",
    frameworks=("CKV_AWS_153", "NIST CM-8(4)", *well_architected("COST03-BP02")),
    wrong="Nobody can then be asked whether it is still needed, and its part of the bill is nobody's.",
    mend="pulumi config set trainyard:owner NAME, and likewise trainyard:cost_centre; elsewhere set tags or labels.",
    topic="cost",
    parameters={
        "tags": Parameter(_WANTED, "Names of the tags or labels."),
        "above_usd_a_month": LARGE,
    },
)
def stack_has_owner(stack: Stack, *, tags: Sequence[str], above_usd_a_month: float) -> Iterator[Objection]:
    """One objection for each tag, however many resources lack it.

    What runs on this machine is its user's, and nobody is sent a bill for it.
    """
    missing: dict[str, Resource] = {}
    unassigned: dict[str, Resource] = {}
    for resource in stack.resources:
        if resource.type.startswith(_NO_CLOUD):
            continue
        with stack.apart():
            found = tags_of(resource)
            for tag in tags if found is not None else ():
                with stack.apart():
                    value = known(get(found, tag))
                    if value == _UNASSIGNED:
                        unassigned.setdefault(tag, resource)
                    elif not is_text(value):
                        missing.setdefault(tag, resource)
    if not missing and not unassigned:
        return
    usd = large_usd_a_month(stack, above_usd_a_month)
    if usd is None:
        return
    for tag, resource in unassigned.items():
        yield Objection(f"The tag {tag} is {_UNASSIGNED}, on {resource.name} for one, in a stack of {_up_to(usd)}.")
    for tag, resource in missing.items():
        if tag not in unassigned:
            yield Objection(f"The tag {tag} is missing, on {resource.name} for one, in a stack of {_up_to(usd)}.")


@stack_rule(
    *MACHINE_TYPES,
    AWS_BUDGET,
    GCP_BUDGET,
    id="cost-budget-alarm",
    title="A large stack with GPUs has a budget that tells somebody before it is spent.",
    severity="high",
    frameworks=well_architected("COST02-BP05"),
    wrong="A mistake is then found with the bill, weeks later.",
    mend="add aws.budgets.Budget with notifications to somebody, or gcp.billing.Budget with thresholdRules (setting "
    "budget.alert_emails).",
    topic="cost",
    parameters={"above_usd_a_month": LARGE},
)
def budget_alarm(stack: Stack, *, above_usd_a_month: float) -> Iterator[Objection]:
    """A budget that tells nobody is none. Google Cloud tells the administrators, unless that is switched off."""
    if any_holds(_tells_somebody, stack.of(AWS_BUDGET, GCP_BUDGET)):
        return
    gpus = 0.0
    for pool in pools_of(stack, *MACHINE_TYPES):
        with stack.apart():
            nodes = pool.most()
            gpus += pool.gpus() * (1.0 if nodes is None else nodes)
    if not gpus:
        return
    usd = large_usd_a_month(stack, above_usd_a_month)
    if usd is not None:
        yield Objection(
            f"The stack may run up {dollars(usd)} a month on up to {gpus:g} GPUs, and no budget tells anybody."
        )


@related_rule(
    AWS_BUDGET,
    GCP_BUDGET,
    id="cost-budget-fits",
    title="A budget is as high as the month that is to be expected, and no higher than the limit.",
    severity="medium",
    frameworks=well_architected("COST02-BP02"),
    wrong="A budget that is always passed is ignored, and one that never is warns of nothing.",
    mend="set limitAmount, or amount (setting budget.monthly_usd), between what `yard cost` expects and maximum_usd.",
    topic="cost",
    parameters={"maximum_usd": Parameter(25000, "US dollars a month that a budget may allow.")},
)
def budget_fits(budget: Resource, stack: Stack, *, maximum_usd: float) -> Iterator[str]:
    """Of budgets of cost in US dollars a month. What part of the account it watches is not looked into."""
    amount = _monthly_usd(budget)
    if amount is None:
        return
    if amount > maximum_usd:
        above = dollars(amount - maximum_usd)
        yield f"It allows {dollars(amount)} a month, {above} above the limit of {dollars(maximum_usd)}."
        return
    found: Priced = priced(stack)
    expected = found.cost.usd_per_month
    if is_above(expected, amount, found):
        yield f"It is {dollars(amount)} a month, and the stack is expected to cost {dollars(expected)}."


def _monthly_usd(budget: Resource) -> float | None:
    """How much a budget allows in a month; None for one that is of something else. Raises Undecided.

    Source: AWS Budgets API, CreateBudget; Cloud Billing Budget API, Budget: without a period it is of the month.
    """
    get = budget.get
    if budget.type == GCP_BUDGET:
        period = known(get("budgetFilter", "calendarPeriod", default="MONTH"))
        amount = get("amount", "specifiedAmount", "units")
        currency = known(get("amount", "specifiedAmount", "currencyCode", default="USD"))
        if period != "MONTH" or get("budgetFilter", "customPeriod") is not None or currency != "USD":
            return None
        return None if amount is None else float(known(amount))
    if known(get("budgetType", default="COST")) != "COST" or known(get("limitUnit")) != "USD":
        return None
    amount = get("limitAmount")
    return None if known(get("timeUnit")) != "MONTHLY" or amount is None else float(known(amount))


def _tells_somebody(budget: Resource) -> bool:
    if budget.type == GCP_BUDGET:
        told = budget.get("allUpdatesRule")
        nobody = is_true(get(told, "disableDefaultIamRecipients")) and not (
            as_list(get(told, "monitoringNotificationChannels")) or get(told, "pubsubTopic") is not None
        )
        return not nobody and any_holds(lambda _: True, as_list(budget.get("thresholdRules")))
    return any_holds(
        lambda each: any_holds(
            lambda name: len(as_list(get(each, name))) > 0,
            ("subscriberEmailAddresses", "subscriberSnsTopicArns"),
        ),
        as_list(budget.get("notifications")),
    )


def _up_to(usd: float) -> str:
    return f"up to {dollars(usd)} a month"


RULES = (stack_has_owner, budget_alarm, budget_fits)
