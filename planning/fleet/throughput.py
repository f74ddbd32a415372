"""How fast a GPU does the work: measured where somebody has measured it, else modelled after the data sheets.

The model is a roofline that is walked in two parts (S. Williams et al., "Roofline: an insightful visual performance
model for multicore architectures", Communications of the ACM 52 (2009)). On the reference GPU arithmetic takes the
share φ of the time and memory the rest. Another GPU, at the same utilisation, takes

    φ · F_ref / F + (1 - φ) · B_ref / B

of that time, with peak arithmetic F and memory bandwidth B. Real utilisation differs from GPU to GPU: measure before
much money depends on it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from planning.errors import PlanningError
from planning.fleet.gpus import Gpu, gpu_of, gpus
from planning.fleet.work import Work
from planning.quantities import SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What one GPU does."""

    share_per_hour: float
    """Share of the whole work that it does in an hour."""
    is_measured: bool
    source: str


@dataclass(frozen=True)
class ThroughputModel:
    """What GPUs do of one piece of work. Raises PlanningError where the reference GPU is in no table."""

    work: Work

    def __post_init__(self) -> None:
        if self.work.gpu_hours is not None and self._rate(self.work.reference_gpu, None) is None:
            known = ", ".join(dict.fromkeys(each.name for each in gpus()))
            raise PlanningError(
                f"reference_gpu = {self.work.reference_gpu!r}: must be measured, or one of {known}, beside which "
                "others are modelled"
            )

    def of(self, gpu: str, memory_gib: float) -> Throughput | None:
        """What one GPU of this model does; None where it was neither measured nor is in the table."""
        rate = self._rate(gpu, memory_gib)
        if rate is None:
            return None
        row = gpu_of(gpu, memory_gib)
        measured = self._measured_rate(gpu, row) is not None
        return Throughput(
            share_per_hour=rate / self._amount,
            is_measured=measured,
            source="measured, as given" if measured else f"modelled: {row.source if row else ''}",
        )

    @cached_property
    def _amount(self) -> float:
        """The work, in what a GPU of rate 1 does in an hour."""
        if self.work.samples is not None:
            return self.work.samples / SECONDS_PER_HOUR
        assert self.work.gpu_hours is not None
        reference = self._rate(self.work.reference_gpu, None)
        assert reference is not None
        return self.work.gpu_hours * reference

    @cached_property
    def _reference(self) -> Gpu:
        """What the share of arithmetic is meant for."""
        named = gpu_of(self.work.reference_gpu)
        measured = next((row for name in self.work.measured if (row := gpu_of(name))), None)
        return named or measured or gpus()[0]

    @cached_property
    def _scale(self) -> float | None:
        """Measured over modelled, as the geometric mean of the models that are both; None where there is no such."""
        if not self.work.measured:
            return 1.0
        ratios = [
            math.log(rate / self._relative(row)) for name, rate in self.work.measured.items() if (row := gpu_of(name))
        ]
        return math.exp(sum(ratios) / len(ratios)) if ratios else None

    def _rate(self, gpu: str, memory_gib: float | None) -> float | None:
        row = gpu_of(gpu, memory_gib)
        measured = self._measured_rate(gpu, row)
        if measured is not None:
            return measured
        return self._scale * self._relative(row) if row and self._scale is not None else None

    def _measured_rate(self, gpu: str, row: Gpu | None) -> float | None:
        """By the cloud's name for it, or by any other name of the same row."""
        names = (gpu, *(row.names if row else ()))
        return next((self.work.measured[name] for name in names if name in self.work.measured), None)

    def _relative(self, row: Gpu) -> float:
        """Speed beside the reference GPU's."""
        share, reference = self.work.compute_share, self._reference
        return 1 / (
            share * reference.dense_fp16_tflops / row.dense_fp16_tflops
            + (1 - share) * reference.memory_gb_per_s / row.memory_gb_per_s
        )
