"""The table of variants, and the choice among them."""

import json
from dataclasses import replace
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard_training.finishing.table import Measured, NotMade, choose, table_document, table_markdown

ROWS = (
    Measured("float32", 78_636, 72_090, 0.98, 1.0, 0.0204, 0.2291, 0.0),
    Measured("int8_static", 29_184, 21_197, 0.97, 0.9864, 0.0172, 0.1654, 0.0),
    Measured("pruned_unstructured", 78_636, 43_418, 0.9598, 0.9669, 0.0211, 0.2451, 0.5),
)
NOT_MADE = (NotMade("int8_dynamic", "no such\n operations"),)

MARKDOWN = """\
# Variants of the model

| Variant | KiB | KiB, gzip | Test accuracy | Same answers | One example, ms | 32 examples, ms | Zero weights |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| float32 | 76.8 | 70.4 | 0.9800 | 1.0000 | 0.020 | 0.229 | 0% |
| **int8_static** | 28.5 | 20.7 | 0.9700 | 0.9864 | 0.017 | 0.165 | 0% |
| pruned_unstructured | 76.8 | 42.4 | 0.9598 | 0.9669 | 0.021 | 0.245 | 50% |

Exported: int8_static. Times are medians on one CPU thread. Zeros make a file smaller only where it is compressed.

Not made:

- int8_dynamic: no such operations
"""


def test_the_table_for_reading() -> None:
    assert table_markdown(ROWS, NOT_MADE, "int8_static") == MARKDOWN
    assert "Not made" not in table_markdown(ROWS, (), "float32")


def test_the_table_for_programs() -> None:
    document = json.loads(json.dumps(table_document(ROWS, NOT_MADE, "int8_static")))
    assert (document["chosen"], document["latency_batch"]) == ("int8_static", 32)
    assert tuple(Measured(**row) for row in document["rows"]) == ROWS
    assert tuple(NotMade(**row) for row in document["not_made"]) == NOT_MADE


def test_a_loss_of_exactly_what_is_allowed_is_allowed() -> None:
    assert choose(ROWS, "fastest", accuracy_loss=0.01).name == "int8_static"
    assert choose(ROWS, "smallest", accuracy_loss=0.01).name == "int8_static"
    assert choose(ROWS, "smallest", accuracy_loss=0.009).name == "float32"
    assert choose(ROWS, "smallest", accuracy_loss=0.01, least_accuracy=0.975).name == "float32"


def test_what_two_measurements_differ_by_does_not_make_a_variant_faster() -> None:
    trained, other, _ = ROWS
    barely = replace(other, latency_ms=0.91 * trained.latency_ms)
    enough = replace(other, latency_ms=0.89 * trained.latency_ms)
    assert choose((trained, barely), "fastest", accuracy_loss=0.01) is trained
    assert choose((trained, enough), "fastest", accuracy_loss=0.01) is enough


SHARES = st.integers(0, 20).map(lambda twentieths: twentieths / 20)


@st.composite
def tables(draw: st.DrawFn) -> list[Measured]:
    def row(name: str) -> Measured:
        size, latency = draw(st.integers(1, 5)), draw(st.integers(1, 5))
        return Measured(name, size, size, draw(SHARES), 1.0, float(latency), float(latency), 0.0)

    names = ["float32", *(f"other {number}" for number in range(draw(st.integers(0, 4))))]
    return draw(st.permutations([row(name) for name in names]))


@settings(max_examples=100, deadline=None)
@given(tables(), st.sampled_from(("float32", "smallest", "fastest")), SHARES, SHARES)
def test_the_chosen_one_is_good_enough_and_none_that_is_beats_it(
    rows: list[Measured], by: Literal["float32", "smallest", "fastest"], loss: float, least: float
) -> None:
    chosen = choose(rows, by, accuracy_loss=loss, least_accuracy=least)
    trained = next(row for row in rows if row.name == "float32")
    if by == "float32":
        assert chosen is trained
        return

    def is_good(row: Measured) -> bool:
        return row.test_accuracy > trained.test_accuracy - loss - 0.001 and row.test_accuracy > least - 0.001

    def cost(row: Measured) -> float:
        return row.bytes if by == "smallest" else row.latency_ms

    assert chosen is trained or is_good(chosen)
    assert cost(chosen) <= cost(trained)
    assert all(cost(chosen) <= cost(row) for row in rows if is_good(row))
    if cost(chosen) == cost(trained):
        assert chosen is trained
