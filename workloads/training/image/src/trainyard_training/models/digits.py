"""``digits``: a small convolutional classifier of small images, for scikit-learn's 8 x 8 digits."""

from torch import Tensor, nn

from trainyard_training.models.registry import DataShape, register_model


@register_model("digits")
class DigitClassifier(nn.Module):
    """Three convolutions and one linear layer."""

    def __init__(self, shape: DataShape) -> None:
        super().__init__()
        channels, height, width = shape.require_images("digits", smallest=2)
        self.scale = shape.scale
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, kernel_size=3, padding=1),
            nn.ReLU(),
        )
        self.classify = nn.Linear(32 * (height // 2) * (width // 2), shape.labels)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of a batch of images."""
        features: Tensor = self.features(image * self.scale)
        logits: Tensor = self.classify(features.flatten(1))
        return logits
