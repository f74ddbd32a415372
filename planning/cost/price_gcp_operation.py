"""Prices what runs the rest on Google Cloud: the cluster's control plane, logs, metrics, schedules, and budgets.

Sources: Google Cloud, "Kubernetes Engine pricing", "Google Cloud Observability pricing", "Binary Authorization
pricing", "Cloud Scheduler pricing".
"""

from planning.cost.inputs import (
    choice_of,
    is_hidden,
    mapping_of,
    mappings_of,
    number_of,
    text_of,
    texts_of,
    truth_of,
)
from planning.cost.lines import Context, Line
from planning.cost.price_gcp_compute import NODE_POOL
from planning.quantities import DAYS_PER_MONTH

CREDIT_NOTE = "a billing account has $74.40 a month free, which is one zonal cluster, and that is not taken off"
"""Source: Google Cloud, "Kubernetes Engine pricing", Free tier."""
INCLUDED_LOG_DAYS = 30.0
"""Days that logs are kept at the price of writing them. Source: "Google Cloud Observability pricing"."""
_DEFAULT_LOG_DAYS = 30.0
_UNPRICED_POOLS = "pools of the cluster itself have no price; make each a NodePool"
_LOG_BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"
# The last part of a log bucket's name in the program -> the assumption of how much is written to it, and as what.
_WRITTEN = {"network": ("flow_log_gb", "logs_vended_gb"), "cluster": ("control_plane_log_gb", "logs_ingest_gb")}


def price_cluster(context: Context) -> list[Line]:
    """The control plane by the hour; Binary Authorization and managed metrics, where it has them; its logs, where no
    log bucket of the stack gets them."""
    inputs, usage = context.resource.inputs, context.usage
    lines = [context.hours("Kubernetes control plane", "kubernetes_control_plane_hour", note=CREDIT_NOTE)]
    if choice_of(mapping_of(inputs.get("releaseChannel")).get("channel"), "REGULAR") == "EXTENDED":
        tiers = context.book.tiers_of(context.cloud, context.region, "kubernetes_extended_support_hour")
        price = f"${tiers[0].usd_per_unit:g} an hour more" if tiers else "an hourly price"
        why = f"{price} once its version has left standard support, which the other release channels prevent"
        lines.append(context.unknown("extended support", why))
    admission = mapping_of(inputs.get("binaryAuthorization"))
    if admission and choice_of(admission.get("evaluationMode"), "DISABLED") != "DISABLED":
        note = "a billing account has $12 a month free, which is one cluster, and that is not taken off"
        lines.append(context.hours("Binary Authorization", "binary_authorization_hour", note=note))
    if choice_of(mapping_of(inputs.get("securityPostureConfig")).get("mode"), "BASIC") == "ENTERPRISE":
        lines.append(context.unknown("security posture", "its mode ENTERPRISE has no price"))
    lines += _metrics(context)
    components = mapping_of(inputs.get("loggingConfig")).get("enableComponents")
    if not any(each.type == _LOG_BUCKET for each in context.resources) and texts_of(components) != []:
        gigabytes = usage.control_plane_log_gb
        note = "to the project's own log bucket; its first 50 GiB of a month are free and not taken off"
        lines.append(context.used("logs", "logs_ingest_gb", gigabytes, "control_plane_log_gb", note=note))
    return [*lines, *_nodes_of_its_own(context)]


def price_log_bucket(context: Context) -> list[Line]:
    """What is written to it, which pays for 30 days, and what is kept for longer."""
    usage = context.usage
    assumption, service = _WRITTEN.get(context.resource.name.rpartition("-")[2], ("other_log_gb", "logs_ingest_gb"))
    written = float(getattr(usage, assumption))
    note = "of a project's first 50 GiB of a month, which are free, nothing is taken off"
    vended = service == "logs_vended_gb"
    what = "network logs written" if vended else "logs written"
    lines = [context.used(what, service, written, assumption, note="" if vended else note)]
    days = context.resource.inputs.get("retentionDays", _DEFAULT_LOG_DAYS)
    kept = number_of(days)
    if kept is None:
        return [*lines, context.unknown("logs kept", "for how long they are kept is not in the plan")]
    longer = kept - INCLUDED_LOG_DAYS
    if longer > 0:
        stored = written * longer / DAYS_PER_MONTH
        what = f"logs kept for {longer:g} days more than {INCLUDED_LOG_DAYS:g}"
        lines.append(context.used(what, "logs_storage_gb_month", stored, assumption))
    return lines


def price_schedule(context: Context) -> list[Line]:
    """By the month, whatever it does, paused or not."""
    note = "a billing account's first three jobs are free and not taken off"
    return [context.fixed("scheduled job", "scheduler_job_month", 1.0, note=note)]


def price_budget(context: Context) -> list[Line]:
    """A budget costs nothing; who is told by Pub/Sub pays for messages, which are too few to count."""
    return [context.free("budgets cost nothing", "Google Cloud, Cloud Billing documentation, Budgets")]


def _metrics(context: Context) -> list[Line]:
    """GKE's own metrics of the system are free; everything that goes by Managed Service for Prometheus is not."""
    monitoring = context.resource.inputs.get("monitoringConfig")
    managed = mapping_of(mapping_of(monitoring).get("managedPrometheus")).get("enabled", True)
    what = "samples of Managed Service for Prometheus"
    if is_hidden(monitoring) or is_hidden(managed):
        return [context.unknown(what, "whether there are any is not in the plan")]
    if not truth_of(managed):
        return []
    samples = context.usage.metric_samples / 1_000_000
    return [context.used(what, "metric_samples_1000000", samples, "metric_samples")]


def _nodes_of_its_own(context: Context) -> list[Line]:
    """Nodes that no pool of the plan tells of, and those of pools that are no resources of their own."""
    inputs = context.resource.inputs
    if truth_of(inputs.get("enableAutopilot")):
        return [context.unknown("pods", "Autopilot is paid by what pods ask for, which has no price")]
    lines = []
    if truth_of(mapping_of(inputs.get("clusterAutoscaling")).get("enabled")):
        lines.append(context.unknown("nodes", "those of pools that GKE makes by itself are not in the plan"))
    if inputs.get("nodePools"):
        if _has_pools_of_its_own(context):
            lines.append(context.unknown("node pool", _UNPRICED_POOLS))
    elif not truth_of(inputs.get("removeDefaultNodePool")):
        lines.append(context.unknown("default node pool", _UNPRICED_POOLS))
    return lines


def _has_pools_of_its_own(context: Context) -> bool:
    """Whether pools are written in it; once it is there, it tells of those too that are resources of their own."""
    written = context.resource.inputs.get("nodePools")
    apart = {text_of(each.inputs.get("name")) for each in context.resources if each.type == NODE_POOL} - {None}
    return is_hidden(written) or any(text_of(each.get("name")) not in apart for each in mappings_of(written))


PRICERS = {
    "gcp:container/cluster:Cluster": price_cluster,
    _LOG_BUCKET: price_log_bucket,
    "gcp:cloudscheduler/job:Job": price_schedule,
    "gcp:billing/budget:Budget": price_budget,
}
