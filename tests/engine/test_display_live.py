"""The tree in a terminal, drawn into a recording console by a clock that stands still until it is told."""

import io

from rich.console import Console

from engine.display import DisplayOptions
from engine.display_live import LiveDisplay
from engine.events import Diagnostic, Event, Operation, Severity, StepFinished
from tests.engine import display_scenarios as scenarios


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def started(width: int = 80, height: int = 24) -> tuple[LiveDisplay, Console, Clock]:
    clock = Clock()
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None, legacy_windows=False
    )
    options = DisplayOptions(action="update", stack="dev", is_terminal=True, width=width, height=height)
    return LiveDisplay(options, console=console, clock=clock, redraw_by_itself=False), console, clock


def drawn(display: LiveDisplay, console: Console) -> str:
    """What one redrawing writes."""
    assert isinstance(console.file, io.StringIO)
    console.file.seek(0)
    console.file.truncate()
    display.redraw()
    return console.file.getvalue()


def test_a_running_step_shows_its_time_and_its_last_message() -> None:
    display, console, clock = started()
    try:
        data = scenarios.bucket("data")
        display.show(scenarios.started(Operation.CREATE, scenarios.STACK))
        display.show(scenarios.started(Operation.CREATE, scenarios.STORE))
        display.show(scenarios.started(Operation.CREATE, data))
        display.show(Diagnostic(Severity.INFO, "[bold]copying[/bold] 5 of 9\nmore", data, ephemeral=True))
        clock.now += 7
        text = drawn(display, console)
        assert "creating (7s)" in text
        display.show(StepFinished(Operation.CREATE, data, True, 7.25))
        assert "created (7.25s)" in drawn(display, console)
    finally:
        display.close()


def test_messages_are_not_markup() -> None:
    display, console, _ = started(width=160)
    data = scenarios.bucket("data")
    display.show(scenarios.started(Operation.CREATE, data))
    display.show(Diagnostic(Severity.INFO, "[bold]copying[/bold] :boom: \x1b[2J", data))
    assert "[bold]copying[/bold] :boom:" in drawn(display, console)
    display.close()


def test_a_small_terminal_keeps_what_runs_and_counts_the_rest() -> None:
    display, console, _ = started(height=10)
    for event in many(Operation.CREATE, 30):
        display.show(event)
    display.show(scenarios.started(Operation.CREATE, scenarios.bucket("running-one")))
    text = drawn(display, console)
    display.close()
    assert "running-one" in text
    assert "… and 27 more resources" in text
    assert text.count("\n") <= 10


def test_the_whole_tree_and_the_summary_remain() -> None:
    display, console, _ = started(width=120, height=10)
    for event in scenarios.mixed():
        display.show(event)
    display.close()
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    final = text[text.rindex("Type") :]
    for expected in (
        "├─ shop:index:Store",
        "replaced (14s)",
        "[diff: ~name,target]",
        "1 warning",
        "Outputs:",
        "Duration: 1m16s",
    ):
        assert expected in final
    assert text.rstrip().endswith("Duration: 1m16s")


def test_thousands_of_unchanged_resources_need_no_row() -> None:
    display, console, _ = started()
    for event in many(Operation.SAME, 5000):
        display.show(event)
    text = drawn(display, console)
    display.close()
    assert "item-4999" not in text
    assert "pulumi:pulumi:Stack" in text


def many(operation: Operation, count: int) -> list[Event]:
    events = scenarios.step(operation, scenarios.STACK)
    for index in range(count):
        events += scenarios.step(operation, scenarios.bucket(f"item-{index}"))
    return events


def test_what_is_said_before_there_is_a_tree_is_shown_at_once() -> None:
    display, console, _ = started()
    display.show(Diagnostic(Severity.INFO, "waiting for another run …"))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    display.close()
    assert "waiting for another run …" in text
