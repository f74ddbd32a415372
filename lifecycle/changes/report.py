"""The report on a change as data, which every way of showing it (text, Markdown, JSON, HTML) is made from. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

Operation = Literal["create", "update", "replace", "delete", "same"]
"""What a deployment of the head would do to a resource that the base had deployed."""

SECRET = "[secret]"  # noqa: S105
"""What stands for a secret value. Where both revisions have one, whether they differ is not known."""
UNKNOWN = "[unknown]"
"""What stands for a value that nobody knows before the deployment."""
NOT_TOLD = (SECRET, UNKNOWN, "[not secret]")
"""What a text begins with that stands for a value, as in `[unknown] of the new cluster`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """One property that differs, as deep as the difference is."""

    path: str
    """As Pulumi writes it, such as `scalingConfig.maxSize` or `rules[0].id`."""
    kind: Literal["added", "removed", "changed"]
    before: Any
    """JSON; None where it was not there. Never a secret's value."""
    after: Any
    """JSON; None where it is not there any more."""
    replaces: bool
    """Whether the provider makes the resource anew for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """A resource that a deployment of the head would touch."""

    urn: str
    type: str
    name: str
    operation: Operation
    stateful: bool
    """Whether it holds data or keys that are lost with it."""
    protected: bool
    """Whether Pulumi would refuse to delete it."""
    properties: tuple[PropertyChange, ...]
    """By path; all of a created or deleted one are left out."""
    usd_per_month_before: float | None
    """None: nobody knows its price."""
    usd_per_month_after: float | None
    custom: bool = True
    """Whether it is something by itself. A component is not: it only holds others together."""
    loss: str = ""
    """Of a stateful one: what is lost with it, such as `the objects in it`."""

    @property
    def is_dangerous(self) -> bool:
        """Whether data or keys would be lost."""
        return self.stateful and self.operation in ("replace", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """What the stack costs, in US dollars; a month has 730 hours."""

    before_usd_per_month: float
    after_usd_per_month: float
    before_idle_usd_per_hour: float
    after_idle_usd_per_hour: float
    before_full_usd_per_hour: float
    after_full_usd_per_hour: float
    complete: bool
    """Whether everything on both sides has a price."""
    unpriced: tuple[str, ...]
    """Types that nobody prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictChange:
    """What a policy says of a resource, and since when."""

    status: Literal["new", "fixed", "remaining"]
    rule: str
    title: str
    kind: Literal["violated", "advisory", "exempt", "undecided", "mended"]
    severity: str
    urn: str
    """Empty: it is about the stack."""
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule that the head's policy pack enforces in another way than the base's. A level is empty without the rule."""

    rule: str
    title: str
    before: str
    """disabled, advisory, mandatory or remediate."""
    after: str

    @property
    def is_weaker(self) -> bool:
        """Whether the head lets pass what the base would have stopped or told of."""
        order = ("", "disabled", "advisory", "remediate", "mandatory")
        rank = {level: place for place, level in enumerate(order)} | {"": 1}
        return rank.get(self.after, 0) < rank.get(self.before, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A resource of the head, or one that goes, for the picture of how resources hang together."""

    urn: str
    type: str
    name: str
    parent: str
    """URN; empty for the stack's own."""
    operation: Operation
    depends_on: tuple[str, ...]
    """URNs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChange:
    """What changes in one stack."""

    stack: str
    base_problem: str
    """Why the base could not be previewed; empty: it could, or the stack is new."""
    head_problem: str
    """Why the head cannot be previewed; empty: it can, or the stack goes."""
    is_new: bool
    is_gone: bool
    resources: tuple[ResourceChange, ...]
    """The most dangerous first; without those that stay the same."""
    same: int
    """How many resources stay the same."""
    cost: CostChange | None
    """None where one side could not be previewed."""
    verdicts: tuple[VerdictChange, ...]
    """New ones first, then fixed, then remaining; by severity."""
    graph: tuple[GraphNode, ...]
    rules: tuple[RuleChange, ...] = ()
    """Rules that the policy packs of the two revisions enforce in different ways; weaker ones first."""
    notes: tuple[str, ...] = ()
    """What limits what is said here, a sentence each."""

    @property
    def is_touched(self) -> bool:
        """Whether there is anything to tell of it."""
        changed = any(each.status != "remaining" for each in self.verdicts) or bool(self.rules or self.notes)
        return bool(self.resources or changed or self.base_problem or self.head_problem or self.is_new or self.is_gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A state of the project's files."""

    name: str
    """As it was asked for, such as `origin/main`."""
    commit: str
    """40 hexadecimal digits."""
    modified: bool = False
    """Whether there are changes that no commit has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """What changes between two revisions, in every stack that was looked at."""

    project: str
    base: Revision
    head: Revision
    stacks: tuple[StackChange, ...]
    policies: bool
    """Whether a policy pack judged."""
