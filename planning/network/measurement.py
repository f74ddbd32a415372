"""What a probe of a bucket has found, as a document that plans can be made with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from planning.errors import PlanningError
from planning.network.transfer import MeasuredPath
from planning.quantities import above, at_least, whole

Direction = Literal["write", "read"]
SATURATED = 0.95
"""Share of the best throughput from which on more connections are not worth having."""
KIND = "trainyard-probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What so many connections at once reached in one direction."""

    direction: Direction
    streams: int
    objects: int
    megabytes_per_second: float
    """10^6 bytes a second, all connections together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Throughput and latency of a bucket, from where the probe ran."""

    uri: str
    taken_at: str
    """ISO 8601, UTC."""
    object_bytes: int
    levels: tuple[Level, ...]
    first_byte_ms: tuple[float, ...]
    """What each read of one byte took, in milliseconds: one after the other, while nothing else went on."""
    bytes_written: int
    bytes_read: int

    def best(self, direction: Direction) -> Level:
        """The level with the highest throughput. Raises PlanningError where there is none."""
        found = [level for level in self.levels if level.direction == direction]
        if not found:
            raise PlanningError(f"{self.uri}: the probe has measured no {direction}")
        return max(found, key=lambda level: level.megabytes_per_second)

    def saturating_streams(self, direction: Direction) -> int:
        """The fewest connections that reach nearly the best throughput."""
        enough = SATURATED * self.best(direction).megabytes_per_second
        found = [level for level in self.levels if level.direction == direction]
        return min(level.streams for level in found if level.megabytes_per_second >= enough)

    def first_byte_percentile_ms(self, share: float) -> float:
        """The latency that this share of the reads stayed below or met, by the nearest rank."""
        ordered = sorted(self.first_byte_ms)
        return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]

    def document(self) -> dict[str, Any]:
        """For JSON, with what people ask for worked out; `read_probe` reads it back."""
        directions = dict.fromkeys(level.direction for level in self.levels)
        return (
            {"kind": KIND}
            | asdict(self)
            | {
                "summary": {
                    direction: {
                        "megabytes_per_second": self.best(direction).megabytes_per_second,
                        "saturating_streams": self.saturating_streams(direction),
                    }
                    for direction in directions
                }
                | {
                    "first_byte_p50_ms": self.first_byte_percentile_ms(0.5),
                    "first_byte_p95_ms": self.first_byte_percentile_ms(0.95),
                }
            }
        )


def read_probe(document: object, name: str) -> ProbeResult:
    """Reads what `yard data probe --json` has written.

    :param name: What to call it in errors, such as its path.

    Raises PlanningError for anything else.
    """
    if not isinstance(document, Mapping) or document.get("kind") != KIND:
        raise PlanningError(f"{name}: is no result of 'yard data probe --json' (kind must be {KIND})")
    try:
        levels = tuple(
            Level(
                direction=_direction(each["direction"]),
                streams=whole("streams", each["streams"], 1),
                objects=whole("objects", each["objects"], 1),
                megabytes_per_second=above("megabytes_per_second", each["megabytes_per_second"], 0.0),
            )
            for each in document["levels"]
        )
        latencies = tuple(above("first_byte_ms", each, 0.0) for each in document["first_byte_ms"])
        if not levels or not latencies:
            raise PlanningError("levels and first_byte_ms: must have entries")
        return ProbeResult(
            uri=str(document["uri"]),
            taken_at=str(document["taken_at"]),
            object_bytes=whole("object_bytes", document["object_bytes"], 1),
            levels=levels,
            first_byte_ms=latencies,
            bytes_written=int(at_least("bytes_written", document["bytes_written"], 0)),
            bytes_read=int(at_least("bytes_read", document["bytes_read"], 0)),
        )
    except PlanningError as error:
        raise PlanningError(f"{name}: {error}") from None
    except (KeyError, TypeError) as error:
        raise PlanningError(f"{name}: lacks {error} or has it in another form") from None


def path_of(result: ProbeResult, direction: Direction) -> MeasuredPath:
    """What a probe says of transfers in one direction. Raises PlanningError where it has measured none."""
    best = result.best(direction)
    return MeasuredPath(
        bandwidth_gbps=best.megabytes_per_second * 8 / 1000,
        # The quickest answer comes closest to a bare round trip: all else in it is the store's own time.
        round_trip_ms=min(result.first_byte_ms),
        source=f"measured: {direction} of {result.uri} over {best.streams} at once, at {result.taken_at}",
    )


def check_levels(streams: Sequence[int], object_bytes: int, most_bytes: int) -> None:
    """Raises PlanningError where a probe would write more than it may, or its levels make no sense."""
    for count in streams:
        whole("streams", count, 1)
    problems = []
    if not streams or list(streams) != sorted(set(streams)):
        problems.append(f"streams = {','.join(map(str, streams))!r}: must be numbers that grow, such as 1,4,16")
    least = sum(streams) * object_bytes
    if least > most_bytes:
        problems.append(
            f"most MB = {most_bytes / 1e6:g}: must be {least / 1e6:g} or more, one object of {object_bytes / 1e6:g} MB "
            "for each connection of each level; or choose fewer streams or a smaller object"
        )
    if problems:
        raise PlanningError.of(problems)


def _direction(value: object) -> Direction:
    if value == "write":
        return "write"
    if value == "read":
        return "read"
    raise PlanningError(f"direction = {value!r}: must be write or read")
