"""All that is done with a trained model before it is published: variants, evaluation, pictures."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from trainyard_artifacts.manifest import MODEL_NAME
from trainyard_training.choices import Report, Variants
from trainyard_training.data.examples import Examples
from trainyard_training.finishing import pictures, saliency
from trainyard_training.finishing.evaluation import Evaluation, evaluate
from trainyard_training.finishing.pruning import Tune
from trainyard_training.finishing.table import Measured, NotMade, choose, table_document, table_markdown
from trainyard_training.finishing.variants import AllVariants, Variant, make_variants

VARIANTS_NAME = "variants.md"
CONFUSIONS_NAME = "confusion_matrix.png"
TRAINING_NAME = "training_curve.png"
SALIENCY_NAME = "saliency.png"

_ROWS_FOR_IMPORTANCE = 128


@dataclass(frozen=True)
class Finished:
    """What there is to publish."""

    artifacts: dict[str, bytes] = field(repr=False)
    """``model.onnx`` is the chosen variant; further the other published ones, the table and the pictures, by name."""
    report: dict[str, Any] = field(repr=False)
    """About the chosen variant and the choice, for JSON."""
    metrics: dict[str, float]
    """Of the chosen variant, all finite."""
    variants: tuple[Measured, ...]
    not_made: tuple[NotMade, ...]
    chosen: str
    published: dict[str, str]
    """By the name of each variant that is among the artifacts, the artifact's."""


def finish(
    model: nn.Module,
    train_sample: Examples,
    test: Examples,
    *,
    labels: tuple[str, ...],
    input_shape: tuple[int, ...],
    history: Sequence[Mapping[str, Any]],
    variants: Variants,
    report: Report,
    say: Callable[[str], None],
    least_accuracy: float = 0.0,
    tune: Tune | None = None,
) -> Finished:
    """Make and compare the variants, choose one, and report on it.

    :param model: As trained, on the CPU; it is left as it is.
    :param train_sample: Raw training examples, some hundreds, for static quantisation.
    :param test: The test split.
    :param labels: Names, by position.
    :param history: Entries of the step log.
    :param say: Takes a line about what was made.
    :param least_accuracy: A variant below it is not chosen.
    :param tune: Trains a pruned model a little more, in place, such as ``tuning.tune_on`` makes it.

    Raises:
        ModelRefusedError: the model cannot be exported, or its export computes something else.
    """
    all_variants = make_variants(
        model,
        train_sample,
        test,
        input_shape=input_shape,
        names=variants.names,
        pruned_share=variants.pruned_share,
        tune=tune,
    )
    rows = all_variants.rows
    row = choose(rows, variants.choose, accuracy_loss=variants.accuracy_loss, least_accuracy=least_accuracy)
    chosen = next(variant for variant in all_variants.made if variant.measured is row)
    models = _published(all_variants, row, variants.publish)
    _tell(all_variants, row, models, say)
    evaluation = evaluate(chosen.logits, test.labels, labels)
    artifacts = {
        **{artifact: variant.model for artifact, variant in models.items()},
        VARIANTS_NAME: table_markdown(rows, all_variants.not_made, row.name).encode(),
    }
    if report.pictures:
        artifacts |= _draw(model, test, evaluation, chosen.logits, labels, history, report.saliency_images)
    return Finished(
        artifacts=artifacts,
        report=_report(evaluation, all_variants, row),
        metrics={
            "test_accuracy": evaluation.accuracy,
            "test_loss": evaluation.loss,
            "macro_f1": evaluation.macro_f1,
            "expected_calibration_error": evaluation.expected_calibration_error,
            "onnx_max_abs_difference": all_variants.largest_difference,
        },
        variants=rows,
        not_made=all_variants.not_made,
        chosen=row.name,
        published={variant.measured.name: artifact for artifact, variant in models.items()},
    )


def _published(all_variants: AllVariants, chosen: Measured, asked: Collection[str]) -> dict[str, Variant]:
    """The variants to publish by what their artifacts are called; the chosen one is the first."""
    names = {
        row.name: MODEL_NAME if row is chosen else f"model.{row.name}.onnx"
        for row in all_variants.rows
        if row is chosen or row.name in asked
    }
    found = {names[each.measured.name]: each for each in all_variants.made if each.measured.name in names}
    return {MODEL_NAME: found.pop(MODEL_NAME), **found}


def _tell(all_variants: AllVariants, chosen: Measured, published: Collection[str], say: Callable[[str], None]) -> None:
    trained, *others = all_variants.rows
    say(f"exported to ONNX: {trained.bytes / 1024:.0f} KiB, largest difference {all_variants.largest_difference:.1e}")
    for row in others:
        say(
            f"variant {row.name}: {row.bytes / 1024:.0f} KiB, test accuracy {row.test_accuracy:.4f},"
            f" {row.latency_ms:.3f} ms, as trained {trained.test_accuracy:.4f} and {trained.latency_ms:.3f} ms"
        )
    for each in all_variants.not_made:
        say(f"variant {each.name} was not made: {' '.join(each.reason.split())}")
    if others:
        say(f"chosen: {chosen.name}")
    if len(published) > 1:
        say(f"published: {', '.join(published)}")


def _report(evaluation: Evaluation, all_variants: AllVariants, chosen: Measured) -> dict[str, Any]:
    about = asdict(evaluation)
    about["test_accuracy"], about["test_loss"] = about.pop("accuracy"), about.pop("loss")
    return {
        **about,
        "onnx_max_abs_difference": all_variants.largest_difference,
        "variants": table_document(all_variants.rows, all_variants.not_made, chosen.name),
    }


def _draw(
    model: nn.Module,
    test: Examples,
    evaluation: Evaluation,
    logits: NDArray[np.float32],
    labels: tuple[str, ...],
    history: Sequence[Mapping[str, Any]],
    saliency_images: int,
) -> dict[str, bytes]:
    """The pictures, by artifact. Saliency is of the model as trained: a quantised one has no gradients."""
    drawn = {CONFUSIONS_NAME: pictures.draw_confusions(evaluation.confusion_matrix, labels)}
    if history:
        drawn[TRAINING_NAME] = pictures.draw_training(history)
    if not saliency_images:
        return drawn
    answers = logits.argmax(axis=1)
    if test.inputs.ndim != 4:
        some = slice(0, _ROWS_FOR_IMPORTANCE)
        salient = saliency.attributions(model, test.inputs[some], answers[some])
        drawn[SALIENCY_NAME] = pictures.draw_importance(salient.reshape(len(salient), -1))
        return drawn
    looked_at = saliency.choose_examples(test.labels, answers, saliency_images)
    images = test.inputs[looked_at]
    drawn[SALIENCY_NAME] = pictures.draw_saliency(
        images,
        saliency.attributions(model, images, answers[looked_at]),
        [labels[label] for label in test.labels[looked_at]],
        [labels[answer] for answer in answers[looked_at]],
    )
    return drawn
