"""What a finder of the audit of Google Cloud is handed, and in which order such things can be removed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.calls import Calls
from lifecycle.teardown.gcp.commands import command
from lifecycle.teardown.subject import Subject

__all__ = ["Finder", "Found", "Search", "Stage"]


class Stage(IntEnum):
    """When something can be removed: after everything of the earlier stages, which needs or makes it."""

    STARTERS = 0
    """What starts others by itself."""
    CLUSTERS = 1
    GROUPS = 2
    """Groups that make a machine again when it is deleted."""
    MACHINES = 3
    ATTACHMENTS = 4
    """What others reach a load balancer by."""
    FORWARDING_RULES = 5
    PROXIES = 6
    URL_MAPS = 7
    BACKENDS = 8
    ENDPOINTS = 9
    CHECKS = 10
    ADDRESSES = 11
    DISKS = 12
    TEMPLATES = 13
    FIREWALLS = 14
    ROUTERS = 15
    ZONES = 16
    SUBNETS = 17
    NETWORKS = 18
    SINKS = 19
    RECORDS = 20
    STORES = 21
    GRANTS = 22
    """Who may do what, before who it is: the grants of an account that is gone go on naming it."""
    IDENTITIES = 23
    KEYS = 24
    """What encrypts all the others."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a finder is handed."""

    calls: Calls
    subject: Subject

    @property
    def project(self) -> str:
        """The identifier of the project."""
        return self.subject.account_id

    def line(self, words: str, **values: str) -> str:
        """A command line of gcloud for the project. Raises ValueError as `commands.command` does."""
        return command(self.project, words, **values)

    def left(self, stage: Stage, kind: str, name: str, why: str, *lines: str) -> Found:
        """Something that should be gone, with the command lines that remove it."""
        return Found(stage, Leftover(kind, name, why, lines))

    def going(self, stage: Stage, kind: str, name: str, why: str) -> Found:
        """Something that is on its way out."""
        return Found(stage, Leftover(kind, name, why), "going")


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for one family of resources."""

    words: str
    """What it looks for, for a person."""
    find: Callable[[Search], Iterable[Found]]
    of_data: bool = False
    """Whether a stack of the part data has any, too. The APIs of all others need not be on for such a stack."""
    may_be_off: bool = False
    """Whether a stack may do without the API, by its settings. Where it is off, there is nothing: the platform itself
    never switches an API off."""


def path_of(link: str) -> str:
    """A link to a resource as `projects/P/...`, whatever it begins with: hosts and versions differ. Pure."""
    return link[link.index("projects/") :] if "projects/" in link else link


def name_of(link: str) -> str:
    """The last part of a link. Pure."""
    return link.rpartition("/")[2]


def labels_of(resource: dict[str, Any], key: str = "labels") -> dict[str, str]:
    """The labels of a resource; none where it has none. Pure."""
    return dict(resource.get(key) or {})
