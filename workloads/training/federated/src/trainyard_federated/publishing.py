"""The global model as a finished run: exported, checked, and published like one that was trained in one place.

The coordinator has no example, so the export is compared with the model on random inputs, no test images are among the
artifacts, and the manifest's data version is a hash over those that the sites report.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.fetch import Origin
from trainyard_artifacts.manifest import MODEL_NAME, DataVersion, Manifest, ModelSignature, TensorSignature
from trainyard_federated.coordination import SiteReport, State
from trainyard_federated.local_training import new_model, set_weights
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing.export import (
    INPUT_NAME,
    OUTPUT_NAME,
    export_onnx,
    require_equal,
    run_onnx,
    run_torch,
)
from trainyard_training.publish import REPORT_NAME, encode_report, publish

_COMPARED_EXAMPLES = 64


def publish_model(
    job: FederatedSpecification, envelope: Envelope, state: State, say: Callable[[str], None]
) -> Manifest:
    """Export, compare, encrypt and publish.

    Raises:
        ModelRefusedError: the model is below the target, no site has evaluated it, or its export computes something
            else. Nothing was published.
        EnvelopeError, StorageError: the manifest was not written.
    """
    if state.accuracy is None or state.reports is None:
        raise ModelRefusedError("no site has evaluated the last round's model; nothing was published")
    if state.accuracy < job.target_accuracy:
        raise ModelRefusedError(
            f"test accuracy {state.accuracy:.4f} is below target_accuracy {job.target_accuracy:g}; nothing was"
            " published"
        )
    exported, difference = export_checked(job, state.weights)
    shape = job.examples
    manifest = publish(
        Origin(job=job.job, run=job.run, key_uri=job.coordinator.encryption_key_uri),
        job.coordinator.models_uri,
        envelope,
        {MODEL_NAME: exported, REPORT_NAME: encode_report(make_report(job, state))},
        data=data_version(state.reports),
        metrics={
            "test_accuracy": state.accuracy,
            "final_training_loss": state.rounds[-1]["training_loss"],
            "onnx_max_abs_difference": difference,
        },
        model=ModelSignature(
            input=TensorSignature(name=INPUT_NAME, dtype="float32", shape=(None, *shape.input_shape)),
            output=TensorSignature(name=OUTPUT_NAME, dtype="float32", shape=(None, len(shape.labels))),
            labels=shape.labels,
            largest_value=shape.largest_value,
        ),
    )
    say(
        f"published {job.coordinator.models_uri}: test accuracy {state.accuracy:.4f}, {len(manifest.artifacts)}"
        " artifacts"
    )
    return manifest


def export_checked(job: FederatedSpecification, weights: Mapping[str, NDArray[np.float32]]) -> tuple[bytes, float]:
    """The model as ONNX, and the largest difference to PyTorch's logits on random inputs.

    Raises:
        ModelRefusedError: they differ.
    """
    model = new_model(job)
    set_weights(model, weights)
    inputs = random_inputs(job)
    exported = export_onnx(model, job.examples.input_shape)
    return exported, require_equal(run_onnx(exported, inputs), run_torch(model, inputs))


def random_inputs(job: FederatedSpecification) -> NDArray[np.float32]:
    """Inputs that could be examples as far as the coordinator knows."""
    random, shape = np.random.default_rng(job.seed), (_COMPARED_EXAMPLES, *job.examples.input_shape)
    largest = job.examples.largest_value
    drawn = random.normal(size=shape) if largest is None else random.integers(0, largest + 1, size=shape)
    return drawn.astype(np.float32)


def data_version(reports: Mapping[str, SiteReport]) -> DataVersion:
    """One data version for all sites: its hash is over their names and the hashes of their indexes, sorted by name."""
    lines = "".join(f"{name} {report.index_sha256}\n" for name, report in sorted(reports.items()))
    return DataVersion(
        index_sha256=hashlib.sha256(lines.encode()).hexdigest(),
        train_examples=sum(report.train_examples for report in reports.values()),
        test_examples=sum(report.test_examples for report in reports.values()),
        shards=sum(report.shards for report in reports.values()),
    )


def make_report(job: FederatedSpecification, state: State) -> dict[str, Any]:
    """What is said about the run beside the manifest: every round, every site's counts, and what was agreed on."""
    return {
        "test_accuracy": state.accuracy,
        "rounds": list(state.rounds),
        "sites": {name: vars(report) for name, report in (state.reports or {}).items()},
        "specification": job.agreed(),
    }
