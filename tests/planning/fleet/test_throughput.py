"""How fast GPUs are taken to be: measured first, modelled in proportion else."""

from typing import Any

import pytest

from planning.errors import PlanningError
from planning.fleet.gpus import gpu_of, gpus
from planning.fleet.throughput import ThroughputModel
from planning.fleet.work import Work


def model(**fields: Any) -> ThroughputModel:
    return ThroughputModel(Work(**({"deadline_hours": 5.0} | fields)))


def test_the_table_has_a_source_and_positive_figures_in_every_row() -> None:
    for row in gpus():
        assert row.source.startswith("NVIDIA")
        assert min(row.memory_gb, row.dense_fp16_tflops, row.memory_gb_per_s) > 0
    names = [(name, row.memory_gb) for row in gpus() for name in row.names]
    assert len(set(names)) == len(names)


def test_a_size_of_memory_is_found_by_what_instances_report() -> None:
    assert gpu_of("A100", 40).memory_gb == 40  # type: ignore[union-attr]
    assert gpu_of("A100", 80).memory_gb == 80  # type: ignore[union-attr]
    assert gpu_of("A10G", 22.35).memory_gb == 24  # type: ignore[union-attr]
    assert gpu_of("B300", 268.6).memory_gb == 288  # type: ignore[union-attr]
    assert gpu_of("A100", 7) is None
    assert gpu_of("Abacus") is None


def test_an_hour_of_the_reference_gpu_is_an_hour_of_the_work() -> None:
    found = model(gpu_hours=20.0, reference_gpu="H100").of("H100", 94)
    assert found is not None
    reference = gpu_of("H100")
    assert reference is not None
    assert reference.memory_gb == 94
    assert found.share_per_hour == pytest.approx(1 / 20)
    assert not found.is_measured


def test_the_share_of_arithmetic_decides_between_operations_and_bandwidth() -> None:
    fast, slow = gpu_of("H100", 80), gpu_of("L4")
    assert fast is not None
    assert slow is not None
    for share, expected in (
        (1.0, fast.dense_fp16_tflops / slow.dense_fp16_tflops),
        (0.0, fast.memory_gb_per_s / slow.memory_gb_per_s),
    ):
        of = model(gpu_hours=1.0, compute_share=share)
        quick, plain = of.of("H100", 80), of.of("L4", 24)
        assert quick is not None
        assert plain is not None
        assert quick.share_per_hour / plain.share_per_hour == pytest.approx(expected)


def test_measured_throughput_is_taken_as_it_is_and_scales_what_is_modelled() -> None:
    of = model(samples=3600.0, measured={"L4": 2.0})
    measured, modelled = of.of("L4", 24), of.of("H100", 80)
    plain = model(gpu_hours=1.0, reference_gpu="L4")
    assert measured is not None
    assert modelled is not None
    assert measured.is_measured
    assert measured.share_per_hour == pytest.approx(2.0)
    assert not modelled.is_measured
    unmeasured_ratio = plain.of("H100", 80).share_per_hour / plain.of("L4", 24).share_per_hour  # type: ignore[union-attr]
    # The share of arithmetic is meant for another reference GPU there, which changes the ratio a little.
    assert modelled.share_per_hour / measured.share_per_hour == pytest.approx(unmeasured_ratio, rel=0.5)


def test_a_measured_model_answers_by_every_name_of_its_row() -> None:
    found = model(samples=3600.0, measured={"A100": 5.0}).of("A100-80GB", 80)
    assert found is not None
    assert found.is_measured


def test_what_was_neither_measured_nor_is_in_the_table_is_not_guessed() -> None:
    assert model(gpu_hours=1.0).of("Abacus", 16) is None
    alone = model(samples=3600.0, measured={"Abacus": 5.0})
    assert alone.of("Abacus", 16) is not None
    assert alone.of("H100", 80) is None


def test_an_unknown_reference_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PlanningError, match=r"reference_gpu = 'Abacus'.*H100"):
        model(gpu_hours=1.0, reference_gpu="Abacus")
    assert model(gpu_hours=1.0, reference_gpu="Abacus", measured={"Abacus": 2.0}).of("Abacus", 1) is not None
