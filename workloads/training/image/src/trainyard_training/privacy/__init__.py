"""Differentially private training: DP-SGD (Abadi et al., arXiv:1607.00133) by Opacus.

- ``accounting``: how much noise the budget asks for, and what the steps made have spent.
- ``fitness``: what of a model would break the guarantee; what of a job would is told by its specification.
- ``secret``: the random numbers that nobody may know: whom a step takes, and its noise.
- ``sampling``: whom a step takes.
- ``steps``: one step: each example's gradient clipped, the sum noised.
- ``privately``: all of it, as one run has it.

``docs/privacy.md`` says what is guaranteed and what is not.
"""

from trainyard_training.privacy.privately import Privately, prepare_privacy
from trainyard_training.privacy.sampling import PoissonSampling

__all__ = ["PoissonSampling", "Privately", "prepare_privacy"]
