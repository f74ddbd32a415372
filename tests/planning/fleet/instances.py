"""Random small price books and works, for properties."""

from hypothesis import strategies as st

from planning.fleet.quotas import Quota
from planning.fleet.work import Work
from planning.network.places import Place
from planning.prices.book import PriceBook
from planning.prices.model import CAPACITIES, INTERRUPTION_BANDS
from tests.planning.fleet.books import REGIONS, book, kind, price


@st.composite
def books(draw: st.DrawFn) -> PriceBook:
    """Two to four offers in up to three regions."""
    offers = []
    for number in range(draw(st.integers(2, 4))):
        cloud, region, *_ = draw(st.sampled_from(REGIONS))
        gpu = draw(st.sampled_from(["A100", "L4", "H100", "T4"]))
        each = kind(f"type-{number}", gpu, draw(st.sampled_from([1, 2, 4])), cloud=cloud)
        capacity = draw(st.sampled_from(CAPACITIES))
        band = draw(st.sampled_from(INTERRUPTION_BANDS)) if capacity == "spot" else ""
        usd = draw(st.integers(20, 900)) / 100
        offers.append((each, price(each, usd, region, capacity=capacity, interruption_band=band)))
    return book(offers)


@st.composite
def works(draw: st.DrawFn) -> Work:
    """Independent work for a few nodes, with any limits; about two thirds of it can be done. Some of it takes longer
    than a flex-start node lives."""
    longer = draw(st.sampled_from([1, 1, 20]))
    moved = draw(st.booleans())
    quotas = []
    if draw(st.booleans()):
        capacity = draw(st.sampled_from(["*", "spot", "on_demand"]))
        unit = draw(st.sampled_from(["gpus", "nodes", "vcpus"]))
        quotas.append(Quota(capacity=capacity, limit=draw(st.integers(2, 8)), unit=unit))
    return Work(
        gpu_hours=longer * draw(st.integers(5, 200)) / 4,
        deadline_hours=longer * draw(st.integers(4, 400)) / 4,
        budget_usd=draw(st.one_of(st.none(), st.none(), st.integers(20, 600).map(lambda usd: float(longer * usd)))),
        max_nodes=draw(st.integers(1, 4)),
        quotas=tuple(quotas),
        one_region=draw(st.booleans()),
        data=Place("aws", "us-east-1") if moved else None,
        data_gb=draw(st.integers(0, 900)) if moved else 0,
        result_gb=draw(st.integers(0, 50)) if moved else 0,
        checkpoint_seconds=draw(st.integers(0, 900)),
        restart_seconds=draw(st.integers(0, 1800)),
        startup_seconds=draw(st.integers(60, 1800)),
        interruptions_per_hour=draw(st.one_of(st.none(), st.floats(0.001, 0.5))),
    )
