"""The partitions that GKE cuts a GPU into by MIG: which profiles each GPU has, and how many of a profile fit into one.

Sources: GoogleCloudPlatform/container-engine-accelerators, partition_gpu/partition_gpu.go (992db812, 2026-06), which is
what cuts them on a node; GKE, "Run multi-instance GPUs". Profiles for graphics, and with all media engines or none, are
left out.
"""

from collections.abc import Mapping

_H100 = {"1g.10gb": 7, "1g.20gb": 4, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1}

PROFILES: Mapping[str, Mapping[str, int]] = {
    "nvidia-tesla-a100": {"1g.5gb": 7, "2g.10gb": 3, "3g.20gb": 2, "4g.20gb": 1, "7g.40gb": 1},
    "nvidia-a100-80gb": {"1g.10gb": 7, "2g.20gb": 3, "3g.40gb": 2, "4g.40gb": 1, "7g.80gb": 1},
    "nvidia-h100-80gb": _H100,
    "nvidia-h100-mega-80gb": _H100,
    "nvidia-h200-141gb": {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1},
    "nvidia-b200": {"1g.23gb": 7, "1g.45gb": 4, "2g.45gb": 3, "3g.90gb": 2, "4g.90gb": 1, "7g.180gb": 1},
    "nvidia-rtx-pro-6000": {"1g.24gb": 4, "1g.24gb+me": 1, "2g.48gb": 2, "4g.96gb": 1},
}
"""Partitions of a profile in one GPU, by the accelerator and the profile. What is not named has no MIG."""
