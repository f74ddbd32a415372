"""The table of a model's variants: what each costs and how good it is, and which of them is exported."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

LATENCY_BATCH = 32
"""Examples in the batch whose latency is measured."""

TRAINED = "float32"
"""The variant that is the model as trained, to which the others are compared."""

_ROUNDING = 1e-9
_LEAST_GAIN = 0.1


@dataclass(frozen=True)
class Measured:
    """One variant, measured on the test split and on one CPU thread."""

    name: str
    bytes: int
    """Size of the ONNX file."""
    compressed_bytes: int
    """Size of the file after gzip, which is what zeros are good for."""
    test_accuracy: float
    same_answers: float
    """Share of the test split that is given the same label as by the model as trained."""
    latency_ms: float
    """Median time for one example."""
    batch_latency_ms: float
    """Median time for ``LATENCY_BATCH`` examples together."""
    zero_weights: float
    """Share of the weights that are exactly 0."""


@dataclass(frozen=True)
class NotMade:
    """A variant that was asked for, and why it is not there."""

    name: str
    reason: str


def choose(
    rows: Sequence[Measured],
    by: Literal["float32", "smallest", "fastest"],
    *,
    accuracy_loss: float,
    least_accuracy: float = 0.0,
) -> Measured:
    """The variant to export.

    :param rows: The model as trained among them.
    :param by: ``smallest``: the fewest bytes; ``fastest``: the lowest latency of one example, where that is at least a
        tenth below that of the model as trained, since less is within what two measurements differ by.
    :param accuracy_loss: How much less test accuracy than the model as trained it may have.
    :param least_accuracy: Test accuracy that it has to have. The model as trained is there whatever it has.
    """
    trained = next(row for row in rows if row.name == TRAINED)
    if by == TRAINED:
        return trained
    # Accuracies are shares: without an allowance for rounding 0.97 - 0.01 would be more than 0.96.
    least = max(trained.test_accuracy - accuracy_loss, least_accuracy) - _ROUNDING
    good = [trained, *(row for row in rows if row is not trained and row.test_accuracy >= least)]
    if by == "smallest":
        return min(good, key=lambda row: row.bytes)
    fastest = min(good, key=lambda row: row.latency_ms)
    return fastest if fastest.latency_ms <= (1 - _LEAST_GAIN) * trained.latency_ms else trained


def table_document(rows: Sequence[Measured], not_made: Sequence[NotMade], chosen: str) -> dict[str, Any]:
    """The table for JSON."""
    return {
        "chosen": chosen,
        "latency_batch": LATENCY_BATCH,
        "rows": [asdict(row) for row in rows],
        "not_made": [asdict(each) for each in not_made],
    }


def table_markdown(rows: Sequence[Measured], not_made: Sequence[NotMade], chosen: str) -> str:
    """The table for reading; the chosen variant is in bold."""
    lines = [
        "# Variants of the model",
        "",
        f"| Variant | KiB | KiB, gzip | Test accuracy | Same answers | One example, ms | {LATENCY_BATCH} examples, ms |"
        " Zero weights |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        name = f"**{row.name}**" if row.name == chosen else row.name
        cells = [
            name,
            f"{row.bytes / 1024:.1f}",
            f"{row.compressed_bytes / 1024:.1f}",
            f"{row.test_accuracy:.4f}",
            f"{row.same_answers:.4f}",
            f"{row.latency_ms:.3f}",
            f"{row.batch_latency_ms:.3f}",
            f"{row.zero_weights:.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Exported: {chosen}. Times are medians on one CPU thread. Zeros make a file smaller only where it is"
        " compressed.",
    ]
    if not_made:
        lines += ["", "Not made:", "", *(f"- {each.name}: {' '.join(each.reason.split())}" for each in not_made)]
    return "\n".join(lines) + "\n"
