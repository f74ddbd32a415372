"""Finds what computes: clusters, node groups, Auto Scaling groups, instances, and the templates they start from.

Karpenter's instances belong to no group and no stack: they run, and cost, until somebody terminates them.
"""

from collections.abc import Iterator

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.calls import is_absent
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.ownership import mark_of, own_name, tag_map

_ENDED = ("terminated", "shutting-down")


def find_instances(search: Search) -> Iterator[Found]:
    """Instances, which are shown for an hour after they have ended. Raises botocore's errors."""
    for reservation in search.all("ec2", "describe_instances"):
        for each in reservation["Instances"]:
            why, name, state = (
                mark_of(search.subject, tag_map(each.get("Tags"))),
                each["InstanceId"],
                each["State"]["Name"],
            )
            if not why:
                continue
            if state in _ENDED:
                yield Found(Stage.NODES, Leftover("instance", name, f"its state is {state}"), "going")
                continue
            region = search.subject.region
            lines = [*termination(region, name)]
            if _protected(search, name):
                words = "ec2 modify-instance-attribute --instance-id {id} --no-disable-api-termination"
                lines.insert(0, command(region, words, id=name))
            yield Found(
                Stage.NODES, Leftover("instance", name, f"{why}; {each['InstanceType']}, {state}", tuple(lines))
            )


def termination(region: str, instance: str) -> tuple[str, ...]:
    """What ends an instance, and with it the interfaces and volumes that go with it."""
    return (
        command(region, "ec2 terminate-instances --instance-ids {id}", id=instance),
        command(region, "ec2 wait instance-terminated --instance-ids {id}", id=instance),
    )


def _protected(search: Search, instance: str) -> bool:
    attribute = "disableApiTermination"
    answer = search.calls.ask("ec2", "describe_instance_attribute", InstanceId=instance, Attribute=attribute)
    return bool(answer["DisableApiTermination"]["Value"])


def find_groups(search: Search) -> Iterator[Found]:
    """Auto Scaling groups, which replace every instance that is terminated. Raises botocore's errors."""
    for each in search.all("autoscaling", "describe_auto_scaling_groups"):
        why, name = mark_of(search.subject, tag_map(each.get("Tags"))), each["AutoScalingGroupName"]
        if not why:
            continue
        if each.get("Status"):
            # Source: API reference, AutoScalingGroup: set only while the group is being deleted.
            yield Found(Stage.NODE_GROUPS, Leftover("Auto Scaling group", name, each["Status"]), "going")
            continue
        words = "autoscaling delete-auto-scaling-group --force-delete --auto-scaling-group-name {name}"
        line = command(search.subject.region, words, name=name)
        yield Found(Stage.NODE_GROUPS, Leftover("Auto Scaling group", name, why, (line,)))


def find_clusters(search: Search) -> Iterator[Found]:
    """The EKS cluster and its node groups. Raises botocore's errors."""
    name, region = search.subject.cluster_name, search.subject.region
    try:
        cluster = search.calls.ask("eks", "describe_cluster", name=name)["cluster"]
    except Exception as error:
        if is_absent(error):
            return
        raise
    if cluster["status"] == "DELETING":
        yield Found(Stage.CLUSTERS, Leftover("EKS cluster", name, "its status is DELETING"), "going")
        return
    for group in search.calls.all("eks", "list_nodegroups", clusterName=name):
        lines = tuple(
            command(
                region, f"eks {words} --cluster-name {{cluster}} --nodegroup-name {{group}}", cluster=name, group=group
            )
            for words in ("delete-nodegroup", "wait nodegroup-deleted")
        )
        yield Found(
            Stage.NODE_GROUPS, Leftover("EKS node group", f"{name}/{group}", "it is of the stack's cluster", lines)
        )
    lines = (
        command(region, "eks delete-cluster --name {name}", name=name),
        command(region, "eks wait cluster-deleted --name {name}", name=name),
    )
    if cluster.get("deletionProtection"):
        unprotect = command(region, "eks update-cluster-config --name {name} --no-deletion-protection", name=name)
        lines = (unprotect, *lines)
    yield Found(Stage.CLUSTERS, Leftover("EKS cluster", name, "it has the name of the stack's cluster", lines))


def find_templates(search: Search) -> Iterator[Found]:
    """Launch templates, of the stack's pools and of Karpenter. Raises botocore's errors."""
    for each in search.all("ec2", "describe_launch_templates"):
        name, called = each["LaunchTemplateId"], each["LaunchTemplateName"]
        why = mark_of(search.subject, tag_map(each.get("Tags")))
        if not why and own_name(search.subject, called):
            why = "its name"
        if why:
            words = "ec2 delete-launch-template --launch-template-id {id}"
            line = command(search.subject.region, words, id=name)
            yield Found(Stage.TEMPLATES, Leftover("launch template", name, f"{why} ({called})", (line,)))


FINDERS = (
    Finder("EKS clusters and node groups", find_clusters, frozenset({"eks:cluster", "eks:nodegroup"})),
    Finder("Auto Scaling groups", find_groups, frozenset({"autoscaling:autoScalingGroup"})),
    Finder("instances", find_instances, frozenset({"ec2:instance"})),
    Finder("launch templates", find_templates, frozenset({"ec2:launch-template"})),
)
