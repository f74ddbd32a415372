"""Pictures: where they may be written, told before anything is drawn, and that the same figure is the same bytes."""

import os
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from planning.errors import PlanningError
from planning.pictures import PALETTE, check_picture_path, picture_bytes


def figure() -> Figure:
    made = Figure(figsize=(3, 2))
    axes = made.add_subplot()
    axes.plot([1, 2, 3], [3, 1, 2], color=PALETTE[0])
    axes.fill_between([1, 2, 3], [3, 1, 2], hatch="/")
    axes.set_title("what a clip path and a hatch have names for")
    return made


@pytest.mark.parametrize("suffix", [".png", ".svg", ".PNG", ".Svg"])
@pytest.mark.parametrize("is_cropped", [False, True])
def test_the_same_figure_is_the_same_bytes(suffix: str, is_cropped: bool) -> None:
    one, two = (picture_bytes(figure(), suffix, is_cropped=is_cropped) for _ in range(2))
    assert one == two
    assert one.startswith(b"\x89PNG" if suffix.lower() == ".png" else b"<?xml")
    assert b"dc:date" not in one
    assert b"Software" not in one


def test_more_dots_an_inch_are_more_dots() -> None:
    small, large = (picture_bytes(figure(), ".png", dpi=dpi) for dpi in (50, 100))
    widths = [int.from_bytes(each[16:20], "big") for each in (small, large)]
    assert widths == [150, 300]


def test_colours_differ() -> None:
    assert len(set(PALETTE)) == len(PALETTE)
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in PALETTE)


@pytest.mark.parametrize("name", ["a.png", "a.SVG", "b.c.Png"])
def test_a_path_with_a_known_ending_is_taken(tmp_path: Path, name: str) -> None:
    check_picture_path(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_path_in_the_current_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_picture_path(Path("a.png"))


@pytest.mark.parametrize(
    ("name", "endings", "said"),
    [
        ("a.gif", (".png", ".svg"), "must end in .png or .svg"),
        ("a", (".png", ".svg", ".html"), "must end in .png, .svg or .html"),
        ("a.svg", (".png",), "must end in .png"),
        ("none/a.png", (".png", ".svg"), "must be in a folder that exists"),
        ("file/a.png", (".png", ".svg"), "must be in a folder that exists"),
        ("folder.png", (".png", ".svg"), "is a folder; must be a file"),
    ],
)
def test_another_path_is_refused(tmp_path: Path, name: str, endings: tuple[str, ...], said: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PlanningError) as error:
        check_picture_path(tmp_path / name, endings, option="--png")
    assert str(error.value) == f"--png = {str(tmp_path / name)!r}: {said}"


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, whatever a folder's permissions are.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(PlanningError, match="must be in a folder that can be written to"):
        check_picture_path(tmp_path / "a.png")
