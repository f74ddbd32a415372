"""Jobs and nodes as people write them: a document of jobs, and words such as `2x8:80` for nodes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from planning import quantities
from planning.errors import PlanningError
from planning.jobs.model import Job, Node, Workload
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, Cloud

_NUMBERS = ("hours", "estimated_hours", "gpu_memory_gib", "memory_gib", "release_hours")
_WHOLE = ("gpus", "priority")
_JOB_KEYS = ("name", *_NUMBERS, *_WHOLE, "after", "team")
_NODE_KEYS = ("name", "count", "gpus", "gpu_memory_gib", "memory_gib")
_KEYS = ("jobs", "nodes", "teams")

_PLAIN = re.compile(r"(\d+)x(\d+):(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")
_PRICED = re.compile(r"(\d+)x([a-z]+):([^:\s]+)")
_NODE_FORM = (
    "must be COUNTxGPUS:GPU_MEMORY_GIB, maybe :MEMORY_GIB, such as 2x8:80 or 2x8:80:2048; or COUNTxCLOUD:TYPE, such as "
    "2xaws:p4d.24xlarge"
)


def read_workload(name: str, document: Any, nodes: Sequence[Node] = ()) -> Workload:
    """The workload in a document; `docs/scheduling.md` shows one.

    :param name: What the document is called in messages.
    :param nodes: The fleet, where the document names none.
    :raises PlanningError: everything that is wrong, with its place, value and what would be valid.
    """
    if not isinstance(document, dict) or not set(document) <= set(_KEYS) or "jobs" not in document:
        raise PlanningError(f"{name}: must be a mapping with jobs, and maybe nodes and teams, and nothing else")
    if nodes and "nodes" in document:
        raise PlanningError(f"{name}: has nodes of its own; leave those out, or --nodes")
    problems = [
        *_wrong_list("jobs", document["jobs"], _JOB_KEYS, ("name", "hours", "gpus")),
        *_wrong_list("nodes", document.get("nodes", []), _NODE_KEYS, ("gpus", "gpu_memory_gib")),
        *_wrong_teams(document.get("teams", {})),
    ]
    if not nodes and "nodes" not in document:
        problems.append("nodes: must be in the document, or given with --nodes")
    if problems:
        raise PlanningError.of([f"{name}: {problem}" for problem in problems])
    try:
        return Workload(
            jobs=tuple(_job(entry) for entry in document["jobs"]),
            nodes=tuple(nodes) or tuple(_nodes_of(document["nodes"])),
            team_weights={str(team): float(weight) for team, weight in document.get("teams", {}).items()},
        )
    except PlanningError as error:
        raise PlanningError.of([f"{name}: {problem}" for problem in str(error).splitlines()]) from None


def nodes_in_words(words: Sequence[str], book: PriceBook | None = None) -> tuple[Node, ...]:
    """The nodes that words such as `2x8:80` or `2xaws:p4d.24xlarge` stand for.

    :param book: Where types are looked up.
    :raises PlanningError: a word is neither, or the book has no such type, or it has no GPU.
    """
    return tuple(node for number, word in enumerate(words) for node in _nodes_in(word, number, book))


def asks_for_book(words: Sequence[str]) -> bool:
    """Whether a price book is needed to understand them."""
    return any(_PRICED.fullmatch(word) and not _PLAIN.fullmatch(word) for word in words)


def _nodes_in(word: str, number: int, book: PriceBook | None) -> Iterator[Node]:
    plain, priced = _PLAIN.fullmatch(word), _PRICED.fullmatch(word)
    if plain:
        count, gpus, gpu_memory = int(plain[1]), int(plain[2]), float(plain[3])
        memory = float(plain[4]) if plain[4] else None
    elif priced and book is not None:
        cloud = cast(Cloud, quantities.one_of(f"nodes = {word!r}: cloud", priced[2], CLOUDS))
        kind = book.type_of(cloud, priced[3])
        if kind is None or not kind.gpu_count:
            raise PlanningError(f"nodes = {word!r}: the price book has no type with GPUs of this name")
        count, gpus, gpu_memory, memory = int(priced[1]), kind.gpu_count, kind.gpu_memory_gib, kind.memory_gib
    else:
        raise PlanningError(f"nodes = {word!r}: {_NODE_FORM}")
    if not 1 <= count <= 10_000 or gpus < 1:
        raise PlanningError(f"nodes = {word!r}: must be 1 to 10000 nodes of 1 GPU or more")
    for index in range(1, count + 1):
        name = f"{word.partition('x')[2]}" if plain is None else "node"
        yield Node(name=f"{name}-{number + 1}.{index}", gpus=gpus, gpu_memory_gib=gpu_memory, memory_gib=memory)


def _job(entry: Mapping[str, Any]) -> Job:
    return Job(
        name=entry["name"],
        hours=float(entry["hours"]),
        estimated_hours=float(entry.get("estimated_hours", entry["hours"])),
        gpus=entry["gpus"],
        gpu_memory_gib=float(entry.get("gpu_memory_gib", 0)),
        memory_gib=float(entry.get("memory_gib", 0)),
        after=tuple(entry.get("after", ())),
        team=entry.get("team", ""),
        release_hours=float(entry.get("release_hours", 0)),
        priority=entry.get("priority", 0),
    )


def _nodes_of(entries: Sequence[Mapping[str, Any]]) -> Iterator[Node]:
    for number, entry in enumerate(entries, start=1):
        count = quantities.whole(f"nodes[{number - 1}].count", entry.get("count", 1), 1)
        name = entry.get("name", f"node-{number}")
        for index in range(1, count + 1):
            yield Node(
                name=name if count == 1 else f"{name}.{index}",
                gpus=entry["gpus"],
                gpu_memory_gib=float(entry["gpu_memory_gib"]),
                memory_gib=float(entry["memory_gib"]) if "memory_gib" in entry else None,
            )


def _wrong_list(place: str, entries: Any, known: Sequence[str], needed: Sequence[str]) -> Iterator[str]:
    if not isinstance(entries, list):
        yield f"{place}: must be a list"
        return
    for index, entry in enumerate(entries):
        here = f"{place}[{index}]"
        if not isinstance(entry, dict):
            yield f"{here}: must be a mapping"
            continue
        yield from (f"{here}: {key!r} is unknown; known are {', '.join(known)}" for key in entry if key not in known)
        yield from (f"{here}: {key} is missing" for key in needed if key not in entry)
        yield from _wrong_values(here, entry)


def _wrong_values(here: str, entry: Mapping[Any, Any]) -> Iterator[str]:
    """What is of the wrong kind; whether a number makes sense is for the model to say."""
    for key in _NUMBERS:
        if key in entry and not quantities.is_number(entry[key]):
            yield f"{here}.{key} = {entry[key]!r}: must be a finite number"
    for key in _WHOLE:
        if key in entry and (isinstance(entry[key], bool) or not isinstance(entry[key], int)):
            yield f"{here}.{key} = {entry[key]!r}: must be a whole number"
    for key in ("name", "team"):
        if key in entry and (not isinstance(entry[key], str) or (key == "name" and not entry[key].strip())):
            yield f"{here}.{key} = {entry[key]!r}: must be text"
    after = entry.get("after", [])
    if not isinstance(after, list) or not all(isinstance(name, str) for name in after):
        yield f"{here}.after = {after!r}: must be a list of jobs' names"


def _wrong_teams(teams: Any) -> Iterator[str]:
    if not isinstance(teams, dict):
        yield "teams: must be a mapping of teams to weights"
        return
    for team, weight in teams.items():
        if not quantities.is_number(weight):
            yield f"teams.{team} = {weight!r}: must be a finite number above 0"
