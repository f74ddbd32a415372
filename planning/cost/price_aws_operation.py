"""Prices what runs the rest: the cluster's control plane, add-ons, logs, queues, events, and budgets."""

import json

from planning.cost.inputs import choice_of, is_hidden, mapping_of, number_of, text_of, texts_of, truth_of
from planning.cost.lines import Context, Line
from planning.quantities import DAYS_PER_MONTH

_FLOW_LOG = "aws:ec2/flowLog:FlowLog"
# Add-ons of AWS itself that cost nothing but the room on nodes. Source: Amazon EKS user guide, "AWS add-ons".
_FREE_ADDONS = frozenset(
    {
        "aws-ebs-csi-driver",
        "aws-efs-csi-driver",
        "aws-mountpoint-s3-csi-driver",
        "coredns",
        "eks-node-monitoring-agent",
        "eks-pod-identity-agent",
        "kube-proxy",
        "metrics-server",
        "snapshot-controller",
        "vpc-cni",
    }
)


def price_cluster(context: Context) -> list[Line]:
    """The control plane by the hour, and what it logs."""
    inputs = context.resource.inputs
    lines = [context.hours("Kubernetes control plane", "kubernetes_control_plane_hour")]
    if text_of(mapping_of(inputs.get("upgradePolicy")).get("supportType")) != "STANDARD":
        tiers = context.book.tiers_of(context.cloud, context.region, "kubernetes_extended_support_hour")
        price = f"${tiers[0].usd_per_unit:g} an hour" if tiers else "an hourly price"
        why = f"{price} once its version has left standard support, which an upgrade policy STANDARD prevents"
        lines.append(context.unknown("extended support", why))
    automatic = mapping_of(inputs.get("computeConfig")).get("enabled")
    if truth_of(automatic) or is_hidden(automatic) or is_hidden(inputs.get("computeConfig")):
        lines.append(context.unknown("Auto Mode", "a fee for each instance that it starts has no price"))
    logged = inputs.get("enabledClusterLogTypes")
    kinds = texts_of(logged)
    if logged is not None and kinds is None:
        lines.append(context.unknown("logs of the control plane", "which kinds it logs is not in the plan"))
    if kinds:
        gigabytes = context.usage.control_plane_log_gb
        what = f"logs of the control plane, vended ({len(kinds)} of 5 kinds)"
        lines.append(context.used(what, "logs_vended_gb", gigabytes, "control_plane_log_gb"))
    return lines


def price_addon(context: Context) -> list[Line]:
    """An add-on of AWS costs nothing but its room on nodes; others may be sold."""
    name = text_of(context.resource.inputs.get("addonName")) or "unknown"
    if name in _FREE_ADDONS:
        return [context.free("runs on nodes that are counted", "Amazon EKS user guide, AWS add-ons")]
    return [context.unknown(f"add-on {name}", "it may cost something by use, or be sold on the Marketplace")]


def price_log_group(context: Context) -> list[Line]:
    """What it keeps; what is written to it too, unless AWS writes it, which is counted where it comes from."""
    inputs, usage = context.resource.inputs, context.usage
    name = text_of(inputs.get("name")) or ""
    retention = inputs.get("retentionInDays")
    days = 0.0 if retention is None else number_of(retention)
    if name.startswith("/aws/eks/") and name.endswith("/cluster"):
        assumption = "control_plane_log_gb"
    elif any(each.name == context.resource.name for each in context.siblings(_FLOW_LOG)):
        assumption = "flow_log_gb"
    else:
        assumption = "other_log_gb"
    written = float(getattr(usage, assumption))
    lines = []
    if assumption == "other_log_gb":
        lines.append(context.used("logs written", "logs_ingest_gb", written, assumption))
    if days is None:
        return [*lines, context.unknown("logs kept", "for how long they are kept is not in the plan")]
    kept = days or usage.endless_log_days
    stored = written * kept / DAYS_PER_MONTH * usage.stored_log_share
    names = f"{assumption} stored_log_share" + ("" if days else " endless_log_days")
    what = f"logs kept for {kept:g} days, compressed" if days else "logs kept for ever, compressed"
    return [*lines, context.used(what, "logs_storage_gb_month", stored, names)]


def price_queue(context: Context) -> list[Line]:
    """By requests."""
    ordered = context.resource.inputs.get("fifoQueue")
    if truth_of(ordered) or is_hidden(ordered):
        return [context.unknown("requests", "FIFO queues have no price")]
    requests = context.usage.queue_requests / 1_000_000
    note = "an account's first million a month is free and not taken off"
    return [context.used("requests", "queue_requests_1000000", requests, "queue_requests", note=note)]


def price_event_rule(context: Context) -> list[Line]:
    """Events of AWS's own services and schedules cost nothing on the default bus; others cost by the event."""
    source = "Amazon EventBridge pricing page: events of AWS services are free"
    bus = choice_of(context.resource.inputs.get("eventBusName"), "default")
    if context.resource.inputs.get("scheduleExpression") is not None and bus == "default":
        return [context.free("rules on a schedule cost nothing on the default bus", source)]
    try:
        pattern = mapping_of(json.loads(text_of(context.resource.inputs.get("eventPattern")) or "null"))
    except ValueError:
        pattern = {}
    sources = texts_of(pattern.get("source")) or []
    if bus == "default" and sources and all(each.startswith("aws.") for each in sources):
        return [context.free("events of AWS's own services cost nothing", source)]
    return [context.unknown("events", "events of other sources have no price")]


def price_budget(context: Context) -> list[Line]:
    """A budget that only tells costs nothing; actions are resources of their own."""
    return [context.free("budgets that only alert cost nothing", "AWS Price List AWSBudgets 2026-09-11, BudgetsUsage")]


PRICERS = {
    "aws:eks/cluster:Cluster": price_cluster,
    "aws:eks/addon:Addon": price_addon,
    "aws:cloudwatch/logGroup:LogGroup": price_log_group,
    "aws:sqs/queue:Queue": price_queue,
    "aws:cloudwatch/eventRule:EventRule": price_event_rule,
    "aws:budgets/budget:Budget": price_budget,
}
