"""What of a model cannot be trained with differential privacy, told before anything is.

What of the settings cannot is told by the specification itself, when it is read.
"""

from torch import nn

from trainyard_training.specification import TrainingSpecification


def unfit(job: TrainingSpecification, model: nn.Module) -> list[str]:
    """Each part of the model by which more than clipped and noised steps would be learned from."""
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
