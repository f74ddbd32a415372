"""What the benchmark makes of images sent as files: which loads it compares, and what it encodes."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.serving_images import expected_confidences, image_dialect, results_of
from bench.serving_ladder import Rung
from bench.serving_model import CHOICES, Choice, some_images

STAGES = {"decode": 0.5, "model": 0.9, "label": 0.3}


def rungs(*each: tuple[int, float]) -> dict[int, Rung]:
    """Rungs of so many clients with so many milliseconds for every request, asked for two seconds."""
    return {
        clients: Rung(clients, [milliseconds] * int(2_000 * clients / milliseconds), 2.0, 0.5)
        for clients, milliseconds in each
    }


def test_images_are_compared_with_tensors_at_the_best_load_of_each_and_for_one_client() -> None:
    results = {
        each.name.removeprefix("serving/images/lenet/"): each
        for each in results_of(
            "lenet", rungs((1, 4.0), (16, 8.0), (64, 80.0)), rungs((1, 2.0), (4, 2.0)), STAGES, (90, 60)
        )
    }
    assert list(results) == ["throughput", "latency", "stage/decode", "stage/model", "stage/label", "memory"]
    throughput = results["throughput"]
    assert (throughput.value, throughput.unit, throughput.ratio) == (0.5, "ms", 1.0)
    assert throughput.compared_with is not None
    assert throughput.compared_with.what == "the model alone: 2,000 a second, 4 clients, p99 2.0 ms"
    assert throughput.machine["images"] == "2,000 a second, 16 clients, p99 8.0 ms"
    assert (results["latency"].value, results["latency"].ratio) == (4.0, 2.0)
    assert [results[f"stage/{stage}"].value for stage in STAGES] == list(STAGES.values())
    assert (results["memory"].value, results["memory"].unit, results["memory"].ratio) == (90, "MiB", 1.5)


@pytest.mark.parametrize("way", ["images", "tensors"])
def test_a_way_that_is_never_within_the_limit_is_an_error_and_no_result(way: str) -> None:
    measured = {"images": rungs((1, 4.0)), "tensors": rungs((1, 2.0))} | {way: rungs((1, 70.0))}
    with pytest.raises(BenchError, match=f"at no load within 50 ms for {way}: at best 14 a second"):
        results_of("lenet", measured["images"], measured["tensors"], STAGES, (90, 60))


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_the_files_hold_the_images_values(choice: Choice) -> None:
    (image,) = some_images(choice, 1)
    sent = Image.open(io.BytesIO(image_dialect(choice.largest_value).encode(image).body))
    levels = np.atleast_3d(np.asarray(sent)).astype(np.float64) * choice.largest_value / 255
    np.testing.assert_array_equal(np.moveaxis(np.rint(levels), -1, 0), image)


def test_expected_is_the_confidence_at_the_place_of_the_label_alone() -> None:
    found = expected_confidences(np.log(np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]], np.float32)))
    np.testing.assert_allclose(found, [[0, 0.5, 0], [0.9, 0, 0]], rtol=1e-6)
