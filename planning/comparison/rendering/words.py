"""The sentences that every rendering of a comparison says, in the same words."""

from collections.abc import Iterator

from planning.comparison.report import Comparison
from planning.comparison.sensitivity import WeightRange
from planning.network.places import Place

METHOD = (
    "By each criterion the best of those compared gets 1 and the worst 0 (protection is taken as the share it is); a "
    "score is the mean of that by weight. What is unknown counts neither as best nor as worst: its weight is spread "
    "over what is known. The range shows the score with all that is unknown at its worst and at its best; coverage is "
    "the share of the weight that is known."
)


def asked(comparison: Comparison) -> str:
    """What was asked, in one line."""
    request = comparison.request
    gpus = request.gpu or "any GPU"
    if request.gpu_memory_gib is not None:
        gpus += f" with {request.gpu_memory_gib:g} GiB or more"
    parts = [gpus, *request.clouds, *request.regions, *request.continents, *request.countries]
    if request.data is not None:
        parts.append(f"{request.data_gb:,g} GB from {request.data}")
    if request.users is not None:
        parts.append(f"users at {request.users}")
    return ", ".join(parts)


def answer(comparison: Comparison) -> str:
    """Who comes first, and how sure that is."""
    first = comparison.first
    if not first:
        return f"Nobody is ranked: of none is {100 * comparison.min_coverage:.0f} % of the weight known."
    names = " and ".join(str(row.key) for row in first)
    if len(comparison.ranking.ranked) == 1:
        return f"{names} is the only one that is ranked."
    if not comparison.ranking.counting:
        return f"No criterion tells {names} apart."
    verb = "comes" if len(first) == 1 else "come"
    found = comparison.stability
    return (
        f"{names} {verb} first with {first[0].score:.2f} of 1. With weights drawn at random between 1/{found.spread:g} "
        f"and {found.spread:g} times those given, {first[0].key} is first in {100 * found.share:.0f} % of "
        f"{found.draws:,} draws (seed {found.seed})."
    )


def unknown(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """What is unknown of those compared: the criterion with the places, and why."""
    for name in comparison.criteria:
        whys: dict[str, list[str]] = {}
        for row in comparison.ranking.rows:
            measurement = comparison.measured[row.key][name]
            if measurement.value is None:
                whys.setdefault(measurement.detail, []).append(str(row.key))
        for why, places in whys.items():
            yield f"{name} of {', '.join(places)}", why


def silent(comparison: Comparison) -> str:
    """The criteria that have a weight and no influence; empty where all have some."""
    names = comparison.ranking.silent
    return f"Without influence, since they tell nobody apart: {', '.join(names)}." if names else ""


def weight_range(each: WeightRange[Place]) -> str:
    """How far a weight can move, in one line."""
    title = f"{each.criterion} = {each.weight:g}"
    below = f"below {_number(each.least)} {each.below} comes first" if each.below else ""
    above = f"above {_number(each.most)} {each.above} comes first" if each.above else ""
    return f"{title}: {'; '.join(filter(None, [below, above])) or 'any weight leaves the first where it is'}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def unweighted(comparison: Comparison) -> str:
    """The criteria that are shown but have no weight; empty where all have one."""
    names = [name for name in comparison.criteria if not comparison.ranking.weights[name]]
    return f"Shown, but with weight 0: {', '.join(names)}." if names else ""


def not_asked(comparison: Comparison) -> str:
    """The criteria that the request gave no meaning to, and what would; empty where there are none."""
    parts = [
        f"without {option}: {', '.join(names)}"
        for option, names in (("--data", ("transfer_cost", "transfer_time")), ("--users or --data", ("distance",)))
        if not set(names) & set(comparison.criteria)
    ]
    return f"Not compared {'; '.join(parts)}." if parts else ""


def unranked(comparison: Comparison) -> str:
    """Why some have no rank; empty where all have one."""
    without = [str(row.key) for row in comparison.ranking.rows if row.rank is None]
    if not without or not comparison.ranking.ranked:
        return ""
    return (
        f"Not ranked, with less than {100 * comparison.min_coverage:.0f} % of the weight known: {', '.join(without)}."
    )


def notes(comparison: Comparison) -> Iterator[str]:
    """All that has to be said below the ranking."""
    for sentence in (unranked, silent, unweighted, not_asked):
        if text := sentence(comparison):
            yield text
