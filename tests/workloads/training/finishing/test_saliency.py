"""What a model looks at."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.workloads.training.finishing.conftest import Trained
from trainyard_training.finishing.export import run_torch
from trainyard_training.finishing.saliency import attributions, choose_examples

pytestmark = pytest.mark.xdist_group("finishing")


def test_each_part_of_a_linear_model_is_weight_times_input() -> None:
    model = nn.Linear(3, 2)
    rows = np.array([[1, 2, 3], [-1, 0, 1]], np.float32)
    answers = np.array([1, 0])
    weights = model.weight.detach().numpy()[answers]
    assert attributions(model, rows, answers) == pytest.approx(weights * rows, abs=1e-5)


def test_the_parts_of_an_image_add_up_to_what_sets_its_logit_apart(trained: dict[str, Trained]) -> None:
    each = trained["convolutions"]
    images = each.test.inputs[:16]
    logits = run_torch(each.model, images)
    answers = logits.argmax(axis=1)
    found = attributions(each.model, images, answers)
    assert found.shape == images.shape
    black = run_torch(each.model, np.zeros_like(images))
    rows = np.arange(len(images))
    expected = (logits - black)[rows, answers]
    assert found.sum(axis=(1, 2, 3)) == pytest.approx(expected, abs=0.1 * np.abs(expected).max())
    assert (found[images == 0] == 0).all()
    assert all(parameter.grad is None or torch.isfinite(parameter.grad).all() for parameter in each.model.parameters())


def test_right_answers_are_shown_one_of_each_label_before_any_second() -> None:
    labels = np.array([0, 0, 0, 1, 0, 2, 1])
    assert choose_examples(labels, labels, 3).tolist() == [0, 3, 5]
    assert choose_examples(labels, labels, 5).tolist() == [0, 1, 3, 5, 6]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30), st.integers(1, 12))
def test_chosen_examples_are_wrong_up_to_half_and_of_many_labels(pairs: list[tuple[int, int]], count: int) -> None:
    labels, answers = (np.array(column, np.uint8) for column in zip(*pairs, strict=True))
    chosen = choose_examples(labels, answers, count)
    assert list(chosen) == sorted(set(chosen.tolist()))
    wrong = labels[chosen] != answers[chosen]
    there = int((labels != answers).sum())
    assert wrong.sum() == min(there, count // 2)
    assert (~wrong).sum() == min(len(pairs) - there, count - wrong.sum())
    known = set(labels[labels == answers].tolist())
    shown = labels[chosen][~wrong].tolist()
    assert len(set(shown)) == min(len(known), len(shown))
