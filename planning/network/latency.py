"""Round trips between regions, modelled from their distance: what to expect before anybody has measured."""

from planning.network.places import Place, distance_km, region_at
from planning.prices.book import PriceBook
from planning.quantities import at_least

LIGHT_IN_FIBRE_KM_PER_MS = 200.0
"""Two thirds of the speed of light in vacuum, that of light in glass fibre."""
PATH_FACTOR = 2.1
"""How much longer a packet travels than light would in a straight fibre, detours and queues together: the rule of thumb
that Bozkurt et al., "Dissecting Latency in the Internet's Fiber Infrastructure" (2018), find in measurements. They also
find that the shortest paths through the fibres that lie in the ground would make it 1.3."""
SAME_REGION_MS = 1.0
"""Between data centres of one region: zones lie within 100 km of each other (AWS, "Regions and Availability Zones"),
which takes light 1 ms there and back."""


def source_of(source: Place, target: Place, path_factor: float = PATH_FACTOR) -> str:
    """What to say of a modelled round trip."""
    if source == target:
        return "modelled: zones within 100 km (AWS, Regions and Availability Zones)"
    if path_factor != PATH_FACTOR:
        return f"modelled: great-circle distance x {path_factor:g} (given) at 2/3 of the speed of light"
    return (
        f"modelled: great-circle distance x {PATH_FACTOR:g} at 2/3 of the speed of light "
        "(Bozkurt et al., Dissecting Latency in the Internet's Fiber Infrastructure, 2018)"
    )


def round_trip_ms(book: PriceBook, source: Place, target: Place, *, path_factor: float = PATH_FACTOR) -> float:
    """Modelled round trip in milliseconds. Raises PlanningError for a region that the book does not know."""
    at_least("path factor", path_factor, 1.0)
    first, second = region_at(book, source, "source"), region_at(book, target, "target")
    one_way = path_factor * distance_km(first, second) / LIGHT_IN_FIBRE_KM_PER_MS
    return max(SAME_REGION_MS, 2 * one_way)
