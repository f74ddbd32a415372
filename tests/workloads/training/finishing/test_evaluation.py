"""Scores of a classifier, against scikit-learn's and against cases that are counted by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from trainyard_training.finishing.evaluation import confidence_bins, evaluate, expected_calibration_error


def as_none(value: float) -> Any:
    return None if math.isnan(value) else pytest.approx(value)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_scores_are_those_of_scikit_learn(labels: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(scale=3, size=(count, labels)).astype(np.float32)
    true = random.integers(0, labels, count).astype(np.uint8)
    names = tuple(f"label {position}" for position in range(labels))
    found = evaluate(logits, true, names)
    answers = logits.argmax(axis=1)
    numbers = list(range(labels))
    theirs = precision_recall_fscore_support(true, answers, labels=numbers, zero_division=np.nan)
    assert [scores.label for scores in found.classes] == list(names)
    for ours, precision, recall, f1, support in zip(found.classes, *theirs, strict=True):
        assert ours.precision == as_none(precision)
        assert ours.recall == as_none(recall)
        assert ours.f1 == as_none(f1)
        assert ours.examples == support
    assert np.array_equal(found.confusion_matrix, confusion_matrix(true, answers, labels=numbers))
    assert found.accuracy == pytest.approx(np.trace(found.confusion_matrix) / count)
    shares = np.exp(logits.astype(np.float64))
    assert found.loss == pytest.approx(log_loss(true, shares / shares.sum(axis=1, keepdims=True), labels=numbers))
    assert 0 <= found.expected_calibration_error <= 1
    assert sum(each.examples for each in found.calibration) == count


def test_calibration_is_the_weighted_difference_of_confidence_and_accuracy() -> None:
    confidences = np.array([0.4, 0.5, 0.9, 0.95, 0.95])
    is_right = np.array([True, False, True, True, False])
    bins = confidence_bins(confidences, is_right, 4)
    assert [each.examples for each in bins] == [0, 2, 0, 3]  # 0.5 is in the bin that ends there.
    assert bins[0].mean_confidence is None
    assert bins[3].accuracy == pytest.approx(2 / 3)
    assert bins[1].mean_confidence == pytest.approx(0.45)
    assert expected_calibration_error(bins) == pytest.approx(2 / 5 * 0.05 + 3 / 5 * (2.8 / 3 - 2 / 3))


def test_a_sure_and_right_model_has_no_calibration_error_and_no_loss_though_its_logits_are_huge() -> None:
    labels = np.array([0, 1, 1], np.uint8)
    found = evaluate(1e30 * np.eye(2, dtype=np.float32)[labels], labels, ("no", "yes"))
    assert (found.loss, found.expected_calibration_error, found.macro_f1) == (0, 0, 1)


@pytest.mark.parametrize(
    ("shape", "labels", "said"),
    [
        ((3, 4), [0, 1, 2], r"logits of shape \(count, 2\) for 3 labels, found \(3, 4\)"),
        ((0, 2), [], "at least one example"),
        ((2, 2), [0, 2], "labels from 0 to 1, found 0 to 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(shape: tuple[int, int], labels: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        evaluate(np.zeros(shape, np.float32), np.array(labels, np.uint8), ("no", "yes"))
