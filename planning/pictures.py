"""What all pictures share: where they may be written, how they become bytes, and colours that everybody tells apart."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planning.errors import PlanningError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg")

SKY_BLUE, ORANGE, GREEN, PURPLE, YELLOW, BLUE, VERMILION, GREY = PALETTE = (
    "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00", "#999999",
)  # fmt: skip
"""Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design"), and a grey."""


def check_picture_path(path: Path, endings: Sequence[str] = ENDINGS, *, option: str = "--picture") -> None:
    """Refuses what cannot be written, before anything is computed; upper and lower case are the same.

    :param endings: Those that the name may have, in lower case with their dot.
    :param option: Where the path comes from, for messages.
    :raises PlanningError: The name has another ending or is a folder's, or its folder is not there or not writable.
    """
    folder = path.parent
    if path.suffix.lower() not in endings:
        *others, last = endings
        known = f"{', '.join(others)} or {last}" if others else last
        raise PlanningError(f"{option} = {str(path)!r}: must end in {known}")
    if not folder.is_dir():
        raise PlanningError(f"{option} = {str(path)!r}: must be in a folder that exists")
    if path.is_dir():
        raise PlanningError(f"{option} = {str(path)!r}: is a folder; must be a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PlanningError(f"{option} = {str(path)!r}: must be in a folder that can be written to")


def picture_bytes(figure: "Figure", suffix: str, *, dpi: float = 120, is_cropped: bool = False) -> bytes:
    """A figure as PNG or SVG; the same figure is the same bytes, with the same version of matplotlib.

    :param suffix: `.png` or `.svg`, in any case.
    :param dpi: Pixels an inch, of a PNG.
    :param is_cropped: Whether the picture ends where its content does, rather than at the figure's size.
    """
    import matplotlib as mpl

    kind = suffix.lower().removeprefix(".")
    how: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.15} if is_cropped else {}
    drawn = io.BytesIO()
    # Neither the day, nor the version, nor names of parts that are random.
    with mpl.rc_context({"svg.hashsalt": "trainyard"}):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(drawn, format=kind, dpi=dpi, metadata=metadata, **how)
    return drawn.getvalue()
