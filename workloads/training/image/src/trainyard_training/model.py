"""The network: a small convolutional classifier of single-channel images.

Scaling is part of it, so whoever calls the exported model sends the pixels as they are. It has no normalisation over
the batch and no dropout: what it computes for an image does not depend on how images are spread over workers.
"""

from torch import Tensor, nn

INPUT_NAME = "image"
OUTPUT_NAME = "logits"


class DigitClassifier(nn.Module):
    """Pixels, float32 of shape (batch, 1, height, width), to logits of shape (batch, labels)."""

    def __init__(self, image_shape: tuple[int, int], labels: int, largest_pixel: int) -> None:
        super().__init__()
        height, width = image_shape
        self.scale = 1.0 / largest_pixel
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.classify = nn.Linear(32 * (height // 2) * (width // 2), labels)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of a batch of images."""
        features: Tensor = self.features(image * self.scale)
        logits: Tensor = self.classify(features.flatten(1))
        return logits
