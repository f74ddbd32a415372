"""What makes one run a private one: its budget and its secret, and the samples and steps that come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn
from torch.optim import Optimizer

from trainyard_artifacts.specification import SpecificationError
from trainyard_training.privacy.accounting import Budget, plan_budget
from trainyard_training.privacy.fitness import unfit
from trainyard_training.privacy.sampling import PoissonSampling
from trainyard_training.privacy.secret import SecretRandom
from trainyard_training.specification import TrainingSpecification
from trainyard_training.workers import Workers

if TYPE_CHECKING:
    from trainyard_training.privacy.steps import PrivateSteps


@dataclass(frozen=True)
class Privately:
    """The same on every worker."""

    budget: Budget
    random: SecretRandom

    def sampling(self, shard_sizes: Sequence[int], streams: int) -> PoissonSampling:
        """What draws each step's examples."""
        return PoissonSampling(shard_sizes, streams, self.budget.sample_rate, self.random)

    def steps(self, model: nn.Module, optimizer: Optimizer, workers: Workers, batch_size: int) -> "PrivateSteps":
        """What makes private steps of a model; ``batch_size`` is that of all workers together, on average."""
        # Opacus takes a second to import, which only private runs spend.
        from trainyard_training.privacy.steps import PrivateSteps

        return PrivateSteps(model, optimizer, workers, budget=self.budget, random=self.random, batch_size=batch_size)


def prepare_privacy(
    job: TrainingSpecification, workers: Workers, model: nn.Module, train_examples: int, total_steps: int
) -> Privately | None:
    """The budget, with noise for exactly ``total_steps`` steps, and a new secret; None where no privacy is asked for.

    Raises:
        SpecificationError: the job, the model or the budget does not fit; nothing has been trained.
    """
    if job.privacy is None:
        return None
    problems = unfit(job, model)
    try:
        budget = plan_budget(
            job.privacy, batch_size=job.global_batch_size, train_examples=train_examples, steps=total_steps
        )
    except SpecificationError as error:
        problems.append(str(error))
    if problems:
        raise SpecificationError("\n".join(problems))
    return Privately(budget, SecretRandom(workers.from_first(SecretRandom.new_secret() if workers.is_first else None)))
