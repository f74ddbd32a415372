"""What the platforms of two clouds consist of, side by side: from their plans, their outputs and their settings."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from infra.aws.settings import AwsSettings
from infra.gcp.settings import GcpSettings
from infra.platform import create_platform
from tests.infra.plan import Plan, make_project, plan, preview_of
from tests.infra.recorder import WORKLOAD, record, settings_of
from tests.infra.stack_files import changed, stack_file

STACKS = {"aws": ("dev", "prod"), "gcp": ("gcp-dev", "gcp-prod")}
BY_SETTING: Mapping[str, Mapping[str, Any]] = {
    "aws": {"machine.instance_type": "g5.xlarge", "kubernetes.teams": {"vision": {}}, "registry.pull_through": True},
    "gcp": {
        "machine.machine_type": "g2-standard-8",
        "kubernetes.teams": {"vision": {}},
        "registry.pull_through": True,
    },
}
"""What a dev stack gets for the parts that the committed stacks do without."""

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "APIs": ("services",),
    "Network": ("network", "endpoints"),
    "Keys": ("keys",),
    "Logs": ("logs",),
    "Storage": ("storage",),
    "Identities of workloads": ("identity",),
    "GitHub": ("github",),
    "Cluster": ("cluster", "addons", "workload-addons"),
    "Node autoscaling": ("autoscaler",),
    "Identity of nodes": ("node",),
    "System pool": ("system",),
    "GPU pools": ("gpu",),
    "Interruptions": ("interruptions",),
    "Registry": ("registry",),
    "Budget": ("budget",),
    "Teardown at expiry": ("expiry",),
    "Teams (by setting)": ("teams",),
    "Single machine (by setting)": ("machine",),
    "Cache of others' images (by setting)": ("image-cache",),
}
"""The components below the platform that each subject consists of, by name. Logs of AWS are with what writes them."""
NOTHING = "-"
SAME_ON_BOTH = ("kubernetes", "images", "aws", "gcp")
"""What is the same code for each cloud, and the provider of the cluster's objects."""


def parts_table() -> str:
    """A row for each subject, a column for each cloud: what is registered, and how many in dev and in prod."""
    found = {cloud: _counts(cloud) for cloud in STACKS}
    rows = []
    for subject, parts in SUBJECTS.items():
        cells = [_cell(found[cloud], parts) for cloud in STACKS]
        rows.append((subject, *cells))
    return table(("Subject", "AWS", "Google Cloud"), rows)


def unnamed_parts() -> list[str]:
    """Parts of a platform that belong to no subject."""
    known = {part for parts in SUBJECTS.values() for part in parts} | set(SAME_ON_BOTH)
    return sorted({f"{cloud}: {part}" for cloud in STACKS for part, _ in _counts(cloud) if part not in known})


def outputs_table() -> str:
    """The outputs of prod that the platform has of its own, by whether each cloud has them."""
    aws, gcp = (output_names(stacks[1]) for stacks in STACKS.values())
    return table(("Both", "AWS alone", "Google Cloud alone"), [_compared(aws, gcp)])


def settings_table() -> str:
    """The settings of each group, by whether each cloud has them."""
    aws, gcp = (set(fields("", settings)) for settings in (AwsSettings, GcpSettings))
    groups = dict.fromkeys(path.partition(".")[0] if "." in path else "" for path in sorted(aws | gcp))
    rows = []
    for group in groups:
        here = [
            {
                path.removeprefix(f"{group}.")
                for path in paths
                if path.partition(".")[0] == group or not (group or "." in path)
            }
            for paths in (aws, gcp)
        ]
        rows.append((f"`{group}`" if group else NOTHING, *_compared(*here)))
    return table(("Group", "Both", "AWS alone", "Google Cloud alone"), rows)


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heading = list(heading)
    lines = [heading, ["---"] * len(heading), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def output_names(stack: str) -> set[str]:
    """The names of the outputs that a platform has of its own."""
    made: set[str] = set()
    settings = settings_of(stack)
    record(lambda: made.update(create_platform(settings, workload=WORKLOAD).outputs), stack=stack)
    return made


def fields(path: str, group: type[BaseModel]) -> Iterator[str]:
    """The paths of a group's settings: of groups within groups their own, and of pools by name those of one."""
    for name, field in group.model_fields.items():
        if field.exclude:
            continue
        inner = _group(field.annotation)
        here = f"{path}.{name}" if path else name
        yield from fields(here, inner) if inner else iter((here,))


def _group(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _group(each))), None)


def _compared(aws: set[str], gcp: set[str]) -> tuple[str, str, str]:
    return _names(aws & gcp), _names(aws - gcp), _names(gcp - aws)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or NOTHING


@cache
def _counts(cloud: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """How many resources of a type a part has in dev, in prod, and in a dev stack with what is there by setting."""
    dev, prod = STACKS[cloud]
    plans = [plan(dev), plan(prod), _plan_by_setting(cloud, dev)]
    counters = [Counter(_resources(cloud, each)) for each in plans]
    keys = set().union(*counters)
    return {key: (counters[0][key], counters[1][key], counters[2][key]) for key in sorted(keys)}


def _plan_by_setting(cloud: str, stack: str) -> Plan:
    config = changed(stack_file(stack), BY_SETTING[cloud])
    changes = {key: config[key] for key in (f"trainyard:{cloud}", "trainyard:kubernetes")}
    with tempfile.TemporaryDirectory(prefix="trainyard-plan-") as folder:
        return preview_of(make_project(Path(folder), stack, changes), stack)


def _resources(cloud: str, plan: Plan) -> Iterator[tuple[str, str]]:
    """Part and type of each resource below the platform."""
    by_urn = {each.urn: each for each in plan.resources}
    (root,) = plan.all(f"trainyard:{cloud}:Platform")
    for each in plan.resources:
        part = each
        while part.parent in by_urn and part.parent != root.urn:
            part = by_urn[part.parent]
        if part.parent == root.urn and each.type.startswith(f"{cloud}:"):
            yield part.name, each.type


def _cell(found: Mapping[tuple[str, str], tuple[int, int, int]], parts: Iterable[str]) -> str:
    counts: dict[str, tuple[int, int, int]] = {}
    for (part, type_), here in found.items():
        if part in parts:
            before = counts.get(type_, (0, 0, 0))
            counts[type_] = (before[0] + here[0], before[1] + here[1], before[2] + here[2])
    return "<br/>".join(_written(type_, *counts[type_]) for type_ in sorted(counts)) or NOTHING


def _written(type_: str, dev: int, prod: int, by_setting: int) -> str:
    _, module, name = type_.split(":")
    return f"{module.partition('/')[0]}.{name} {f'{dev} / {prod}' if dev or prod else f'({by_setting})'}"
