"""Reads what a file says of storage nodes, shards and workers.

```yaml
shards: 1000            # or a list of names
shard_gb: 0.5           # or a list, one for each
nodes:
  - {name: a1, weight: 2, domain: zone-a, capacity: 400, availability: 0.999}
domains: {zone-a: 0.9999}
workers:
  - {name: gpu-1, domain: zone-a}
```
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from planning.data.availability import DomainAvailability
from planning.data.locality import Worker
from planning.data.nodes import StorageNode, check_nodes
from planning.data.placement import number_shards
from planning.errors import PlanningError
from planning.quantities import BYTES_PER_GB, at_least, between

DEFAULT_SHARD_GB = 1.0
_KEYS = ("shards", "shard_gb", "nodes", "domains", "workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a document describes."""

    shards: tuple[str, ...]
    """Names; empty where the document has none."""
    shard_bytes: tuple[float, ...]
    """One for each shard."""
    nodes: tuple[StorageNode, ...]
    domains: DomainAvailability
    workers: tuple[Worker, ...]


def read_storage(document: object, name: str) -> Storage:
    """Reads a document.

    :param name: What to call it in errors, such as its path.

    Raises PlanningError naming every entry that makes no sense.
    """
    if not isinstance(document, Mapping):
        raise PlanningError(f"{name}: must hold a mapping with {', '.join(_KEYS)}")
    problems = [f"{key}: is unknown; known are {', '.join(_KEYS)}" for key in document if key not in _KEYS]
    shards = _shards(document.get("shards", 0), problems)
    sizes = _sizes(document.get("shard_gb", DEFAULT_SHARD_GB), len(shards), problems)
    nodes = [_entry(StorageNode, each, "nodes", problems) for each in _list(document, "nodes", problems)]
    workers = [_entry(Worker, each, "workers", problems) for each in _list(document, "workers", problems)]
    domains = _domains(document.get("domains", {}), problems)
    if not problems:
        try:
            check_nodes([node for node in nodes if node])
        except PlanningError as error:
            problems += str(error).splitlines()
    if problems:
        raise PlanningError.of(f"{name}: {problem}" for problem in problems)
    return Storage(
        shards=shards,
        shard_bytes=sizes,
        nodes=tuple(node for node in nodes if node),
        domains=DomainAvailability(own=domains),
        workers=tuple(worker for worker in workers if worker),
    )


def _shards(value: object, problems: list[str]) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(each, str | int) for each in value):
        names = tuple(str(each) for each in value)
        twice = sorted({each for each in names if names.count(each) > 1}) if len(set(names)) < len(names) else []
        problems.extend(f"shards: {each!r} is there more than once" for each in twice)
        return names
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return number_shards(value) if value else ()
    problems.append(f"shards = {value!r}: must be a whole number, or a list of names")
    return ()


def _sizes(value: object, shards: int, problems: list[str]) -> tuple[float, ...]:
    listed: list[Any] = value if isinstance(value, list) else [value] * shards
    if len(listed) != shards:
        problems.append(f"shard_gb: has {len(listed)} sizes for {shards} shards")
    different = {repr(each): each for each in (value if isinstance(value, list) else [value])}
    for size in different.values():
        _collect(problems, lambda size=size: at_least("shard_gb", size, 0.0))
    return () if problems else tuple(each * BYTES_PER_GB for each in listed)


def _domains(value: object, problems: list[str]) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, Mapping):
        problems.append(f"domains = {value!r}: must be a mapping of domain to its availability")
        return ()
    for domain, up in value.items():
        _collect(problems, lambda domain=domain, up=up: between(f"domains.{domain}", up, 0.0, 1.0))
    return tuple((str(domain), up) for domain, up in value.items())


def _list(document: Mapping[str, Any], key: str, problems: list[str]) -> list[Any]:
    value = document.get(key, [])
    if isinstance(value, list):
        return value
    problems.append(f"{key} = {value!r}: must be a list")
    return []


def _entry(kind: Any, value: object, key: str, problems: list[str]) -> Any:
    known = [field.name for field in fields(kind)]
    if not isinstance(value, Mapping):
        problems.append(f"{key}: {value!r} must be a mapping with {', '.join(known)}")
        return None
    found = {str(name): each for name, each in value.items()}
    unknown = [f"{key}: {name!r} is unknown; known are {', '.join(known)}" for name in found if name not in known]
    texts = [name for name in ("name", "domain") if name in found]
    unknown += [f"{key}.{name} = {found[name]!r}: must be text" for name in texts if not isinstance(found[name], str)]
    unknown += [f"{key}: {dict(value)!r} must have a name"] if not found.get("name") else []
    unknown += [f"{key}: {dict(value)!r} must have a domain"] if kind is Worker and not found.get("domain") else []
    problems.extend(unknown)
    return None if unknown else kind(**found)


def _collect(problems: list[str], check: Any) -> None:
    try:
        check()
    except PlanningError as error:
        problems.append(str(error))
