"""Work as a document: the fields of `Work`, as a file or a command line gives them."""

from collections.abc import Callable, Mapping
from typing import Any

from planning.errors import PlanningError
from planning.fleet.quotas import Quota
from planning.fleet.work import LONGEST_HOURS, Work
from planning.network.places import Place
from planning.simulation.durations import hours_of


def parse_work(document: Mapping[str, Any]) -> Work:
    """The work that a document describes: the fields of `Work` by their names.

    Lists may be single words; places are CLOUD:REGION, quotas CLOUD:REGION:WHAT:CAPACITY=NUMBER[unit], and the deadline
    may be a text such as 2d. Raises PlanningError naming every field that is unknown, missing or of the wrong type.
    """
    problems = [f"{name}: no such field; known are {', '.join(_READERS)}" for name in document if name not in _READERS]
    fields: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name not in document or document[name] is None:
            continue
        try:
            fields[name] = read(name, document[name])
        except PlanningError as error:
            problems.append(str(error))
    if "deadline_hours" not in fields and not any(each.startswith("deadline_hours ") for each in problems):
        problems.append("deadline_hours: has to be set, such as 48h")
    if problems:
        # What can be said of the other fields is said too.
        fields.setdefault("deadline_hours", LONGEST_HOURS)
        try:
            Work(**fields)
        except PlanningError as error:
            problems += str(error).splitlines()
        raise PlanningError.of(problems)
    return Work(**fields)


def parse_pairs(name: str, texts: list[str]) -> dict[str, float]:
    """NAME=NUMBER, several of them. Raises PlanningError."""
    pairs = {}
    for text in texts:
        key, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            equals = ""
            value = 0.0
        if not equals or not key.strip():
            raise PlanningError(f"{name} = {text!r}: must be NAME=NUMBER, such as A100=840")
        pairs[key.strip()] = value
    return pairs


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlanningError(f"{name} = {value!r}: must be a number")
    try:
        return float(value)
    except OverflowError:
        raise PlanningError(f"{name}: must be a number of less than 300 digits") from None


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PlanningError(f"{name} = {value!r}: must be a whole number")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PlanningError(f"{name} = {value!r}: must be text")
    return value


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise PlanningError(f"{name} = {value!r}: must be true or false")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(_text(name, each) for each in values)


def _hours(name: str, value: Any) -> float:
    return hours_of(name, value) if isinstance(value, str) else _number(name, value)


def _place(name: str, value: Any) -> Place:
    return Place.parse(_text(name, value), name)


def _places(name: str, value: Any) -> tuple[Place, ...]:
    return tuple(Place.parse(each, name) for each in _texts(name, value))


def _quotas(name: str, value: Any) -> tuple[Quota, ...]:
    return tuple(Quota.parse(each) for each in _texts(name, value))


def _rates(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise PlanningError(f"{name} = {value!r}: must map GPU models to numbers, such as A100: 840")
    return {_text(name, gpu): _number(f"{name} {gpu}", rate) for gpu, rate in value.items()}


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "gpu_hours": _number,
    "samples": _number,
    "reference_gpu": _text,
    "measured": _rates,
    "compute_share": _number,
    "coupling": _text,
    "scaling_loss": _number,
    "deadline_hours": _hours,
    "budget_usd": _number,
    "max_nodes": _whole,
    "quotas": _quotas,
    "gpu_memory_gib": _number,
    "min_gpus_per_node": _whole,
    "needs": _texts,
    "clouds": _texts,
    "regions": _texts,
    "capacities": _texts,
    "gpus": _texts,
    "instance_types": _texts,
    "without_types": _texts,
    "without_regions": _places,
    "architectures": _texts,
    "one_region": _truth,
    "max_share": _number,
    "data": _place,
    "data_gb": _number,
    "result_gb": _number,
    "storage_gb": _number,
    "disk_gib": _number,
    "checkpoint_seconds": _number,
    "restart_seconds": _number,
    "startup_seconds": _number,
    "interruptions_per_hour": _number,
    "flex_start_wait_hours": _number,
}
