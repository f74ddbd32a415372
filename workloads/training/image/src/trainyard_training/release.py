"""From the trained weights to a published model: evaluated, exported, compared, encrypted and signed."""

from trainyard_artifacts.manifest import DataVersion, ModelSignature, TensorSignature, Variant
from trainyard_training.data.examples import Examples, encode_examples
from trainyard_training.evaluation import measure_accuracy
from trainyard_training.failures import ModelRefusedError
from trainyard_training.finishing.assembly import finish
from trainyard_training.finishing.export import INPUT_NAME, OUTPUT_NAME
from trainyard_training.finishing.tuning import tune_on
from trainyard_training.models import DataShape, build_model
from trainyard_training.publish import LOG_NAME, REPORT_NAME, TEST_EXAMPLES_NAME, encode_report, origin_of, publish
from trainyard_training.reporting.attempt_notes import DONE
from trainyard_training.reporting.step_log import encode_log
from trainyard_training.run import Run


def release(run: Run) -> None:
    """Evaluate on all workers; then the first one makes the variants and the report, and publishes.

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
    privacy = None if run.privately is None else run.privately.budget.spent(run.learner.step_number)
    if privacy is not None:
        run.progress.say(
            f"differential privacy: {run.learner.step_number} steps have spent epsilon {privacy.epsilon:.4g}"
            f" for delta {privacy.delta:g}"
        )
    # A private run's training examples are not looked at again; the variants that would need them are refused.
    sample = run.batches.sample() if run.privately is None else Examples(test.inputs[:0], test.labels[:0])
    finished = finish(
        model,
        sample,
        test,
        labels=index.labels,
        input_shape=index.input_shape,
        history=run.log,
        variants=job.variants,
        report=job.report,
        say=run.progress.say,
        least_accuracy=job.target_accuracy,
        tune=tune_on(sample, seed=job.seed) if len(sample) else None,
    )
    report = {
        **finished.report,
        "training_loss": [{"step": entry["step"], "loss": entry["loss"]} for entry in run.log],
        "steps": run.learner.step_number,
        "workers": run.workers.count,
        "specification": job.model_dump(mode="json"),
        "privacy": None if privacy is None else privacy.model_dump(mode="json"),
    }
    manifest = publish(
        origin_of(job),
        job.models_uri,
        run.envelope,
        {
            **finished.artifacts,
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
        # The loss is measured without noise, so it is none of what a private run may tell in clear text.
        metrics={**finished.metrics, **({"final_training_loss": run.log[-1]["loss"]} if privacy is None else {})},
        privacy=privacy,
        variants=[
            Variant(
                name=row.name,
                bytes=row.bytes,
                accuracy=row.test_accuracy,
                latency_ms=row.latency_ms,
                artifact=finished.published.get(row.name),
            )
            for row in finished.variants
        ],
        chosen_variant=finished.chosen,
        model=ModelSignature(
            input=TensorSignature(name=INPUT_NAME, dtype="float32", shape=(None, *index.input_shape)),
            output=TensorSignature(name=OUTPUT_NAME, dtype="float32", shape=(None, len(index.labels))),
            labels=index.labels,
            largest_value=index.largest_value,
        ),
    )
    if run.attempt is not None:
        run.attempt.end(DONE)
    run.progress.say(f"published {job.models_uri}: test accuracy {accuracy:.4f}, {len(manifest.artifacts)} artifacts")
