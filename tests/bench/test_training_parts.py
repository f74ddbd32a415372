"""The parts of the training benchmark: its data, the tutorial's network, and a tiny run of each thing measured."""

import hashlib
import multiprocessing.forkserver
import multiprocessing.resource_tracker
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import training_checkpoints, training_data, training_pace, training_recipe, training_run, training_tutorial
from bench.errors import BenchError
from bench.training_data import ARCHIVE_VARIABLE, SHA256_VARIABLE, Data, data_of
from bench.training_recipe import RECIPE, until
from tests.workloads.training.groups import run_group
from trainyard_training.choices import ModelChoice
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.data.sources.source import Source
from trainyard_training.models import DataShape, build_model
from trainyard_training.workers import Workers, join_workers

pytestmark = pytest.mark.xdist_group("training benchmark")


@pytest.fixture(scope="module", autouse=True)
def _end_of_the_fork_server() -> Iterator[None]:
    """End the process that workers are forked from; by itself it ends after pytest looks for leftovers."""
    yield
    multiprocessing.forkserver._forkserver._stop()  # type: ignore[attr-defined]
    multiprocessing.resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def digits() -> Source:
    return Data().source()


@pytest.fixture(scope="module")
def few(digits: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 200 training images and 100 test images, in two shards."""
    some = [
        np.random.default_rng(0).permutation(len(each))[:size]
        for each, size in ((digits.train, 200), (digits.test, 100))
    ]
    folder = tmp_path_factory.mktemp("few") / "data"
    source = replace(digits, train=digits.train.at(some[0]), test=digits.test.at(some[1]))
    training_data.write_shards(source, folder, 2)
    return folder


def test_without_an_archive_the_data_are_digits() -> None:
    assert data_of({}) == data_of({ARCHIVE_VARIABLE: "", SHA256_VARIABLE: "ab"}) == Data()


def test_an_archive_is_taken_with_its_checksum(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.touch()
    assert data_of({ARCHIVE_VARIABLE: str(archive)}) == Data(archive=archive)
    assert data_of({ARCHIVE_VARIABLE: str(archive), SHA256_VARIABLE: "ab" * 32}) == Data(
        archive=archive, sha256="ab" * 32
    )


def test_an_archive_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "cifar.tar.gz"
    with pytest.raises(BenchError) as caught:
        data_of({ARCHIVE_VARIABLE: str(missing)})
    assert (
        str(caught.value) == f"TRAINYARD_CIFAR10: there is no file {missing}; it is cifar-10-binary.tar.gz as published"
    )


@pytest.mark.parametrize("sha256", ["ab", "AB" * 32, "g" * 64, "ab" * 33])
def test_a_checksum_that_is_none_is_an_error(tmp_path: Path, sha256: str) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.touch()
    with pytest.raises(BenchError) as caught:
        data_of({ARCHIVE_VARIABLE: str(archive), SHA256_VARIABLE: sha256})
    assert str(caught.value) == f"TRAINYARD_CIFAR10_SHA256: {sha256!r} is no sha256; one is 64 digits of 0-9 and a-f"


@pytest.mark.parametrize("sha256", [None, "0" * 64])
def test_another_archive_than_the_one_of_the_checksum_is_an_error(tmp_path: Path, sha256: str | None) -> None:
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(BenchError, match=r"^TRAINYARD_CIFAR10, TRAINYARD_CIFAR10_SHA256: .*sha256"):
        Data(archive=archive, sha256=sha256).source()


def test_with_its_checksum_it_is_opened_and_still_has_to_be_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(BenchError, match=r"^TRAINYARD_CIFAR10, TRAINYARD_CIFAR10_SHA256: ") as caught:
        Data(archive=archive, sha256=hashlib.sha256(b"something else").hexdigest()).source()
    assert "hash" not in str(caught.value)


def test_digits_are_enlarged_to_the_shape_of_cifar10(digits: Source) -> None:
    small = read_digits(training_data.SEED)
    assert digits.train.inputs.shape == (len(small.train), 3, 32, 32)
    assert digits.test.inputs.shape == (len(small.test), 3, 32, 32)
    for row, column in ((0, 0), (1, 3), (3, 2)):
        for channel in range(3):
            assert np.array_equal(digits.train.inputs[:, channel, row::4, column::4], small.train.inputs[:, 0])
    assert np.array_equal(digits.train.labels, small.train.labels)


def test_the_tutorials_network_is_the_packages_lenet(digits: Source) -> None:
    ours = build_model(ModelChoice(name="lenet"), DataShape((3, 32, 32), 16, 10), 0)
    tutorials = training_tutorial.Network(10)
    places = list(tutorials.parameters())
    weights = list(ours.parameters())
    assert [place.shape for place in places] == [weight.shape for weight in weights]
    assert sum(place.numel() for place in places) == 62_006
    with torch.no_grad():
        for place, weight in zip(places, weights, strict=True):
            place.copy_(weight)
        # Each with its own way to bring pixels to -1..1.
        images = training_tutorial.Images(digits.test, 16)
        theirs = tutorials(torch.stack([images[number][0] for number in range(20)]))
        assert torch.allclose(ours(torch.from_numpy(digits.test.inputs[:20]).float()), theirs, atol=1e-5)


def test_the_tutorials_loop_stops_at_the_accuracy_or_after_its_epochs(
    digits: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its processes that load are started by nobody here.
    monkeypatch.setattr(training_tutorial, "WORKERS", 0)
    few = replace(digits, train=digits.train.at(np.arange(40)), test=digits.test.at(np.arange(20)))
    whole = training_tutorial.train(few, batch=4, epochs=2, accuracy=1.1)
    assert len(whole["accuracies"]) == 2
    assert 0 < whole["at"][0] < whole["at"][1]
    early = training_tutorial.train(few, batch=4, epochs=2, accuracy=0.0)
    assert early["accuracies"] == whole["accuracies"][:1]


@pytest.mark.parametrize("output", ["", "started\n", '{"a": 1}\nwarning\n', "[1]\n"])
def test_an_output_without_a_result_is_an_error_that_shows_its_end(output: str) -> None:
    with pytest.raises(BenchError) as caught:
        training_run.result_of(output)
    assert str(caught.value).endswith(f"its last line is {(output.splitlines() or [''])[-1]!r}")


def test_a_result_is_the_last_line() -> None:
    assert training_run.result_of('{"a": 0}\n{"a": 1}\n\n') == {"a": 1}


def test_until_adds_where_to_stop_and_leaves_the_recipe() -> None:
    before = dict(RECIPE)
    assert until(0.25) == {**before, "stop_when": {"metric": "test_accuracy", "reaches": 0.25}}
    assert until(0.25, {"epochs": 1}) == {"epochs": 1, "stop_when": {"metric": "test_accuracy", "reaches": 0.25}}
    assert before == RECIPE


def test_the_recipe_learns_and_stops_where_it_is_told(few: Path, tmp_path: Path) -> None:
    whole = training_recipe.train(few, tmp_path / "whole", until(1.1, {**RECIPE, "epochs": 8}))
    assert whole["first"]
    assert len(whole["accuracies"]) == 8
    # A guess has 0.1.
    assert whole["accuracies"][-1] > 0.5
    assert whole["at"] == sorted(whole["at"])
    assert 0 < whole["at"][-1] < whole["seconds"]
    reached = next(number for number, found in enumerate(whole["accuracies"]) if found >= 0.4)
    early = training_recipe.train(few, tmp_path / "early", until(0.4, {**RECIPE, "epochs": 8}))
    assert early["accuracies"] == whole["accuracies"][: reached + 1]


def test_two_workers_measure_their_steps_in_turns(few: Path, tmp_path: Path) -> None:
    first, second = run_group(tmp_path, 2, measured_steps, few, tmp_path)
    assert {how: len(paces) for how, paces in first.items()} == {"one": 2, "together": 2, "apart": 2}
    assert all(pace > 0 for paces in first.values() for pace in paces)
    # The first one trains alone.
    assert second["one"] == [0.0, 0.0]


def measured_steps(workers: Workers, data: Path, work: Path) -> dict[Any, list[float]]:
    job = training_run.job_of(data, work, model={"name": "lenet"}, global_batch_size=4, epochs=100)
    return training_pace.measure_steps(job, workers, turns=2, seconds=0.01)


@pytest.mark.parametrize(
    ("measured", "names"),
    [
        (
            lambda job, workers: training_pace.measure_loading(job, workers, turns=1, seconds=0.01),
            {"loader", "model", "wait_share"},
        ),
        (
            lambda job, workers: training_checkpoints.measure_stalls(job, workers, turns=1),
            {"asynchronous", "stored", "synchronous", "mib"},
        ),
    ],
    ids=["loading", "checkpoints"],
)
def test_one_worker_measures(
    few: Path, tmp_path: Path, measured: Callable[[Any, Workers], dict[str, Any]], names: set[str]
) -> None:
    job = training_run.job_of(few, tmp_path, model={"name": "lenet"}, global_batch_size=4, epochs=100)
    with join_workers() as workers:
        found = measured(job, workers)
    assert set(found) == names
    assert all(np.min(value) >= 0 for value in found.values())
