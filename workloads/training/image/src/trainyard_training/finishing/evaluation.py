"""How good a classifier's answers are: from logits and labels to numbers for the report."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CALIBRATION_BINS = 15
"""As Guo et al. use (arXiv:1706.04599, table 1)."""


@dataclass(frozen=True)
class ClassScores:
    """One label's scores, each from 0 to 1; None where nothing is there to divide by."""

    label: str
    precision: float | None
    """Of the examples that were given this label, those that have it; None: it was never given."""
    recall: float | None
    """Of the examples that have this label, those that were given it; None: none has it."""
    f1: float | None
    """The harmonic mean of the two; None: no example has the label, and none was given it."""
    examples: int
    """That have this label."""


@dataclass(frozen=True)
class ConfidenceBin:
    """The answers whose confidence, the largest probability, is above ``above`` and at most ``up_to``."""

    above: float
    up_to: float
    examples: int
    mean_confidence: float | None
    """None: the bin is empty."""
    accuracy: float | None


@dataclass(frozen=True)
class Evaluation:
    """What is told about one model on one set of examples."""

    examples: int
    accuracy: float
    loss: float
    """Mean cross-entropy, in nats."""
    macro_f1: float
    """Mean over the labels that have an F1."""
    classes: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    """Rows: the true label, columns: the answer."""
    expected_calibration_error: float
    """Mean difference between confidence and accuracy, weighted by examples."""
    calibration: tuple[ConfidenceBin, ...]


def evaluate(logits: NDArray[Any], labels: NDArray[Any], names: tuple[str, ...]) -> Evaluation:
    """Score logits of shape (count, labels) against labels of shape (count,).

    :param names: Of the labels, by their position.

    Raises:
        ValueError: there is no example, or shapes or labels do not fit together.
    """
    if not len(labels) or logits.shape != (len(labels), len(names)):
        raise ValueError(
            f"expected logits of shape (count, {len(names)}) for {len(labels)} labels, found {logits.shape};"
            " at least one example is needed"
        )
    true = labels.astype(np.int64)
    if true.min() < 0 or true.max() >= len(names):
        raise ValueError(f"expected labels from 0 to {len(names) - 1}, found {true.min()} to {true.max()}")
    log_probabilities = log_softmax(logits)
    answers = logits.argmax(axis=1)
    confusions = confusion_matrix(true, answers, len(names))
    classes = class_scores(confusions, names)
    bins = confidence_bins(np.exp(log_probabilities.max(axis=1)), answers == true)
    return Evaluation(
        examples=len(true),
        accuracy=float(np.mean(answers == true)),
        loss=float(-np.mean(log_probabilities[np.arange(len(true)), true])),
        macro_f1=float(np.mean([scores.f1 for scores in classes if scores.f1 is not None])),
        classes=classes,
        confusion_matrix=tuple(tuple(int(count) for count in row) for row in confusions),
        expected_calibration_error=expected_calibration_error(bins),
        calibration=bins,
    )


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Logarithms of the probabilities, by row, computed so that large logits do not overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def confusion_matrix(labels: NDArray[Any], answers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """How often each label (row) was given each answer (column); shape (count, count)."""
    cells = labels.astype(np.int64) * count + answers.astype(np.int64)
    result: NDArray[np.int64] = np.bincount(cells, minlength=count * count).reshape(count, count).astype(np.int64)
    return result


def class_scores(confusions: NDArray[np.int64], names: tuple[str, ...]) -> tuple[ClassScores, ...]:
    """Each label's precision, recall and F1 = 2 TP / (2 TP + FP + FN)."""
    return tuple(
        ClassScores(
            label=name,
            precision=_share(int(right), int(given)),
            recall=_share(int(right), int(there)),
            f1=_share(2 * int(right), int(given) + int(there)),
            examples=int(there),
        )
        for name, right, given, there in zip(
            names, confusions.diagonal(), confusions.sum(axis=0), confusions.sum(axis=1), strict=True
        )
    )


def confidence_bins(
    confidences: NDArray[np.float64], is_right: NDArray[np.bool_], count: int = CALIBRATION_BINS
) -> tuple[ConfidenceBin, ...]:
    """Answers by confidence, in bins of equal width, ((m - 1) / M, m / M] (Guo et al., arXiv:1706.04599, section 2)."""
    edges = np.linspace(0.0, 1.0, count + 1)
    # Each bin holds its upper edge. A confidence above 1 by rounding belongs to the last one.
    places = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, count - 1)
    bins = []
    for place in range(count):
        inside = places == place
        examples = int(inside.sum())
        bins.append(
            ConfidenceBin(
                above=float(edges[place]),
                up_to=float(edges[place + 1]),
                examples=examples,
                mean_confidence=float(confidences[inside].mean()) if examples else None,
                accuracy=float(is_right[inside].mean()) if examples else None,
            )
        )
    return tuple(bins)


def expected_calibration_error(bins: tuple[ConfidenceBin, ...]) -> float:
    """Sum over bins of (examples in the bin / all examples) |accuracy - confidence| (Guo et al., equation 3)."""
    total = sum(each.examples for each in bins)
    return sum(
        each.examples / total * abs(each.accuracy - each.mean_confidence)
        for each in bins
        if each.accuracy is not None and each.mean_confidence is not None
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
