"""The job file ``FEDERATED.json``: what the coordinator and all sites have agreed on, and where each one's things are.

It holds no secret: an identity is named by the file that its credentials are in. ``docs/federated.md`` shows a whole
one.
"""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from trainyard_artifacts.manifest import ObjectName
from trainyard_artifacts.specification import KeyUri, Specification
from trainyard_training.choices import ModelChoice, Optimization
from trainyard_training.store_uri import StoreUri

WHAT_IS_AGREED = (
    "job",
    "run",
    "rounds",
    "local_epochs",
    "batch_size",
    "learning_rate",
    "seed",
    "examples",
    "model",
    "optimization",
)
"""The fields that decide what is trained. A site trains only where its own copy of the file says the same in them."""


def _absolute(path: str) -> str:
    if not Path(path).is_absolute():
        raise ValueError("expected an absolute path")
    return path


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class ExampleShape(Specification):
    """What an example looks like at every site. The coordinator, which sees none, has to know it to make the model."""

    input_shape: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=4, strict=False)
    """Of one example: (channels, height, width) of images, (features) of others."""
    largest_value: int | None = Field(ge=1)
    """Values are whole numbers from 0 to this; null: any, already of the order of 1."""
    labels: tuple[str, ...] = Field(min_length=2, strict=False)
    """Names of the labels, in the order of their numbers. A site need not have examples of all of them."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if repeated := [label for label, count in Counter(self.labels).items() if count > 1]:
            raise ValueError(f"labels must differ, found more than one {', '.join(repeated)}")
        return self


class Coordinator(Specification):
    """The server's own places; its identity needs no other."""

    models_uri: StoreUri
    checkpoints_uri: StoreUri
    encryption_key_uri: KeyUri
    """The key-encryption key for checkpoints and model."""
    environment_file: AbsolutePath | None = None
    """Lines of ``NAME=value`` with the identity's credentials, for its owner's eyes only; null: the environment that
    the command is run in."""
    keep_checkpoints: int = Field(default=3, ge=1, le=1000)


class Site(Specification):
    """One holder of data."""

    name: ObjectName
    datasets_uri: StoreUri
    """A data set as ``trainyard_training.dataset`` writes it, with a test part of its own."""
    environment_file: AbsolutePath
    """Lines of ``NAME=value`` with the credentials that reach ``datasets_uri`` and no other place, for its owner's eyes
    only."""


class FederatedSpecification(Specification):
    """What is trained together, in how many rounds, and by whom."""

    job: ObjectName
    run: ObjectName
    """Identifies this run among the job's; the same specification resumes the same run."""
    rounds: int = Field(ge=1, le=10_000)
    local_epochs: int = Field(default=1, ge=1, le=1000)
    """Times that a site goes through its training examples in each round (E of McMahan et al., arXiv:1602.05629)."""
    batch_size: int = Field(default=32, ge=1, le=65_536)
    """Examples a step of a site's training (B)."""
    learning_rate: float = Field(gt=0, le=10, strict=False)
    fraction_of_sites: float = Field(default=1.0, gt=0, le=1, strict=False)
    """Share of all sites that train in each round (C), at least one; all of them evaluate."""
    minimum_sites: int = Field(default=1, ge=1)
    """A round with fewer updates than this is repeated, with whoever is there."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides initial weights, each round's sites and the order of their examples."""
    examples: ExampleShape
    model: ModelChoice = ModelChoice()
    optimization: Optimization = Optimization(optimizer="sgd", schedule="constant", weight_decay=0.0)
    """Of the sites' training, begun anew in each round: the optimiser's state stays where it was made."""
    target_accuracy: float = Field(ge=0, le=1, strict=False)
    """Share of all sites' test examples. A model below it is not published."""
    round_seconds: float = Field(default=600, gt=0, strict=False)
    """How long the coordinator waits for updates, and then again for evaluations."""
    max_runtime_seconds: float = Field(gt=0, strict=False)
    """After so long, measured from the coordinator's start, the run stops, to go on when it is run again."""
    coordinator: Coordinator
    sites: tuple[Site, ...] = Field(min_length=1, max_length=1000, strict=False)

    def site(self, name: str) -> Site | None:
        """The site of that name."""
        return next((site for site in self.sites if site.name == name), None)

    def agreed(self) -> dict[str, Any]:
        """What is trained, as plain values by field."""
        agreed: dict[str, Any] = self.model_dump(mode="json", include=set(WHAT_IS_AGREED))
        return agreed

    def agreed_sha256(self) -> str:
        """Identifies what is trained: equal where, and only where, all of ``agreed`` is."""
        return hashlib.sha256(json.dumps(self.agreed(), sort_keys=True).encode()).hexdigest()

    @model_validator(mode="after")
    def _all_fits(self) -> Self:
        problems = [*self._problems_of_sites(), *self._problems_of_places(), *self._problems_of_training()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems_of_sites(self) -> list[str]:
        problems = []
        for field in ("name", "datasets_uri", "environment_file"):
            counts = Counter(getattr(site, field) for site in self.sites)
            repeated = [value for value, count in counts.items() if count > 1]
            problems += [f"sites: {value} is the {field} of more than one; each has its own" for value in repeated]
        if self.minimum_sites > self.sampled_sites:
            problems.append(
                f"minimum_sites: {self.minimum_sites} are more than train in a round, which are {self.sampled_sites}"
                f" (fraction_of_sites {self.fraction_of_sites:g} of {len(self.sites)} sites)"
            )
        return problems

    @property
    def sampled_sites(self) -> int:
        """Sites that are asked to train in a round: max(C · K, 1)."""
        return max(round(self.fraction_of_sites * len(self.sites)), 1)

    def _problems_of_places(self) -> list[str]:
        problems = []
        ours = {"models_uri": self.coordinator.models_uri, "checkpoints_uri": self.coordinator.checkpoints_uri}
        if len({*ours.values()}) < len(ours):
            problems.append("coordinator: checkpoints_uri and models_uri must differ: serving reads only one of them")
        for field, uri in ours.items():
            problems += [
                f"coordinator.{field}: {uri} is in the place of site {site.name}, which is for that site alone"
                for site in self.sites
                if f"{uri}/".startswith(f"{site.datasets_uri}/")
            ]
        files = {site.environment_file: site.name for site in self.sites}
        if self.coordinator.environment_file in files:
            name = files[self.coordinator.environment_file]
            problems.append(f"coordinator.environment_file: it is that of site {name}; each has its own identity")
        return problems

    def _problems_of_training(self) -> list[str]:
        problems = []
        if self.optimization.schedule != "constant":
            problems.append(
                f"optimization.schedule: expected constant, as every round begins anew, found"
                f" {self.optimization.schedule!r}"
            )
        if self.optimization.accumulate_steps != 1:
            problems.append(f"optimization.accumulate_steps: expected 1, found {self.optimization.accumulate_steps}")
        return problems
