"""Finds disks: volumes that pods asked for, and snapshots. A driver in a cluster makes both; no stack knows of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.nodes import termination
from lifecycle.teardown.aws.ownership import mark_of, tag_map


def find_volumes(search: Search) -> Iterator[Found]:
    """Volumes of Amazon EBS. Raises botocore's errors."""
    region = search.subject.region
    for each in search.all("ec2", "describe_volumes"):
        tags, name, state = tag_map(each.get("Tags")), each["VolumeId"], each["State"]
        why = mark_of(search.subject, tags)
        if not why:
            continue
        if state in ("deleting", "deleted"):
            yield Found(Stage.DISKS, Leftover("EBS volume", name, f"its state is {state}"), "going")
            continue
        lines = _volume_removal(region, name, each.get("Attachments") or [])
        yield Found(Stage.DISKS, Leftover("EBS volume", name, f"{why}; {each['Size']} GiB{_claim(tags)}", lines))


def _volume_removal(region: str, name: str, attachments: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    deletion = command(region, "ec2 delete-volume --volume-id {id}", id=name)
    if not attachments:
        return (deletion,)
    if attachments[0].get("DeleteOnTermination"):
        return termination(region, attachments[0]["InstanceId"])
    return (
        command(region, "ec2 detach-volume --force --volume-id {id}", id=name),
        command(region, "ec2 wait volume-available --volume-ids {id}", id=name),
        deletion,
    )


def find_snapshots(search: Search) -> Iterator[Found]:
    """Snapshots of such volumes. Raises botocore's errors."""
    for each in search.all("ec2", "describe_snapshots", OwnerIds=["self"]):
        why, name = mark_of(search.subject, tag_map(each.get("Tags"))), each["SnapshotId"]
        if why:
            line = command(search.subject.region, "ec2 delete-snapshot --snapshot-id {id}", id=name)
            yield Found(Stage.DISKS, Leftover("EBS snapshot", name, f"{why}; of {each['VolumeId']}", (line,)))


def _claim(tags: dict[str, str]) -> str:
    """Which pod's volume it is, as the driver's own tags tell."""
    claim = tags.get("kubernetes.io/created-for/pvc/name")
    return f", claim {tags.get('kubernetes.io/created-for/pvc/namespace', '')}/{claim}" if claim else ""


FINDERS = (
    Finder("EBS volumes", find_volumes, frozenset({"ec2:volume"})),
    Finder("EBS snapshots", find_snapshots, frozenset({"ec2:snapshot"})),
)
