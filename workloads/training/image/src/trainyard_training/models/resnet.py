"""``resnet``: a small modern residual network for images of some 32 x 32 pixels.

Pre-activation blocks (He et al., arXiv:1603.05027) in three stages, as the CIFAR-10 networks of arXiv:1512.03385, 4.2,
with group normalisation (Wu and He, arXiv:1803.08494) instead of batch normalisation, the SiLU activation, and each
block's second convolution beginning at zero, so that the network begins as the identity (Goyal et al.,
arXiv:1706.02677, 5.1).
"""

from torch import Tensor, nn

from trainyard_training.models.registry import DataShape, register_model

_CHANNELS_PER_GROUP = 8


def _normalisation(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // _CHANNELS_PER_GROUP, channels)


class _Block(nn.Module):
    """normalise, activate, convolve, twice, beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _normalisation(channels_in),
            nn.SiLU(),
            nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
            _normalisation(channels_out),
            nn.SiLU(),
        )
        self.last = nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False)
        nn.init.zeros_(self.last.weight)
        changes = stride != 1 or channels_in != channels_out
        self.shortcut = (
            nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride, bias=False) if changes else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.shortcut(features) + self.last(self.residual(features))
        return result


@register_model("resnet")
class ResNet(nn.Module):
    """Three stages of ``blocks`` blocks, with ``width``, twice and four times as many channels."""

    def __init__(self, shape: DataShape, *, width: int = 32, blocks: int = 2) -> None:
        super().__init__()
        channels, _, _ = shape.require_images("resnet", smallest=8)
        if width < _CHANNELS_PER_GROUP or width % _CHANNELS_PER_GROUP:
            raise ValueError(f"width must be a multiple of {_CHANNELS_PER_GROUP}, found {width}")
        if blocks < 1:
            raise ValueError(f"blocks must be at least 1, found {blocks}")
        self.scale = 2.0 * shape.scale
        self.offset = 1.0
        self.stem = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        stages: list[nn.Module] = []
        channels = width
        for stage in range(3):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                stages.append(_Block(channels, width << stage, stride))
                channels = width << stage
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(_normalisation(channels), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classify = nn.Linear(channels, shape.labels)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of a batch of images."""
        logits: Tensor = self.classify(self.head(self.stages(self.stem(image * self.scale - self.offset))))
        return logits
