"""Reads the document of `yard preview --json` or `pulumi preview --json`: which resources there are before and after.

What a preview cannot know is the text 04da6b54-80e4-46f7-96ec-b56ff0331ba9, and a secret is `[secret]`: both are told
apart from values by `planning.cost.inputs`. A document leaves out resources that stay as they are; how many is told by
its `changeSummary`, so that what is missing from a cost can be said.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planning.cost.inputs import text_of
from planning.errors import PlanningError
from planning.prices.model import Cloud

STACK_TYPE = "pulumi:pulumi:Stack"
_PROVIDER_TYPE = "pulumi:providers:"
# Of somebody else, and only looked up.
_READ = {"read", "read-replacement"}
_MUST_BE = "must be the document of `yard preview --json` or `pulumi preview --json`"
# Where a resource says that it is. Google Cloud has regions and zones in one property, and spells them in capitals too.
_PLACES: Mapping[Cloud, tuple[str, ...]] = {"gcp": ("region", "location", "zone")}
_GCP_ZONE = re.compile(r"([a-z]+-[a-z]+\d+)-[a-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """One resource as it will be, or as it was."""

    urn: str
    type: str
    """Such as `aws:s3/bucket:Bucket`."""
    name: str
    parent: str = ""
    """URN of its parent; empty: none."""
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    provider: str = ""
    """The provider's reference: URN and identifier."""
    custom: bool = True
    """Whether it is something by itself. A component is not: it only holds others together."""
    id: str = ""
    """What the cloud calls it; empty while it does not exist."""
    operation: str = "create"
    """What is done to it, as Pulumi spells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a preview document says."""

    config: Mapping[str, Any]
    """The stack's configuration: full keys to text, objects as JSON text."""
    before: tuple[PlannedResource, ...]
    """What is there now and named in the document."""
    after: tuple[PlannedResource, ...]
    """What will be there and is named in the document."""
    unseen: int
    """Resources that stay as they are and are not in the document: they are in no cost made of it."""


def read_plan(document: object) -> Plan:
    """The plan of a document, given as a mapping or as JSON text. Raises PlanningError for anything else."""
    parsed = _parse(document) if isinstance(document, str | bytes) else document
    # Where there is nothing to do, the document has a configuration and no steps.
    steps = parsed.get("steps", []) if isinstance(parsed, Mapping) else None
    if not isinstance(parsed, Mapping) or not isinstance(steps, list) or not ("steps" in parsed or "config" in parsed):
        raise PlanningError(f"preview document: has no steps; {_MUST_BE}")
    if not isinstance(parsed.get("config") or {}, Mapping):
        raise PlanningError(f"preview document: its config is no mapping; {_MUST_BE}")
    before: list[PlannedResource] = []
    after: list[PlannedResource] = []
    same = 0
    problems: list[str] = []
    for number, step in enumerate(steps):
        try:
            operation = str(step["op"])
            old, new = step.get("oldState"), step.get("newState")
            if not old and not new:
                raise KeyError("newState")
            same += operation == "same"
            if operation in _READ:
                continue
            if old:
                before.append(_resource(old, operation))
            if new and operation != "delete":
                after.append(_resource(new, operation))
        except (KeyError, TypeError, AttributeError):
            problems.append(f"preview document: step {number} is none of a preview; {_MUST_BE}")
    if problems:
        raise PlanningError.of(problems[:10])
    unchanged = _count((parsed.get("changeSummary") or {}).get("same"))
    return Plan(
        config=_mapping(parsed.get("config")),
        before=tuple(before),
        after=tuple(after),
        unseen=max(0, unchanged - same),
    )


def cloud_of(type_: str, default: Cloud) -> Cloud:
    """Whose resources of a type are: what Kubernetes makes has no cloud of its own."""
    prefix = type_.partition(":")[0]
    return "gcp" if prefix == "gcp" else "aws" if prefix == "aws" else default


def cloud_of_stack(types: Iterable[str], config: Mapping[str, Any]) -> Cloud:
    """Whose a stack is, by the types of what it has, else by whose region it is configured with; AWS where nothing
    says."""
    prefixes = {type_.partition(":")[0] for type_ in types}
    if prefixes & {"aws", "gcp"}:
        return "aws" if "aws" in prefixes else "gcp"
    return "gcp" if "gcp:region" in config and "aws:region" not in config else "aws"


def region_of(
    resource: PlannedResource, resources: Mapping[str, PlannedResource], config: Mapping[str, Any], cloud: Cloud = "aws"
) -> str:
    """Where a resource is: as its inputs say, else its provider's region, else the stack's, such as `aws:region`.

    Of a zone of Google Cloud it is the zone's region. Empty where nothing says.

    :param resources: Those of the same plan, by URN.
    """
    provider = resources.get(resource.provider.rpartition("::")[0])
    told = (text_of(resource.inputs.get(name)) for name in _PLACES.get(cloud, ("region",)))
    found = next((place for place in told if place), "")
    if not found and provider is not None and provider.type.startswith(_PROVIDER_TYPE):
        found = text_of(provider.inputs.get("region")) or ""
    found = found or text_of(config.get(f"{cloud}:region")) or ""
    zone = _GCP_ZONE.fullmatch(found.lower()) if cloud == "gcp" else None
    return zone[1] if zone else found.lower()


def key_of(urn: str) -> str:
    """What a resource has in common with the same one of another stack: its URN without stack and project."""
    return urn.split("::", 2)[-1]


def _parse(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise PlanningError(f"preview document: is no JSON ({error}); {_MUST_BE}") from None


def _resource(state: Mapping[str, Any], operation: str) -> PlannedResource:
    urn = state["urn"]
    return PlannedResource(
        urn=urn,
        type=state["type"],
        name=urn.rpartition("::")[2],
        parent=state.get("parent") or "",
        inputs=_mapping(state.get("inputs")),
        provider=state.get("provider") or "",
        # Who leaves it out means no component: what is something by itself has to be priced, or listed as unpriced.
        custom=bool(state.get("custom", state["type"] != STACK_TYPE)),
        id=text_of(state.get("id")) or "",
        operation=operation,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
