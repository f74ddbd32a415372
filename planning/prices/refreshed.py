"""The price book of a project: the shipped one, with what `yard prices refresh` has written laid over it."""

from pathlib import Path

from planning.prices.book import PriceBook, load_book

_FOLDER = Path(".trainyard", "prices")


def refreshed_folder(project: Path) -> Path:
    """Where a project keeps its live prices. The folder is there after the first refresh only."""
    return project / _FOLDER


def project_book(folder: Path) -> PriceBook:
    """The book to plan a project with.

    :param folder: The project's folder, which has its Pulumi.yaml.

    Raises PriceBookError naming every broken row, of the shipped tables and of the project's.
    """
    refreshed = refreshed_folder(folder)
    return load_book(refreshed) if refreshed.is_dir() else load_book()
