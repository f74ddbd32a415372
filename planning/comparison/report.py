"""One comparison from end to end: everything that a table, a page or a document about it shows."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from planning.comparison.candidates import Candidate, LeftOut, find_candidates
from planning.comparison.criteria import CRITERIA, CriterionName, Measurement, Source
from planning.comparison.features import FeatureTable
from planning.comparison.measures import measure
from planning.comparison.request import Request, check_request
from planning.comparison.scoring import MIN_COVERAGE, Ranking, Row, rank
from planning.comparison.sensitivity import Stability, WeightRange, stability, weight_ranges
from planning.comparison.weights import Weights
from planning.errors import PlanningError
from planning.network.places import Place
from planning.prices.ageing import MAX_AGE_DAYS
from planning.prices.book import PriceBook
from planning.prices.model import Cloud
from planning.quantities import between


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was asked, what was found, and how sure it is."""

    request: Request
    ranking: Ranking[Place]
    measured: Mapping[Place, Mapping[CriterionName, Measurement]]
    candidates: Mapping[Place, Candidate]
    ranges: tuple[WeightRange[Place], ...]
    stability: Stability[Place]
    left_out: tuple[LeftOut, ...]
    features: FeatureTable
    min_coverage: float
    as_of: datetime.date
    """The day of the book's newest price."""

    @property
    def criteria(self) -> tuple[CriterionName, ...]:
        """The criteria that the request gives a meaning to, in their order."""
        first = next(iter(self.measured.values()))
        return tuple(name for name in CRITERIA if name in first)

    @property
    def first(self) -> tuple[Row[Place], ...]:
        """Who comes first; several where they are equal, none where nobody is ranked."""
        return tuple(row for row in self.ranking.rows if row.rank == 1)

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """The clouds of those compared."""
        return tuple(dict.fromkeys(place.cloud for place in self.measured))

    def unit_of(self, name: CriterionName) -> str:
        """The unit of a criterion, such as `$/GPU-hour`; empty where the amounts have theirs with them."""
        units = {each[name].amount[:1] == "$": each[name].unit for each in self.measured.values() if each[name].unit}
        return next((("$" if money else "") + unit.strip() for money, unit in units.items()), "")

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, each once, in the order in which the ranked table first uses it."""
        found: dict[Source, None] = {}
        for row in self.ranking.rows:
            for name in self.criteria:
                found.update(dict.fromkeys(self.measured[row.key][name].sources))
        for cloud in self.clouds:
            found.update({Source(row.source, row.as_of, "published"): None for row in self.features.known_of(cloud)})
        return tuple(found)


def compare(
    book: PriceBook,
    features: FeatureTable,
    request: Request,
    weights: Weights,
    *,
    max_age_days: int = MAX_AGE_DAYS,
    min_coverage: float = MIN_COVERAGE,
) -> Comparison:
    """Compares all regions that a request admits.

    :param weights: As `make_weights` gives them.
    :param max_age_days: Prices that are this much older than the book's newest are left out.
    :param min_coverage: The share of the weight that has to be known for a rank, from 0 to 1.

    Raises PlanningError for a request that makes no sense, naming every problem, and where there is nothing to compare.
    """
    between("min_coverage", min_coverage, 0.0, 1.0)
    check_request(request, book)
    candidates, left_out = find_candidates(book, request, max_age_days)
    measured = {each.place: measure(book, features, request, each) for each in candidates}
    compared = next(iter(measured.values()))
    if not any(weights[name] for name in compared):
        weighted = ", ".join(name for name in CRITERIA if weights[name])
        raise PlanningError(
            f"weights: only {weighted} count, and without data or users there is nothing to tell of them"
        )
    ranking = rank(measured, weights, min_coverage)
    return Comparison(
        request=request,
        ranking=ranking,
        measured=measured,
        candidates={each.place: each for each in candidates},
        ranges=weight_ranges(ranking),
        stability=stability(ranking),
        left_out=left_out,
        features=features,
        min_coverage=min_coverage,
        as_of=book.as_of,
    )
