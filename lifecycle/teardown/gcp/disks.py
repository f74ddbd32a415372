"""Finds disks: those that pods asked for, of machines that are gone, and snapshots.

No stack knows of them, and each costs by the GiB and month until somebody deletes it.
"""

from collections.abc import Iterator
from typing import Any

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.commands import place
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of
from lifecycle.teardown.gcp.ownership import claim_of, key_mark, mark_of


def find_disks(search: Search) -> Iterator[Found]:
    """Persistent disks and Hyperdisks, of a zone or of a region. Raises GoogleError."""
    for each in search.calls.everywhere("disks"):
        why = _why(search, each, "diskEncryptionKey")
        if not why:
            continue
        name, where = each["name"], place(each["selfLink"])
        if each.get("status") == "DELETING":
            yield search.going(Stage.DISKS, "disk", name, "its status is DELETING")
            continue
        lines = [search.line(f"compute disks delete {{name}} {where}", name=name)]
        # A disk that is in use goes with its machine, or has to be detached from one of somebody else's.
        lines[:0] = [_detaching(search, each, user) for user in each.get("users") or ()]
        told = (
            f"{why}; {each.get('sizeGb', '?')} GB, {name_of(each.get('type', ''))}{claim_of(each.get('description'))}"
        )
        yield search.left(Stage.DISKS, "disk", name, told, *lines)


def _detaching(search: Search, disk: dict[str, Any], user: str) -> str:
    scope = " --disk-scope=regional" if disk.get("region") else ""
    words = f"compute instances detach-disk {{machine}} --disk={{disk}} {place(user)}{scope}"
    return search.line(words, machine=name_of(user), disk=disk["name"])


def find_snapshots(search: Search) -> Iterator[Found]:
    """Snapshots of such disks. Raises GoogleError."""
    for each in search.calls.beyond_regions("snapshots"):
        why = _why(search, each, "snapshotEncryptionKey")
        if why:
            line = search.line("compute snapshots delete {name}", name=each["name"])
            told = f"{why}; of {name_of(each.get('sourceDisk', '')) or 'no disk'}"
            yield search.left(Stage.DISKS, "snapshot", each["name"], told, line)


def _why(search: Search, resource: dict[str, Any], encrypted_by: str) -> str:
    labels = labels_of(resource)
    if mark := mark_of(search.subject, labels):
        return mark
    if "project" in labels and "stack" in labels:
        return ""
    return key_mark(search, (resource.get(encrypted_by) or {}).get("kmsKeyName"))


FINDERS = (Finder("disks", find_disks), Finder("snapshots", find_snapshots))
