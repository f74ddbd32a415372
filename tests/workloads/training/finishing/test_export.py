"""The exported model computes what PyTorch computes, for any batch, or is refused."""

import io

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from tests.workloads.training.finishing.conftest import Trained
from tests.workloads.training.finishing.nets import IMAGE
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing import runtime
from trainyard_training.finishing.export import export_onnx, require_equal, run_onnx, run_torch

pytestmark = pytest.mark.xdist_group("finishing")


class OneSize(nn.Module):
    """A model that takes batches of two only, once it is traced."""

    def forward(self, image: Tensor) -> Tensor:
        return image.reshape(int(image.shape[0]), 64)[:, :10]


class Unknown(nn.Module):
    """A model with an operation that ONNX has no counterpart of."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.special.bessel_j0(image.flatten(1))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["convolutions", "residual", "rows"])
def test_any_batch_gives_the_logits_of_pytorch(trained: dict[str, Trained], name: str) -> None:
    each = trained[name]
    each.model.train()
    exported = export_onnx(each.model, each.input_shape)
    onnx.checker.check_model(onnx.load_from_string(exported), full_check=True)
    many = np.concatenate([each.test.inputs] * 2)
    for inputs in (many[:1], many[:7], many):  # The last ones are more than are computed at a time.
        assert require_equal(run_onnx(exported, inputs), run_torch(each.model, inputs)) < 1e-4
    assert each.model.training
    assert export_onnx(each.model, each.input_shape) == exported


def test_larger_logits_may_differ_by_more() -> None:
    trained = np.array([[1000.0, -3.0]], np.float32)
    assert require_equal(trained + np.float32(0.005), trained) == pytest.approx(0.005, rel=0.05)
    with pytest.raises(
        ModelRefusedError, match=r"differs from the trained one by 0\.02\d* in a logit, allowed is 0\.01;"
    ):
        require_equal(trained + np.float32(0.02), trained)
    with pytest.raises(ModelRefusedError, match=r"allowed is 0\.0001; nothing was published"):
        require_equal(np.array([[1.0002, 0]], np.float32), np.array([[1, 0]], np.float32))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(broken: float) -> None:
    logits = np.zeros((2, 2), np.float32)
    spoilt = logits.copy()
    spoilt[1, 1] = broken
    for exported, trained in ((spoilt, logits), (spoilt, spoilt), (logits, spoilt)):
        with pytest.raises(ModelRefusedError, match="differs"), np.errstate(invalid="ignore"):
            require_equal(exported, trained)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ModelRefusedError, match=r"shape \(2, 3\), expected \(2, 4\)"):
        require_equal(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))


def test_a_model_that_onnx_cannot_hold_is_refused_in_one_line() -> None:
    with pytest.raises(
        ModelRefusedError, match=r"cannot be exported to ONNX: .*bessel_j0.*; nothing was published"
    ) as told:
        export_onnx(Unknown(), IMAGE)
    assert "\n" not in str(told.value)


def test_a_model_for_batches_of_one_size_is_refused_in_one_line() -> None:
    exported = export_onnx(OneSize(), IMAGE)
    with pytest.raises(ModelRefusedError, match=r"cannot be run by onnxruntime: .*; nothing was published") as told:
        run_onnx(exported, np.zeros((3, *IMAGE), np.uint8))
    assert "\n" not in str(told.value)


def test_the_time_of_a_call_is_the_median_once_it_is_warm() -> None:
    calls = io.StringIO()
    moments = iter(np.cumsum([0, 0.1, 0, 0.3, 0, 0.2, 0, 9, 0, 0.2]).tolist())
    found = runtime.median_milliseconds(lambda: calls.write("x"), clock=lambda: next(moments))
    assert found == pytest.approx(200)
    assert len(calls.getvalue()) == runtime.WARM_UP_CALLS + 5
