"""The budget of a private run: how much noise keeps it, and what has been spent.

Accounted by Rényi differential privacy of the sampled Gaussian mechanism (Mironov, Talwar and Zhang, arXiv:1908.10530),
by Opacus: an upper bound, and one without a numerical error to be estimated, as the tighter PRV accountant has it.
Neighbours are data sets that differ in the presence of one example.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trainyard_artifacts.manifest import Privacy as SpentPrivacy
from trainyard_artifacts.specification import SpecificationError
from trainyard_training.choices import Privacy

# Share of the target by which the noise found may spend less than it.
_TOLERANCE = 0.01
_MOST_NOISE = 1e6


@dataclass(frozen=True)
class Budget:
    """What was asked for, and the noise that keeps it."""

    target_epsilon: float
    delta: float
    clip_norm: float
    sample_rate: float
    """Probability with which a step takes an example, each independently of all others."""
    noise_multiplier: float
    """Standard deviation of the noise, in units of ``clip_norm``."""

    def spent_epsilon(self, steps: int) -> float:
        """Epsilon, for ``delta``, of so many steps."""
        return epsilon_of(self.noise_multiplier, self.sample_rate, steps, self.delta) if steps else 0.0

    def spent(self, steps: int) -> SpentPrivacy:
        """As the manifest says it."""
        return SpentPrivacy(
            epsilon=self.spent_epsilon(steps),
            delta=self.delta,
            noise_multiplier=self.noise_multiplier,
            clip_norm=self.clip_norm,
        )

    def __str__(self) -> str:
        return (
            f"differential privacy: epsilon at most {self.target_epsilon:g} for delta {self.delta:g},"
            f" noise multiplier {self.noise_multiplier:.4g}, clip norm {self.clip_norm:g},"
            f" sample rate {self.sample_rate:.4g}"
        )


def plan_budget(privacy: Privacy, *, batch_size: int, train_examples: int, steps: int) -> Budget:
    """The least noise that keeps the budget over exactly so many steps.

    :param batch_size: Examples that a step takes on average, over all workers.

    Raises:
        SpecificationError: ``delta`` is too large to protect anybody, or no noise keeps ``target_epsilon``.
    """
    require_small_delta(privacy.delta, train_examples)
    sample_rate = batch_size / train_examples
    least = epsilon_of(_MOST_NOISE, sample_rate, steps, privacy.delta)
    if least >= privacy.target_epsilon:
        raise SpecificationError(
            f"privacy.target_epsilon: {privacy.target_epsilon:g} cannot be kept with delta {privacy.delta:g} by any"
            f" noise, as Opacus accounts for it; it must be more than {least:.3g}"
        )
    from opacus.accountants.utils import get_noise_multiplier

    with _any_order():
        noise_multiplier = get_noise_multiplier(
            target_epsilon=privacy.target_epsilon,
            target_delta=privacy.delta,
            sample_rate=sample_rate,
            steps=steps,
            accountant="rdp",
            epsilon_tolerance=_TOLERANCE * (privacy.target_epsilon - least),
        )
    return Budget(
        target_epsilon=privacy.target_epsilon,
        delta=privacy.delta,
        clip_norm=privacy.clip_norm,
        sample_rate=sample_rate,
        noise_multiplier=float(noise_multiplier),
    )


def require_small_delta(delta: float, train_examples: int) -> None:
    """Raises SpecificationError where ``delta`` would allow one example to be published as it is."""
    if delta * train_examples >= 1:
        raise SpecificationError(
            f"privacy.delta: {delta:g} must be less than 1 / {train_examples} training examples,"
            f" which is {1 / train_examples:.3g}"
        )


def epsilon_of(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> float:
    """What ``steps`` (at least 1) steps spend."""
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise_multiplier, sample_rate, steps)]
    with _any_order():
        return float(accountant.get_epsilon(delta=delta))


@contextmanager
def _any_order() -> Iterator[None]:
    """Without the warning that another order might give a smaller bound: each order gives a bound that holds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")
        yield
