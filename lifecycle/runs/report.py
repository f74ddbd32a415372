"""What is told of one run afterwards, section by section: for a terminal, and as Markdown for a pull request. Pure."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lifecycle.runs.following_state import duration_text
from lifecycle.runs.record import RunRecord, moment_of

ACCURACY = "test_accuracy"
GOODPUT_MEANS = "steps that count, of the time paid for"
_MOST_CELL = 160
_GROUPS_OF_OTHERS = {
    "local": ("aws", "gcp", "kubernetes", "usage"),
    "aws": ("gcp", "local", "usage"),
    "gcp": ("aws", "local", "usage"),
}
"""Groups of settings that say nothing about a run, by its cloud."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and a table below it."""

    title: str
    columns: tuple[str, ...]
    """Empty: every row is a name and a value."""
    rows: tuple[tuple[str, ...], ...]


def sections_of(record: RunRecord) -> list[Section]:
    """Everything that is known of a run; a section without anything in it is left out."""
    found = [
        _pairs("Run", _run(record)),
        _pairs("Times", _times(record)),
        _pairs("Cost", _cost(record)),
        _interruptions(record),
        _pairs("Metrics", [(name, number(value)) for name, value in sorted(record.metrics.items())]),
        _artifacts(record),
        Section(
            "Left in the cloud",
            ("kind", "id", "removed by"),
            tuple((each.kind, each.id, "; ".join(each.removal)) for each in record.leftovers),
        ),
        _pairs("Versions", sorted(record.versions.items())),
        _settings(record),
    ]
    return [section for section in found if section.rows]


def as_text(record: RunRecord) -> str:
    """The report as aligned text."""
    lines = [headline(record)]
    for section in sections_of(record):
        lines += ["", section.title]
        rows = [section.columns, *section.rows] if section.columns else list(section.rows)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join(lines) + "\n"


def as_markdown(record: RunRecord) -> str:
    """The report as Markdown."""
    lines = [f"## {_escaped(headline(record))}"]
    for section in sections_of(record):
        columns = section.columns or ("", "")
        lines += ["", f"### {section.title}", "", _row(columns), _row(["---"] * len(columns))]
        lines += [_row([_escaped(cell) for cell in row]) for row in section.rows]
    return "\n".join(lines) + "\n"


def headline(record: RunRecord) -> str:
    """One line about a run: how it ended, how good it is, and what it has cost."""
    accuracy = record.metrics.get(ACCURACY)
    good = f", test accuracy {accuracy:.4f}" if accuracy is not None else ""
    return f"Run {record.id} of stack {record.stack}: {outcome(record)}{good}, ${record.cost.usd:,.2f}"


def outcome(record: RunRecord) -> str:
    """How it ended, or what it does next."""
    if record.is_over:
        return record.outcome or "unknown"
    ending = f"{record.outcome}, " if record.outcome else ""
    return f"{ending}next: {record.phase}"


def goodput(record: RunRecord) -> str:
    """The goodput in percent; a dash where it is not known."""
    return "-" if record.goodput is None else f"{record.goodput:.1%}"


def number(value: float) -> str:
    """A number as a person reads it, with four digits that count."""
    return f"{value:,.0f}" if abs(value) >= 10_000 or value == int(value) else f"{value:.4g}"


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their whole path, such as `trainyard:training.epochs`; lists stay whole."""
    found: dict[str, Any] = {}

    def add(path: str, value: Any) -> None:
        if isinstance(value, Mapping) and value:
            for name, each in sorted(value.items()):
                add(f"{path}.{name}", each)
        else:
            found[path] = value

    for key, value in sorted(settings.items()):
        add(key, value)
    return found


def seconds_text(seconds: float) -> str:
    """So many seconds, to the second below an hour."""
    if seconds >= 3600:
        return duration_text(seconds)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _run(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "outcome", outcome(record)
    if reason := record.reason.strip():
        yield "reason", reason.splitlines()[0]
    yield "stack", f"{record.stack} ({record.cloud})"
    if record.job:
        yield "model", f"{record.job}, run {record.run}"
    if record.manifest_uri:
        yield "manifest", record.manifest_uri
    if record.manifest_sha256:
        yield "sha256 of the manifest", record.manifest_sha256
    if record.plan_sha256:
        yield "sha256 of the plan", record.plan_sha256
    if record.resumed:
        yield "taken up again", _times_text(record.resumed)
    if record.detached:
        yield "detached", "yes"


def _times(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "created", record.created
    if record.deployed_at:
        yield "first deployment", record.deployed_at
    for began, next_began in pairwise((*record.phases, None)):
        if began is not None and began.phase != "done":
            ends = next_began.began if next_began is not None else record.updated
            seconds = (moment_of(ends) - moment_of(began.began)).total_seconds()
            yield f"phase {began.phase}", f"{began.began}, {seconds_text(max(seconds, 0.0))}"
    if record.ended:
        yield "ended", record.ended
        seconds = (moment_of(record.ended) - moment_of(record.created)).total_seconds()
        yield "took", seconds_text(max(seconds, 0.0))
    else:
        yield "last seen", record.updated
        yield "expires", record.expires_at
    yield "limit", f"{record.max_hours:g} h"


def _cost(record: RunRecord) -> Iterator[tuple[str, str]]:
    cost = record.cost
    hourly = f"at ${cost.usd_per_hour:,.4f} an hour" if record.cloud != "local" else "on this machine"
    yield "cost", f"${cost.usd:,.2f} for {seconds_text(cost.seconds)} {hourly}"
    if cost.on_demand_usd > 0:
        saved = cost.on_demand_usd - cost.usd
        share = saved / cost.on_demand_usd
        yield "the same hours on demand", f"${cost.on_demand_usd:,.2f}"
        yield "saved by spot capacity", f"${saved:,.2f} ({share:.0%})"
    if record.max_cost_usd > 0:
        yield "limit", f"${record.max_cost_usd:,.2f}"
    if record.goodput is not None:
        yield "goodput", f"{goodput(record)} ({GOODPUT_MEANS})"
        # What an hour of steps that count has cost is what spot capacity has to be judged by.
        if cost.usd > 0 and record.goodput > 0:
            yield "cost of an hour of such steps", f"${cost.usd_per_hour / record.goodput:,.4f}"
    if record.interruptions:
        steps = sum(each.lost_steps for each in record.interruptions)
        seconds = sum(each.lost_seconds for each in record.interruptions)
        yield "interruptions", str(len(record.interruptions))
        yield "lost work", f"{steps:,} steps, {seconds_text(seconds)}"
    elif record.goodput is not None:
        yield "interruptions", "0"


def _interruptions(record: RunRecord) -> Section:
    rows = tuple(
        (each.at, each.reason, f"{each.lost_steps:,}", seconds_text(each.lost_seconds)) for each in record.interruptions
    )
    return Section("Interruptions", ("at", "reason", "lost steps", "lost time"), rows)


def _artifacts(record: RunRecord) -> Section:
    rows = tuple((each.name, f"{each.bytes:,}", each.sha256) for each in record.artifacts)
    verified = "verified" if record.artifacts_verified else "not verified"
    return Section(
        f"Artifacts, {verified}, in {record.artifacts_dir or 'no folder'}", ("name", "bytes", "sha256"), rows
    )


def _settings(record: RunRecord) -> Section:
    """What is set to something, and has to do with where the run was; the record itself has all of it."""
    everything = flat(record.settings)
    others = tuple(f"{record.project}:{group}" for group in _GROUPS_OF_OTHERS.get(record.cloud, ()))
    shown = {
        name: value
        for name, value in everything.items()
        if value not in ("", None, [], {}) and name.partition(".")[0] not in others
    }
    rows = [(name, _plain(value)) for name, value in shown.items()]
    if left_out := len(everything) - len(shown):
        rows.append((f"and {left_out} more", "not set, or of no use there; --json has them"))
    return _pairs("Settings", rows)


def _pairs(title: str, rows: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> Section:
    return Section(title, (), tuple(rows))


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CELL else f"{text[:_MOST_CELL]} …"


def _times_text(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text of others as Markdown shows it: nothing in it is a table, a link or markup."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"[\\`*_\[\]|~#]", r"\\\g<0>", plain)
