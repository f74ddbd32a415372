"""The models that all servers serve: the package's own networks, their weights as PyTorch's file and as ONNX.

The weights are those that a seed gives: what a network has learnt changes nothing about its time. ONNX is what the
package's export makes of the same weights, so all servers have to give the same logits.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.envelopes import KEY_URI
from bench.peers import SHAPE_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    from trainyard_artifacts.manifest import Manifest

JOB, RUN = "bench", "bench"
MODEL_FILE = "model.onnx"
IMAGES = 64
LABELS = 10

_SEED = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which network, and for which images."""

    name: str
    """As the package knows it."""
    input_shape: tuple[int, int, int]
    """(channels, height, width)."""
    largest_value: int
    """Values are whole numbers from 0 to this."""
    options: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Of the network."""


CHOICES = (Choice("lenet", (3, 32, 32), 255), Choice("digits", (1, 8, 8), 16))
"""LeNet for images as CIFAR-10's, and the digits' network."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model's files, and what it answers."""

    choice: Choice
    folder: Path
    images: NDArray[np.float32]
    """(count, channels, height, width)."""
    logits: NDArray[np.float32]
    """(count, labels), as PyTorch computes them here."""


def make_model(choice: Choice, folder: Path) -> Served:
    """Writes weights, ONNX file and manifest into `folder`, which is made.

    Raises ModelRefusedError where the exported model computes another thing than PyTorch.
    """
    import torch

    from trainyard_artifacts.manifest import MANIFEST_NAME, encode_manifest
    from trainyard_training.choices import ModelChoice
    from trainyard_training.finishing.export import export_onnx, require_equal, run_onnx, run_torch
    from trainyard_training.models.registry import DataShape, build_model

    folder.mkdir(parents=True)
    shape = DataShape(choice.input_shape, choice.largest_value, LABELS)
    network = build_model(ModelChoice(name=choice.name, options=dict(choice.options)), shape, seed=_SEED)
    images = some_images(choice)
    logits = run_torch(network, images)
    exported = export_onnx(network, choice.input_shape)
    require_equal(run_onnx(exported, images), logits)
    torch.save(network.state_dict(), folder / WEIGHTS_FILE)
    document = {
        "model": choice.name,
        "input_shape": choice.input_shape,
        "largest_value": choice.largest_value,
        "labels": LABELS,
    }
    (folder / SHAPE_FILE).write_text(json.dumps(document), encoding="utf-8")
    (folder / MODEL_FILE).write_bytes(exported)
    (folder / MANIFEST_NAME).write_bytes(encode_manifest(manifest_of(choice, exported)))
    return Served(choice, folder, images, logits)


def some_images(choice: Choice, count: int = IMAGES) -> NDArray[np.float32]:
    """Images of whole numbers as in a data set, the same each time."""
    values = np.random.default_rng(_SEED).integers(0, choice.largest_value + 1, size=(count, *choice.input_shape))
    return values.astype(np.float32)


def manifest_of(choice: Choice, exported: bytes) -> "Manifest":
    """The manifest of a run that published this model, as the service finds it once it is fetched."""
    from trainyard_artifacts.envelope import SCHEME
    from trainyard_artifacts.manifest import (
        Artifact,
        CodeVersion,
        DataVersion,
        Encryption,
        Manifest,
        ModelSignature,
        TensorSignature,
    )

    nothing = hashlib.sha256(b"").hexdigest()
    signature: dict[str, Any] = {
        "input": TensorSignature(name="input", dtype="float32", shape=(None, *choice.input_shape)),
        "output": TensorSignature(name="logits", dtype="float32", shape=(None, LABELS)),
        "labels": tuple(map(str, range(LABELS))),
        "largest_value": choice.largest_value,
    }
    artifact = Artifact(
        name=MODEL_FILE,
        object=f"{MODEL_FILE}.tink",
        bytes=len(exported),
        sha256=hashlib.sha256(exported).hexdigest(),
        ciphertext_sha256=nothing,
    )
    return Manifest(
        job=JOB,
        run=RUN,
        created=datetime.now(UTC),
        data=DataVersion(index_sha256=nothing, train_examples=0, test_examples=0, shards=1),
        code=CodeVersion(package="trainyard-training", version="0", sources_sha256=nothing),
        frameworks={},
        metrics={},
        model=ModelSignature(**signature),
        encryption=Encryption(key_uri=KEY_URI, scheme=SCHEME),
        artifacts=(artifact,),
    )
