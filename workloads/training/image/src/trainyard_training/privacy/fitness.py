"""What of a job or of a model cannot be trained with differential privacy, told before anything is."""

from torch import nn

from trainyard_training.specification import TrainingSpecification

PRIVATE_VARIANTS = ("float32", "float16", "int8_dynamic")
"""Those that are made of the weights alone; the others look at training examples again."""


def unfit(job: TrainingSpecification, model: nn.Module) -> list[str]:
    """Each setting, and each part of the model, by which more than clipped and noised steps would be learned from."""
    return [*_unfit_settings(job), *_unfit_parts(job, model)]


def _unfit_settings(job: TrainingSpecification) -> list[str]:
    problems = []
    if job.computation.precision != "float32":
        problems.append(
            f"computation.precision: {job.computation.precision!r} would round the norms that privacy clips by;"
            " it must be 'float32'"
        )
    if job.computation.compile:
        problems.append("computation.compile: must be false where privacy follows each example's gradient")
    if job.stop_when is not None and job.stop_when.metric == "training_loss":
        problems.append(
            "stop_when.metric: 'training_loss' is measured on training examples without noise, so the run's length"
            " would tell of them; with privacy it must be 'test_accuracy'"
        )
    if others := [name for name in job.variants.names if name not in PRIVATE_VARIANTS]:
        problems.append(
            f"variants.names: {', '.join(others)} would learn from training examples without noise; with privacy there"
            f" are {', '.join(PRIVATE_VARIANTS)}"
        )
    return problems


def _unfit_parts(job: TrainingSpecification, model: nn.Module) -> list[str]:
    from opacus.validators import ModuleValidator

    problems = []
    for name, part in model.named_modules():
        reasons = []
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            # Opacus overlooks one without weights.
            reasons.append("normalises an example by the others of its batch")
        elif any(parameter.requires_grad for parameter in part.parameters(recurse=False)):
            if type(part) in ModuleValidator.VALIDATORS:
                reasons += [str(error) for error in ModuleValidator.VALIDATORS[type(part)](part)]
            if next(part.buffers(), None) is not None:
                reasons.append("has buffers, which no noise protects")
        if reasons:
            problems.append(
                f"model.name: {job.model.name!r} cannot be trained with privacy: its part {name or 'as a whole'!r}"
                f" ({type(part).__name__}) {'; '.join(' '.join(reason.split()) for reason in reasons)}"
            )
    return problems
