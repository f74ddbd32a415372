"""``lenet``: the classifier of PyTorch's CIFAR-10 tutorial, after LeNet-5 (LeCun et al., 1998).

Two convolutions of 5 x 5 with 6 and 16 channels, each followed by a pooling of 2 x 2, and linear layers of 120, 84 and
as many outputs as there are labels: 62,006 parameters for CIFAR-10.
"""

from torch import Tensor, nn

from trainyard_training.models.registry import DataShape, register_model


@register_model("lenet")
class LeNet(nn.Module):
    """conv 6, conv 16, fc 120-84-labels."""

    def __init__(self, shape: DataShape) -> None:
        super().__init__()
        channels, height, width = shape.require_images("lenet", smallest=16)
        # Values from -1 to 1, as the tutorial has them.
        self.scale = 2.0 * shape.scale
        self.offset = 1.0
        rows, columns = ((side - 4) // 2 for side in (height, width))
        rows, columns = ((side - 4) // 2 for side in (rows, columns))
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classify = nn.Sequential(
            nn.Linear(16 * rows * columns, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, shape.labels),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Logits of a batch of images."""
        features: Tensor = self.features(image * self.scale - self.offset)
        logits: Tensor = self.classify(features.flatten(1))
        return logits
