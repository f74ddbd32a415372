"""What a finder of the AWS audit is handed, and in which order such things can be removed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from lifecycle.teardown.aws.calls import Calls
from lifecycle.teardown.finding import Found
from lifecycle.teardown.subject import Subject

__all__ = ["Finder", "Found", "Search", "Stage", "Tagged"]


class Stage(IntEnum):
    """When something can be removed: after everything of the earlier stages, which needs or makes it."""

    STARTERS = 0
    """What starts others by itself."""
    NODE_GROUPS = 1
    NODES = 2
    LOAD_BALANCERS = 3
    CLUSTERS = 4
    TARGET_GROUPS = 5
    GATEWAYS = 6
    INTERFACES = 7
    ADDRESSES = 8
    SECURITY_GROUPS = 9
    DISKS = 10
    TEMPLATES = 11
    SUBNETS = 12
    ROUTES = 13
    NETWORKS = 14
    RECORDS = 15
    STORES = 16
    PROFILES = 17
    IDENTITIES = 18
    POLICIES = 19
    KEYS = 20
    OTHERS = 21


@dataclass(frozen=True, slots=True)
class Tagged:
    """A resource that the tagging API names."""

    arn: str
    service: str
    type: str
    """What stands before the id in the ARN's last part; empty where nothing does, as for a bucket."""
    id: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a finder is handed."""

    calls: Calls
    subject: Subject
    tagged: Sequence[Tagged]
    """What the tagging API names as the stack's."""

    def all(self, service: str, operation: str, key: str = "", **parameters: Any) -> Iterable[dict[str, Any]]:
        """Every item that an operation lists, page by page. Raises botocore's errors."""
        return self.calls.all(service, operation, key, **parameters)


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for one family of resources."""

    words: str
    """What it looks for, for a person."""
    find: Callable[[Search], Iterable[Found]]
    covers: frozenset[str] = field(default_factory=frozenset)
    """The `service:type` of ARNs that it looks at itself, so that it knows better than the tagging API."""
