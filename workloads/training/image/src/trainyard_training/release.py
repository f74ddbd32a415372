"""From the trained weights to a published model: evaluated, exported, compared, encrypted and signed."""

from trainyard_artifacts.manifest import DataVersion, ModelSignature, TensorSignature
from trainyard_training.data.examples import encode_examples
from trainyard_training.evaluation import measure_accuracy
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing import export
from trainyard_training.finishing.evaluation import confusion_matrix
from trainyard_training.models import DataShape, build_model
from trainyard_training.publish import (
    LOG_NAME,
    MODEL_NAME,
    REPORT_NAME,
    TEST_EXAMPLES_NAME,
    encode_report,
    publish,
)
from trainyard_training.reporting.step_log import encode_log
from trainyard_training.run import Run


def release(run: Run) -> None:
    """Evaluate on all workers; then the first one makes the report and publishes.

    Raises:
        ModelRefusedError: the model is below the target, or its export computes something else.
        ArtifactError: nothing was published.
    """
    job, index = run.job, run.dataset.index
    accuracy = measure_accuracy(run)
    if accuracy < job.target_accuracy:
        raise ModelRefusedError(
            f"test accuracy {accuracy:.4f} is below target_accuracy {job.target_accuracy:g}; nothing was published"
        )
    weights = run.learner.whole_weights()
    if not run.workers.is_first:
        return
    model = build_model(job.model, DataShape(index.input_shape, index.largest_value, len(index.labels)), job.seed)
    model.load_state_dict(weights)
    test = run.dataset.read_whole_test()
    exported = export.export_onnx(model, index.input_shape)
    logits = export.run_torch(model, test.inputs)
    difference = export.require_equal(export.run_onnx(exported, test.inputs), logits)
    run.progress.say(f"exported to ONNX: {len(exported) / 1024:.0f} KiB, largest difference {difference:.1e}")
    report = {
        "test_accuracy": accuracy,
        "confusion_matrix": confusion_matrix(test.labels, logits.argmax(axis=1), len(index.labels)).tolist(),
        "training_loss": [{"step": entry["step"], "loss": entry["loss"]} for entry in run.log],
        "steps": run.learner.step_number,
        "workers": run.workers.count,
        "specification": job.model_dump(mode="json"),
    }
    manifest = publish(
        job,
        run.envelope,
        {
            MODEL_NAME: exported,
            REPORT_NAME: encode_report(report),
            LOG_NAME: encode_log(run.log),
            TEST_EXAMPLES_NAME: encode_examples(test),
        },
        data=DataVersion(
            index_sha256=run.dataset.index_sha256,
            train_examples=run.dataset.train_examples,
            test_examples=run.dataset.test_examples,
            shards=len(index.train),
        ),
        metrics={
            "test_accuracy": accuracy,
            "final_training_loss": run.log[-1]["loss"],
            "onnx_max_abs_difference": difference,
        },
        model=ModelSignature(
            input=TensorSignature(name=export.INPUT_NAME, dtype="float32", shape=(None, *index.input_shape)),
            output=TensorSignature(name=export.OUTPUT_NAME, dtype="float32", shape=(None, len(index.labels))),
            labels=index.labels,
        ),
    )
    run.progress.say(f"published {job.models_uri}: test accuracy {accuracy:.4f}, {len(manifest.artifacts)} artifacts")
