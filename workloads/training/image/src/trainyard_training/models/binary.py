"""``binary``: yes or no from a row of numbers: one hidden layer and a sigmoid."""

import torch
from torch import Tensor, nn

from trainyard_artifacts.specification import SpecificationError
from trainyard_training.models.registry import DataShape, register_model


@register_model("binary")
class BinaryClassifier(nn.Module):
    """features, ``hidden`` units with a sigmoid, one logit.

    Its one logit z is returned as the two logits (0, z), whose softmax is (1 - sigmoid(z), sigmoid(z)) and whose
    cross-entropy is the binary one, so that it is trained, served and read as every classifier.
    """

    def __init__(self, shape: DataShape, *, hidden: int = 100) -> None:
        super().__init__()
        if len(shape.input_shape) != 1 or shape.labels != 2:
            raise SpecificationError(
                f"model.name: 'binary' takes rows of features with 2 labels, the data set's examples have the shape"
                f" {shape.input_shape} and {shape.labels} labels"
            )
        if hidden < 1:
            raise ValueError(f"hidden must be at least 1, found {hidden}")
        self.scale = shape.scale
        self.decide = nn.Sequential(nn.Linear(shape.input_shape[0], hidden), nn.Sigmoid(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of "no" and of "yes" for a batch of rows."""
        yes: Tensor = self.decide(features * self.scale)
        return torch.cat([torch.zeros_like(yes), yes], dim=1)
