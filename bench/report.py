"""The table that `yard bench` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.results import benchmark_of

_MET = {True: "yes", False: "no", None: ""}


def print_results(documents: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints the results, as `Result.document` makes them, one table for each benchmark."""
    for benchmark in dict.fromkeys(benchmark_of(document["name"]) for document in documents):
        chosen = [document for document in documents if benchmark_of(document["name"]) == benchmark]
        console.print(_table(benchmark, chosen))
        console.print(_where(chosen[0]["machine"]), markup=False, highlight=False, soft_wrap=True)
        without = [document for document in chosen if document["target"] and document["met"] is None]
        if without:
            left_out = chosen[0]["machine"].get("left_out")
            reason = f"left out: {left_out}" if left_out else "the Pulumi CLI is not on PATH"
            judged = "1 target is" if len(without) == 1 else f"{len(without)} targets are"
            console.print(
                f"{judged} judged against nothing: what to compare with was not there ({reason}).",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        console.print()


def _table(benchmark: str, documents: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=benchmark, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("measured", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    opponents = _opponents(documents)
    # Where there are several each row names its own, in the one column that may be wrapped.
    table.add_column(opponents[0] if len(opponents) == 1 else "compared with", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("met", no_wrap=True)
    if len(opponents) > 1:
        table.add_column("what it is compared with")
    for document in documents:
        compared = document["compared_with"]
        ratio = document["ratio"]
        table.add_row(
            document["name"].partition("/")[2],
            quantity(document["value"], document["unit"]),
            quantity(compared["value"], document["unit"]) if compared else "",
            "" if ratio is None else f"{ratio:.2f}",
            document["target"] or "",
            _MET[document["met"]],
            *([compared["what"] if compared else ""] if len(opponents) > 1 else []),
            style="red" if document["met"] is False else "",
        )
    return table


def quantity(value: float, unit: str) -> str:
    """A value with its unit, with as many digits as it deserves."""
    if unit == "MiB":
        return f"{value:,.0f} MiB"
    return f"{value:.2f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def _opponents(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(each["compared_with"]["what"] for each in documents if each["compared_with"]))


def _where(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB; {machine['os']}; "
        f"Python {machine['python']}; load {machine['load']:g} at the start"
    )
