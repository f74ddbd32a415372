"""Brings a project's prices up to date: asks the clouds, and lays what they answer over the shipped book.

Each cloud is a table of its own, written as a whole once the cloud has answered: one that cannot be asked keeps what it
had, and so does everything where the refresh is stopped.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from planning.errors import PlanningError
from planning.prices.book import PriceBook, instance_key
from planning.prices.changes import Changes, changes
from planning.prices.live import LivePricesError, Question, Source
from planning.prices.model import Cloud, InstancePrice
from planning.prices.refreshed import project_book, refreshed_folder
from planning.prices.tables import read_table
from planning.prices.writing import table_text, write_whole


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it went with one cloud."""

    cloud: Cloud
    regions: tuple[str, ...]
    failure: str = ""
    """Why the cloud's prices are what they were; empty if they are new."""
    changes: Changes | None = None
    """None after a failure."""
    unknown_types: tuple[str, ...] = ()
    """Types with a price that the book has no facts of; left out."""
    unpriced_types: tuple[str, ...] = ()
    """Types of the book that the cloud has named no price for in these regions; they keep what they had."""


def regions_to_ask(book: PriceBook, cloud: Cloud, chosen: Sequence[str]) -> tuple[str, ...]:
    """The regions chosen, or all that the book has prices for. Those of another cloud are not asked for.

    Raises PlanningError for a region that no cloud of the book has.
    """
    known = {region.name for region in book.regions}
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise PlanningError.of(f"region = {name!r}: is no region of the price book" for name in unknown)
    if chosen:
        return tuple(name for name in dict.fromkeys(chosen) if book.region_of(cloud, name) is not None)
    return tuple(sorted({price.region for price in book.instances if price.cloud == cloud}))


def refresh(
    project: Path,
    sources: Mapping[Cloud, Source],
    regions: Sequence[str],
    day: datetime.date,
    report: Callable[[Cloud, str], None] = lambda _cloud, _text: None,
) -> list[Outcome]:
    """Asks every cloud and writes what it answers; returns how it went, in the order of the sources.

    Raises PlanningError for an unknown region, for a refresh that is under way, and PriceBookError for a broken book.
    """
    book = project_book(project)
    asked = {cloud: regions_to_ask(book, cloud, regions) for cloud in sources}
    folder = refreshed_folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            return [
                _refresh_one(folder, book, cloud, source, asked[cloud], day, report)
                for cloud, source in sources.items()
                if asked[cloud]
            ]
    except Timeout:
        raise PlanningError(f"another 'yard prices refresh' is under way in {project}") from None


def _refresh_one(
    folder: Path,
    book: PriceBook,
    cloud: Cloud,
    source: Source,
    regions: tuple[str, ...],
    day: datetime.date,
    report: Callable[[Cloud, str], None],
) -> Outcome:
    question = Question(book=book, regions=regions, day=day, report=lambda text: report(cloud, text))
    try:
        found = source(question)
        if not found.prices:
            raise LivePricesError(f"{cloud} has named no price for a type of the book in {', '.join(regions)}")
        usable = [price for price in found.prices if book.type_of(cloud, price.instance_type) is not None]
        _write(folder, cloud, usable)
    except (LivePricesError, OSError) as error:
        return Outcome(cloud=cloud, regions=regions, failure=str(error))
    return Outcome(
        cloud=cloud,
        regions=regions,
        changes=changes(book, usable),
        unknown_types=tuple(sorted(found.unknown_types)),
        unpriced_types=tuple(sorted(_types_of(book, cloud) - {price.instance_type for price in usable})),
    )


def _types_of(book: PriceBook, cloud: Cloud) -> set[str]:
    return {each.name for each in book.types if each.cloud == cloud}


def _write(folder: Path, cloud: Cloud, prices: Sequence[InstancePrice]) -> None:
    """New prices take the place of those for the same thing; what an earlier refresh knew of other regions stays."""
    path = folder / f"instances_{cloud}.csv"
    # The book has been read before, with this table in it: there are no problems that are not told yet.
    earlier = read_table(path, InstancePrice, lambda _row: None, []) if path.exists() else []
    rows = {instance_key(price): price for price in (*earlier, *prices)}
    write_whole(path, table_text([rows[key] for key in sorted(rows)]))
