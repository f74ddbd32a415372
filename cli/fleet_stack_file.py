"""Writes a fleet to a stack's file, as the GPU pools of `trainyard:aws` or `trainyard:gcp`; nothing else in the file
changes.

Pools are what `infra/aws/instance_settings.py` and `infra/gcp/machine_settings.py` call GpuPoolSettings. Only the lines
of `gpu_pools` are replaced, so that comments, order and quotes around them stay as they are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from engine.durable_files import replace_file
from engine.project import load_project
from engine.stack_settings import StackSettings, parse_stack_settings
from engine.yaml_documents import parse_document
from infra.gcp import machine_fit

if TYPE_CHECKING:
    from planning.fleet.plan import FleetPlan, Pool

_POOLS = "gpu_pools"
_LONGEST_NAME = 20
_DISK = "pd-balanced"
"""The kind of boot disk where a pool on Google Cloud names none."""


@dataclass(frozen=True)
class _Cloud:
    """How the pools of a cloud are written."""

    name: str
    capacities: tuple[str, ...]
    reservation: re.Pattern[str]
    """What a reservation is called, and the zone that it is in."""
    reserved_by: str
    """The setting of a reservation."""
    reservation_called: str
    reservation_like: str
    zone_like: str
    """A zone, after its region."""
    own_disks: str
    """`scratch`, where pods' files lie on a node's own disks."""

    @property
    def platform(self) -> str:
        """The setting of everything in the cloud."""
        return f"trainyard:{self.name}"

    def machine(self, type_: str) -> dict[str, Any]:
        """The settings of a type of machine."""
        if self.name == "aws":
            return {"instance_types": [type_]}
        other_disk = machine_fit.disk_problem(type_, _DISK)
        return {"machine_type": type_} | ({"disk_type": "hyperdisk-balanced"} if other_disk else {})

    def type_problem(self, type_: str, capacity: str) -> str:
        """Why a type of machine cannot be had so; empty: it can, as far as anything tells."""
        return machine_fit.gpu_type_problem(type_, capacity) if self.name == "gcp" else ""

    def zones_problem(self, type_: str, zones: Sequence[str]) -> str:
        """Why none of these zones has a type of machine; empty: one has, as far as anything tells."""
        return machine_fit.zones_problem(type_, "", zones, all_of_them=False) if self.name == "gcp" else ""


_CLOUDS = {
    "aws": _Cloud(
        name="aws",
        capacities=("on_demand", "spot", "reserved"),
        reservation=re.compile(r"(cr-[0-9a-f]{8,17})(?:@([a-z0-9-]+))?"),
        reserved_by="capacity_reservation_id",
        reservation_called="capacity block",
        reservation_like="cr-0123456789abcdef0",
        zone_like="a",
        own_disks="instance_store",
    ),
    "gcp": _Cloud(
        name="gcp",
        capacities=("on_demand", "spot", "reserved", "flex_start"),
        reservation=re.compile(r"([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:@([a-z0-9-]+))?"),
        reserved_by="reservation",
        reservation_called="reservation",
        reservation_like="the name of a reservation",
        zone_like="-a",
        own_disks="local_ssd",
    ),
}


def open_stack_file(path: Path) -> "StackFile":
    """The stack's file, read and checked before anything is computed. Raises CommandError and InvalidFile."""
    found = re.fullmatch(r"Pulumi\.(.+)\.ya?ml", path.name)
    if not found:
        raise _refused(f"write = {str(path)!r}: must be a stack's file, Pulumi.STACK.yaml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(f"write = {str(path)!r}: cannot be read: {error}") from None
    project = load_project(find_project_folder(path.parent))
    settings = parse_stack_settings(project, found[1], parse_document(path, text))
    config = settings.config
    cloud = _CLOUDS.get(str(config.get("trainyard:cloud")))
    if cloud is None:
        raise _refused(
            f"write = {str(path)!r}: its trainyard:cloud is {config.get('trainyard:cloud', 'local')!r}; only a stack "
            "on aws or gcp has GPU pools"
        )
    if not isinstance(config.get(cloud.platform), dict) or not config.get(f"{cloud.name}:region"):
        raise _refused(
            f"write = {str(path)!r}: must set {cloud.name}:region and {cloud.platform} before a fleet can go there"
        )
    return StackFile(path, text, settings, cloud)


@dataclass(frozen=True)
class StackFile:
    """A stack's file that a fleet can be written to."""

    path: Path
    text: str = field(repr=False)
    settings: StackSettings = field(repr=False)
    cloud: _Cloud = field(repr=False)

    @property
    def pools_setting(self) -> str:
        """The setting that a fleet is written to."""
        return f"{self.cloud.platform}.{_POOLS}"

    @property
    def region(self) -> str:
        """The stack's region."""
        return str(self.settings.config[f"{self.cloud.name}:region"])

    @property
    def zones(self) -> list[str]:
        """The zones of the stack's network."""
        network = self.settings.config[self.cloud.platform].get("network")
        zones = network.get("zones") if isinstance(network, dict) else None
        return [str(zone) for zone in zones] if isinstance(zones, list) else []

    def write(self, plan: "FleetPlan", reservation: str) -> tuple[str, ...]:
        """Writes the plan's pools; returns the names of the pools that were there before.

        Raises CommandError where the plan does not fit the stack: nothing is written then.
        """
        problems = list(dict.fromkeys(self._problems(plan, reservation)))
        if problems:
            raise _refused(f"write = {str(self.path)!r}: " + f"\nwrite = {str(self.path)!r}: ".join(problems))
        pools = dict(self._pools(plan, reservation))
        platform = self.cloud.platform
        after = _replaced(self.text, platform, pools)
        written = parse_stack_settings(
            self.settings.project, self.settings.stack, parse_document(self.path, after)
        ).config
        expected = dict(self.settings.config)
        expected[platform] = {**expected[platform], _POOLS: written[platform][_POOLS]}
        assert written == expected, "something else in the stack's file would have changed"
        try:
            replace_file(self.path, after.encode())
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written: {error.strerror or error}") from None
        return tuple(self.settings.config[self.cloud.platform].get(_POOLS) or {})

    def _problems(self, plan: "FleetPlan", reservation: str) -> Iterator[str]:
        places = sorted({str(pool.candidate.place) for pool in plan.pools})
        cloud = self.cloud
        if places != [f"{cloud.name}:{self.region}"]:
            yield (
                f"its stack is in {cloud.name}:{self.region}, and this fleet in {', '.join(places)}; plan it with "
                f"--cloud {cloud.name} --region {self.region}"
            )
        for zone in sorted({pool.candidate.price.zone for pool in plan.pools} - {"", *self.zones}):
            yield f"its network has the zones {', '.join(self.zones) or 'none'}, and this fleet is in {zone}"
        reserved = [pool for pool in plan.pools if pool.candidate.is_prepaid]
        found = self.cloud.reservation.fullmatch(reservation)
        if reservation and not found:
            yield f"reservation = {reservation!r}: must be {cloud.reservation_like}, with @ZONE where no price tells it"
        if len(reserved) > 1:
            yield f"this fleet has several reserved pools, each of which needs a {cloud.reservation_called} of its own"
        elif reserved and not reservation:
            yield f"this fleet is reserved: name its {cloud.reservation_called} with --reservation"
        elif reserved and found and not (reserved[0].candidate.price.zone or found[2]):
            whose = cloud.reservation_called.split()[-1]
            zone = f"{self.region}{cloud.zone_like}"
            yield f"reservation = {reservation!r}: needs the {whose}'s zone too, as {found[1]}@{zone}"
        elif reserved and found and found[2] and found[2] not in self.zones:
            yield f"reservation = {reservation!r}: its network has the zones {', '.join(self.zones) or 'none'}"
        elif reserved and found and found[2]:
            problem = cloud.zones_problem(reserved[0].candidate.kind.name, [found[2]])
            yield from [f"reservation = {reservation!r}: {problem}"] if problem else []
        if reservation and not reserved:
            yield f"reservation = {reservation!r}: this fleet has nothing reserved"
        for pool in plan.pools:
            if str(pool.candidate.place) == f"{cloud.name}:{self.region}":
                yield from self._misfits(pool)

    def _misfits(self, pool: "Pool") -> Iterator[str]:
        """Why the program would refuse a pool in the stack's region, wherever its reservation is."""
        cloud, type_, price = self.cloud, pool.candidate.kind.name, pool.candidate.price
        if price.capacity not in cloud.capacities:
            yield f"a stack on {cloud.name} buys {', '.join(cloud.capacities)}, and not {price.capacity}"
        elif problem := cloud.type_problem(type_, price.capacity):
            yield f"machine_type = {type_!r}: {problem}"
        zones = [price.zone] if price.zone else [] if pool.candidate.is_prepaid else self.zones
        if problem := cloud.zones_problem(type_, zones):
            yield f"its network has no zone for this fleet: {problem}"

    def _pools(self, plan: "FleetPlan", reservation: str) -> Iterator[tuple[str, dict[str, Any]]]:
        names: set[str] = set()
        found = self.cloud.reservation.fullmatch(reservation)
        for pool in plan.pools:
            name = _name(pool, names)
            names.add(name)
            price = pool.candidate.price
            settings: dict[str, Any] = {
                "capacity": price.capacity,
                **self.cloud.machine(pool.candidate.kind.name),
                "min_nodes": 0,
                "max_nodes": pool.nodes,
            }
            zone = price.zone
            if price.capacity == "reserved" and found:
                zone = zone or found[2]
                settings[self.cloud.reserved_by] = found[1]
            if plan.work.coupling == "synchronous" and pool.nodes > 1:
                zone = zone or self._first_zone(pool.candidate.kind.name)
                settings["tightly_coupled"] = True
            if zone:
                settings["zones"] = [zone]
            if self._keeps_scratch(pool):
                settings["scratch"] = self.cloud.own_disks
            disk = round(plan.work.disk_gib)
            settings["disk_gib"] = max(disk, 50)
            yield name, settings

    def _first_zone(self, type_: str) -> str:
        """The first zone of the network that has a type of machine; empty where the network has no zones."""
        return next((zone for zone in self.zones if not self.cloud.zones_problem(type_, [zone])), "")

    def _keeps_scratch(self, pool: "Pool") -> bool:
        """Whether all pools until now have their scratch space on the nodes' own disks, and this one has such disks."""
        before = self.settings.config[self.cloud.platform].get(_POOLS) or {}
        uses = [isinstance(each, dict) and each.get("scratch") == self.cloud.own_disks for each in before.values()]
        return bool(uses) and all(uses) and bool(pool.candidate.kind.nvme_gb)


def _name(pool: "Pool", taken: set[str]) -> str:
    """Such as `spot-g6-12xlarge`: what it is, as short as a pool's name has to be, and given once."""
    words = {"on_demand": "demand", "spot": "spot", "reserved": "reserved", "flex_start": "flex"}
    plain = re.sub(r"[^a-z0-9]+", "-", f"{words[pool.candidate.price.capacity]}-{pool.candidate.kind.name}".lower())
    name = plain[:_LONGEST_NAME].strip("-")
    number = 2
    while name in taken:
        ending = f"-{number}"
        name = plain[: _LONGEST_NAME - len(ending)].strip("-") + ending
        number += 1
    return name


def _replaced(text: str, platform_setting: str, pools: dict[str, Any]) -> str:
    """The file's text with these pools."""
    from ruamel.yaml import YAML

    editor = YAML(typ="rt")
    editor.preserve_quotes = True
    editor.width = 1_000_000
    editor.indent(mapping=2, sequence=4, offset=2)
    content = editor.load(text)
    platform = content["config"][platform_setting]
    if platform.fa.flow_style() or _POOLS not in platform:
        # No lines of its own that could be replaced: the editor writes the file anew, with its comments.
        platform[_POOLS] = pools
        result = StringIO()
        editor.dump(content, result)
        return result.getvalue()
    lines = text.splitlines(keepends=True)
    first, column = platform.lc.key(_POOLS)
    last = first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= column:
            break
        if line.strip():
            last = number + 1
    block = _as_lines(pools, " " * column)
    ending = "" if last >= len(lines) or block.endswith("\n") else "\n"
    return "".join([*lines[:first], block, ending, *lines[last:]])


def _as_lines(pools: dict[str, Any], margin: str) -> str:
    """The setting as lines: each pool's lists in one line, as people write them."""
    lines = [f"{margin}{_POOLS}:"]
    for name, settings in pools.items():
        lines.append(f"{margin}  {name}:")
        for key, value in settings.items():
            if isinstance(value, list):
                shown = f"[{', '.join(value)}]"
            else:
                shown = str(value).lower() if isinstance(value, bool) else str(value)
            lines.append(f"{margin}    {key}: {shown}")
    return "\n".join(lines) + "\n"


def _refused(message: str) -> CommandError:
    return CommandError(message, ExitStatus.CONFIGURATION)
