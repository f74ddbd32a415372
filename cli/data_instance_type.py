"""Finds the instance type that an option names in the price book."""

from typing import TYPE_CHECKING

from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.prices.book import PriceBook
    from planning.prices.model import InstanceType


def type_named(book: "PriceBook", name: str, cloud: str, option: str) -> "InstanceType":
    """The type of that name, of one cloud where one is named. Raises PlanningError where there is none or several."""
    from planning.prices.model import CLOUDS
    from planning.quantities import one_of

    if cloud:
        one_of("--cloud", cloud, CLOUDS)
    found = [each for each in book.types if each.name == name and cloud in ("", each.cloud)]
    if len(found) == 1:
        return found[0]
    if found:
        raise PlanningError(
            f"{option} = {name!r}: choose by --cloud: {', '.join(each.cloud for each in found)} have it"
        )
    import difflib

    known = [each.name for each in book.types if cloud in ("", each.cloud)]
    close = [each for each in known if each.startswith(name)][:3] or difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise PlanningError(f"{option} = {name!r}: must be an instance type of the price book{hint}")
