"""Reads the numbers of other people's price lists: a price that cannot be one is left out, never taken as zero."""

import math


def plain_price(value: object) -> float | None:
    """A finite price above zero, from a number or its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        price = float(value)
    except ValueError:
        return None
    return price if math.isfinite(price) and price > 0 else None
