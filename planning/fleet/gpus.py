"""The table of GPUs: what each model can do at most, from NVIDIA's data sheets."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("data") / "gpus.csv"
_MEMORY_TOLERANCE = 0.15
"""A GPU is sold by its memory in GB; what an instance reports is in GiB and without what error correction takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One model, in one size of memory."""

    name: str
    other_names: tuple[str, ...]
    """What the clouds call it too."""
    memory_gb: float
    dense_fp16_tflops: float
    """Peak of FP16 or BF16 without sparsity, in 10^12 operations a second."""
    memory_gb_per_s: float
    """Peak memory bandwidth in 10^9 bytes a second."""
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is called."""
        return (self.name, *self.other_names)


def gpu_of(name: str, memory_gib: float | None = None) -> Gpu | None:
    """The row of a model; of several sizes the one of this memory, else the largest. None where the table has none."""
    rows = [each for each in gpus() if name in each.names]
    if memory_gib is not None:
        rows = [each for each in rows if abs(each.memory_gb - memory_gib) <= _MEMORY_TOLERANCE * each.memory_gb]
    return max(rows, key=lambda each: each.memory_gb, default=None)


@cache
def gpus() -> tuple[Gpu, ...]:
    """The whole table."""
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(
            Gpu(
                name=row["gpu"],
                other_names=tuple(filter(None, row["other_names"].split("|"))),
                memory_gb=float(row["memory_gb"]),
                dense_fp16_tflops=float(row["dense_fp16_tflops"]),
                memory_gb_per_s=float(row["memory_gb_per_s"]),
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )
