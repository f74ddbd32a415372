"""A small model trained with parameter servers in real processes."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workloads.training.parameter_servers.processes import Setting, run_group, values
from tests.workloads.training.parameter_servers.scenarios import train_digits, train_digits_beside_plain_training
from trainyard_training.choices import Optimization

pytestmark = pytest.mark.xdist_group("parameter-servers")

ADAMW = Optimization(optimizer="adamw", schedule="one_cycle")
SGD = Optimization(optimizer="sgd", schedule="one_cycle", momentum=0.9)


def run(path: Path, setting: Setting, workers: int, servers: int, start: Any = None, keep_at: int = -1) -> Any:
    return values(run_group(path, workers, servers, setting, train_digits, start, keep_at), workers)


@pytest.mark.parametrize(("optimization", "rate"), [(ADAMW, 0.01), (SGD, 0.1)], ids=["adamw", "sgd"])
def test_one_worker_trains_as_without_servers_also_when_resumed_with_another_number_of_them(
    tmp_path: Path, optimization: Optimization, rate: float
) -> None:
    setting = Setting(optimization, rate, total_steps=20)
    scenario = train_digits_beside_plain_training

    (whole,) = values(run_group(tmp_path / "whole", 1, 2, setting, scenario, None, 8), 1)
    (state,) = whole["kept"]
    (resumed,) = run(tmp_path / "resumed", setting, 1, 3, start=(8, state))

    assert whole["losses"] == pytest.approx(whole["plain_losses"], abs=1e-6)
    assert resumed["losses"] == pytest.approx(whole["plain_losses"][8:], abs=1e-6)
    for name, expected in whole["plain_weights"].items():
        torch.testing.assert_close(whole["weights"][name], expected, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(resumed["weights"][name], expected, atol=1e-6, rtol=1e-6)


def test_two_workers_and_two_servers_learn_and_one_goes_on_alone(tmp_path: Path) -> None:
    setting = Setting(ADAMW, 0.02, total_steps=120, staleness=2)

    workers = run(tmp_path / "both", setting, 2, 2, keep_at=60)
    (state,) = workers[0]["kept"]
    (alone,) = run(tmp_path / "alone", setting, 1, 1, start=(60, state))

    for name, tensor in workers[0]["weights"].items():
        assert torch.equal(tensor, workers[1]["weights"][name])
    for mine, others in zip(workers[0]["buffers"], workers[1]["buffers"], strict=True):
        assert torch.equal(mine, others)
    for each in workers:
        assert sum(each["losses"][-10:]) < 0.2 * sum(each["losses"][:10])
        # Each run interleaves the workers in another way.
        assert each["accuracy"] > 0.85
    assert len(alone["losses"]) == 60
    assert alone["losses"][0] < 0.5 * workers[0]["losses"][0]
    assert alone["accuracy"] > 0.85
