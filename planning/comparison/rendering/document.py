"""A comparison as one JSON document: every figure with its unit, what it is of, and the numbers of its sources."""

import math
from collections.abc import Mapping
from typing import Any

from planning.comparison.criteria import CRITERIA
from planning.comparison.features import FEATURES
from planning.comparison.report import Comparison


def as_document(comparison: Comparison) -> Mapping[str, Any]:
    """The document. Unknown is null; `sources` of a figure are numbers of the list at the end."""
    numbers = {source: number for number, source in enumerate(comparison.sources, 1)}
    request = comparison.request
    return {
        "asked": {
            "gpu": request.gpu or None,
            "gpu_memory_gib": request.gpu_memory_gib,
            "prices_per": request.unit,
            "clouds": list(request.clouds),
            "regions": list(request.regions),
            "continents": list(request.continents),
            "countries": list(request.countries),
            "data": str(request.data) if request.data else None,
            "data_gb": request.data_gb,
            "users": str(request.users) if request.users else None,
        },
        "newest_price": comparison.as_of.isoformat(),
        "min_coverage": comparison.min_coverage,
        "criteria": {
            name: {
                "weight": comparison.ranking.weights[name],
                "counts": name in comparison.ranking.counting,
                "less_is_better": CRITERIA[name].less_is_better,
                "meaning": CRITERIA[name].meaning,
            }
            for name in comparison.criteria
        },
        "rows": [
            {
                "cloud": row.key.cloud,
                "region": row.key.region,
                "place": comparison.candidates[row.key].region.place,
                "rank": row.rank,
                "score": row.score,
                "lowest": row.lowest,
                "highest": row.highest,
                "coverage": round(row.coverage, 6),
                "measured": {
                    name: {
                        "value": measurement.value,
                        "text": measurement.text,
                        "detail": measurement.detail,
                        "known": measurement.known,
                        "normalised": row.normalised.get(name),
                        "rough": measurement.rough,
                        "sources": [numbers[source] for source in measurement.sources],
                    }
                    for name, measurement in comparison.measured[row.key].items()
                },
            }
            for row in comparison.ranking.rows
        ],
        "sensitivity": [
            {
                "criterion": each.criterion,
                "weight": each.weight,
                "least": each.least,
                "first_below": str(each.below) if each.below else None,
                "most": None if math.isinf(each.most) else each.most,
                "first_above": str(each.above) if each.above else None,
            }
            for each in comparison.ranges
        ],
        "stability": {
            "share": comparison.stability.share,
            "draws": comparison.stability.draws,
            "spread": comparison.stability.spread,
            "seed": comparison.stability.seed,
            "first": {str(place): share for place, share in comparison.stability.first},
        },
        "features": {
            cloud: {name: (row.offered if (row := comparison.features.of(cloud, name)) else None) for name in FEATURES}
            for cloud in comparison.clouds
        },
        "left_out": [
            {"cloud": each.cloud, "regions": list(each.regions), "why": each.why} for each in comparison.left_out
        ],
        "sources": [
            {
                "number": number,
                "text": source.text,
                "as_of": source.as_of.isoformat() if source.as_of else None,
                "basis": source.basis,
            }
            for source, number in numbers.items()
        ],
    }
