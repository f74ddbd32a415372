"""What a person reads of a deployment, in a pipe and in a terminal; the expected texts lie in golden/display.

`TRAINYARD_WRITE_GOLDEN=1 pytest tests/engine/test_display.py` writes them anew, for a person to read in the difference.
"""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.display import DisplayOptions, make_display
from engine.display_options import Action
from engine.display_record import Record
from engine.display_summary import display_type
from engine.display_text import plain
from engine.display_tree import tree_lines
from engine.events import (
    Diagnostic,
    Event,
    Finished,
    Operation,
    PolicyPackFailed,
    PolicyPackLoaded,
    PolicyViolation,
    Severity,
)
from tests.engine import display_scenarios as scenarios

GOLDEN = Path(__file__).parent / "golden" / "display"
ROOT = Path(__file__).resolve().parent.parent.parent

SCENARIOS: list[tuple[Callable[[], list[Event]], Action]] = [
    (scenarios.new_stack, "preview"),
    (scenarios.new_stack, "update"),
    (scenarios.no_change, "preview"),
    (scenarios.no_change, "update"),
    (scenarios.mixed, "preview"),
    (scenarios.mixed, "update"),
    (scenarios.failing, "update"),
    (scenarios.violating, "preview"),
    (scenarios.destroyed, "destroy"),
    (scenarios.destroyed, "preview-destroy"),
]
NAMES = [f"{scenario.__name__}_{action}" for scenario, action in SCENARIOS]


def check(name: str, text: str) -> None:
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def shown(
    events: list[Event], action: Action = "update", *, diff: bool = False, colour: bool = False, **more: bool
) -> str:
    stream = io.StringIO()
    display = make_display(DisplayOptions(action=action, stack="dev", diff=diff, colour=colour, **more), stream)
    for event in events:
        display.show(event)
    display.close()
    return stream.getvalue()


@pytest.mark.parametrize(("scenario", "action"), SCENARIOS, ids=NAMES)
def test_plain_lines(scenario: Callable[[], list[Event]], action: Action) -> None:
    check(f"{scenario.__name__}_{action}_plain", shown(scenario(), action))


@pytest.mark.parametrize(("scenario", "action"), SCENARIOS, ids=NAMES)
def test_differences(scenario: Callable[[], list[Event]], action: Action) -> None:
    check(f"{scenario.__name__}_{action}_diff", shown(scenario(), action, diff=True))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(("scenario", "action"), SCENARIOS, ids=NAMES)
def test_final_tree(scenario: Callable[[], list[Event]], action: Action, width: int) -> None:
    record = Record()
    for event in scenario():
        record.add(event)
    lines = tree_lines(record, planned=action.startswith("preview"), now=0.0, width=width, done=True)
    check(f"{scenario.__name__}_{action}_tree_{width}", "".join(f"{plain(line)}\n" for line in lines))
    assert all(len(plain(line)) <= width for line in lines)


def test_unchanged_resources_are_shown_on_request() -> None:
    assert "logs" not in shown(scenarios.no_change())
    assert "logs" in shown(scenarios.no_change(), show_same=True)


def test_colours_are_escape_sequences_and_change_no_text() -> None:
    import re

    coloured = shown(scenarios.mixed(), colour=True, diff=True)
    assert "\x1b[33m" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == shown(scenarios.mixed(), diff=True).splitlines()


def test_an_interrupted_stream_of_events_still_ends_with_what_is_known() -> None:
    text = shown([event for event in scenarios.failing() if not isinstance(event, Finished)])
    assert "the disk is full" in text
    assert text.endswith("error: update failed\n\n")


def test_a_cancelled_update_says_how_to_go_on() -> None:
    text = shown([*scenarios.no_change()[:-1], Finished("cancelled", {"same": 4}, 1.0)])
    assert "update cancelled; what was done is recorded, run it again to go on" in text


@pytest.mark.parametrize("diff", [False, True])
def test_a_message_that_comes_before_the_stack_is_shown_once(diff: bool) -> None:
    text = shown([Diagnostic(Severity.ERROR, "the program has a syntax error"), Finished("failed", {}, 1.0)], diff=diff)
    assert text.count("error: the program has a syntax error") == 1


def test_a_reader_that_went_away_does_not_stop_the_deployment() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    display = make_display(DisplayOptions(stack="dev"), Closed())
    for event in scenarios.mixed():
        display.show(event)
    display.close()


def test_a_stream_without_unicode_gets_escapes() -> None:
    buffer = io.BytesIO()
    display = make_display(DisplayOptions(stack="dev"), io.TextIOWrapper(buffer, encoding="ascii"))
    display.show(Diagnostic(Severity.INFO, "Größe"))
    display.close()
    assert b"Gr\\xf6\\xdfe" in buffer.getvalue()


def test_types_are_as_short_as_pulumi_has_them() -> None:
    def urn(resource_type: str) -> str:
        return f"urn:pulumi:dev::shop::{resource_type}::name"

    types = ["aws:s3/bucket:Bucket", "kubernetes:batch/v1:Job", "aws:index:X", "odd"]
    assert [display_type(urn(one)) for one in types] == [
        "aws:s3:Bucket",
        "kubernetes:batch/v1:Job",
        "aws:index:X",
        "odd",
    ]


def test_a_secret_that_changes_is_told_without_its_value() -> None:
    urn = scenarios.bucket("data")
    state = scenarios.state(urn, {"password": "[secret]", "n": 1}, id="1")
    events = scenarios.step(Operation.UPDATE, urn, state, state, changed_secrets=["password"])
    assert "[diff: ~password]" in shown(events)
    assert "~ password: [secret] => [secret]" in shown(events, diff=True)


def test_a_resource_that_lost_its_original_only_does_not_count_as_replaced() -> None:
    first = scenarios.bucket("first")
    events = [
        *scenarios.step(Operation.DELETE_REPLACED, first, scenarios.state(first), None, logical=False),
        *scenarios.step(Operation.REPLACE, first, scenarios.state(first), scenarios.state(first)),
        Finished("cancelled", {"replace": 1}, 1.0),
    ]
    assert "replaced" not in shown(events)
    record = Record()
    for event in events:
        record.add(event)
    tree = [plain(line) for line in tree_lines(record, planned=False, now=0.0, width=120, done=True)]
    assert "deleted original (1.00s)" in tree[-1]


HOSTILE = "\x1b]0;title\x07\x1b[2J[bold red]x[/]\x9b31m\u202egnp\r\x00\x08"


@pytest.mark.parametrize("diff", [False, True])
def test_text_of_programs_cannot_control_the_terminal(diff: bool) -> None:
    urn = scenarios.bucket(f"n{HOSTILE}")
    new = scenarios.state(urn, {HOSTILE: HOSTILE, "list": [HOSTILE], "text": f"a\n{HOSTILE}"})
    old = scenarios.state(urn, {"text": "a\nb"}, id=HOSTILE)
    text = shown(
        [
            *scenarios.step(Operation.UPDATE, urn, old, new),
            Diagnostic(Severity.INFO, HOSTILE, urn),
            Finished("failed", {}, 1),
        ],
        diff=diff,
    )
    assert "[bold red]x[/]" in text
    assert not {
        character for character in text if character != "\n" and (ord(character) < 32 or 127 <= ord(character) < 160)
    }
    assert "\u202e" not in text


def test_plain_mode_imports_no_terminal_library() -> None:
    program = (
        "import io, sys; from engine.display import DisplayOptions, make_display; import engine.preview_document;"
        "from engine.events import Finished; d = make_display(DisplayOptions(stack='dev'), io.StringIO());"
        "d.show(Finished('succeeded', {}, 1.0)); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colour", "expected"),
    [
        (Terminal(), {}, "auto", (True, True)),
        (Terminal(), {"NO_COLOR": "1"}, "auto", (False, True)),
        (Terminal(), {"CI": "true"}, "auto", (True, False)),
        (Terminal(), {"CI": "false"}, "auto", (True, True)),
        (Terminal(), {"TERM": "dumb"}, "auto", (False, False)),
        (Terminal(), {}, "never", (False, True)),
        (io.StringIO(), {}, "auto", (False, False)),
        (io.StringIO(), {"FORCE_COLOR": "1"}, "auto", (True, False)),
        (io.StringIO(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", (False, False)),
        (io.StringIO(), {}, "always", (True, False)),
    ],
)
def test_the_stream_and_the_environment_decide(
    stream: io.StringIO, environment: dict[str, str], colour: str, expected: tuple[bool, bool]
) -> None:
    options = DisplayOptions.for_stream(stream, action="update", colour=colour, environment=environment)  # type: ignore[arg-type]
    assert (options.colour, options.is_terminal) == expected


def test_a_dry_run_is_told_as_a_preview() -> None:
    options = DisplayOptions.for_stream(io.StringIO(), action="destroy", dry_run=True, environment={})
    assert options.title == "Previewing destroy"


def test_what_fails_before_its_step_counts_as_failed() -> None:
    refused = [
        *scenarios.no_change()[:-1],
        Diagnostic(Severity.ERROR, "size: must not be negative", scenarios.bucket("data")),
        Finished("failed", {}, 1.0),
    ]
    assert "    4 unchanged\n    1 failed\n" in shown(refused)
    program = [*scenarios.no_change()[:-1], Diagnostic(Severity.ERROR, "it raised"), Finished("failed", {}, 1.0)]
    assert "    1 failed\n" in shown(program)
    record = Record()
    for event in refused:
        record.add(event)
    tree = [plain(line) for line in tree_lines(record, planned=False, now=0.0, width=120, done=True)]
    assert "**failed**" in tree[-1]


@pytest.mark.parametrize("action", ["preview-destroy", "destroy"])
def test_where_there_is_nothing_to_destroy_it_says_so(action: Action) -> None:
    assert "Resources:\n    nothing to destroy\n" in shown([Finished("succeeded", {}, 1.0)], action)
    assert "nothing to destroy" not in shown(scenarios.destroyed(), action)
    assert "nothing to destroy" not in shown([Finished("failed", {}, 1.0)], action)


def test_what_one_policy_says_of_many_is_told_once() -> None:
    def found(name: str, text: str, policy: str = "logged") -> PolicyViolation:
        title = "Buckets are logged."
        return PolicyViolation(
            "aws", "1.0.0", policy, f"{title}\n{text}", "mandatory", "low", scenarios.bucket(name), title
        )

    text = shown(
        [
            *scenarios.step(Operation.SAME, scenarios.STACK),
            found("b", "Bucket b has no log. Nobody sees who reads it. Add one."),
            found("a", "Bucket a has no log.\nNot one. Nobody sees who reads it. Add one."),
            found("a", "It is bare.", "covered"),
            found("b", "It is bare.", "covered"),
            found("\x1b[31mred", "Alone.", "other"),
            Finished("failed", {}, 1.0, cause="policy"),
        ]
    )
    assert text.startswith(
        "Policies:\n"
        "    aws@v1.0.0: 5 mandatory\n"
        "      - [mandatory] low covered (2 findings)\n"
        "        Buckets are logged.\n"
        "        It is bare.\n"
        "          pulumi-python:dynamic/local:Bucket: a\n"
        "          pulumi-python:dynamic/local:Bucket: b\n"
        "      - [mandatory] low logged (2 findings)\n"
        "        Buckets are logged.\n"
        "        Nobody sees who reads it. Add one.\n"
        "          pulumi-python:dynamic/local:Bucket: a: Bucket a has no log.\n"
        "            Not one.\n"
        "          pulumi-python:dynamic/local:Bucket: b: Bucket b has no log.\n"
        "      - [mandatory] low other (pulumi-python:dynamic/local:Bucket: \\x1b[31mred)\n"
        "        Buckets are logged.\n"
        "        Alone.\n",
        text.index("Policies:"),
    )


def test_a_policy_pack_has_decided_only_what_it_was_asked() -> None:
    loaded = [PolicyPackLoaded("cost", "1.0.0", 1), PolicyPackLoaded("security", "", 2)]
    stack = scenarios.step(Operation.SAME, scenarios.STACK)
    failed = Finished("failed", {}, 1.0)
    text = shown([*loaded, *stack, PolicyPackFailed("security", ""), failed])
    assert "cost@v1.0.0 (1 policy): not decided\n    security (2 policies): failed\n" in text
    text = shown([*loaded, *stack, Finished("succeeded", {}, 1.0)])
    assert "cost@v1.0.0 (1 policy): no violation\n    security (2 policies): no violation\n" in text
