"""Federated averaging (McMahan et al., arXiv:1602.05629), as the coordinator sees it: round after round.

In each round a share of the sites trains the global model on its own data, the models that come back are averaged, each
weighted by the examples that it was trained on, and all sites say how many of their own test examples the average gets
right. How a message reaches a site is behind ``Sites``; nothing here knows Flower.

A round that is done is in a checkpoint, so a coordinator that is killed does that round again and no other.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.specification import SpecificationError
from trainyard_federated.specification import FederatedSpecification
from trainyard_training.failures import DivergedError

Weights = Mapping[str, NDArray[np.float32]]
"""A model's parameters by name."""

FAILED_ROUNDS = 3
"""So many attempts at a round in a row may come to nothing."""


class SitesMissingError(Exception):
    """Too few sites take part to go on."""


@dataclass(frozen=True)
class Update:
    """The average of what came back from one round's training."""

    weights: Weights
    loss: float
    """Mean training loss, weighted by examples."""
    examples: Mapping[str, int]
    """Training examples by site."""


@dataclass(frozen=True)
class SiteReport:
    """What a site says about its data: counts, and a hash that holds the version."""

    index_sha256: str
    shards: int
    train_examples: int
    test_examples: int


@dataclass(frozen=True)
class Evaluation:
    """What the sites say about one model."""

    accuracy: float
    """Share of all their test examples."""
    reports: Mapping[str, SiteReport]
    """By site."""


class Sites(Protocol):
    """The sites, as the coordinator can speak to them."""

    def online(self) -> Sequence[str]:
        """Names of those that can be reached now."""

    def train(self, names: Sequence[str], round_number: int, weights: Weights, seconds: float) -> Update | None:
        """Let sites train the model; None where none has sent an update in time."""

    def evaluate(self, names: Sequence[str], round_number: int, weights: Weights, seconds: float) -> Evaluation | None:
        """Let sites evaluate the model; None where none has answered in time."""


@dataclass(frozen=True)
class State:
    """Where a run is: what a checkpoint holds."""

    weights: Weights
    rounds: tuple[dict[str, Any], ...] = ()
    """What is logged of each round that is done."""
    reports: Mapping[str, SiteReport] | None = None
    """Of the last evaluation that was answered."""

    @property
    def accuracy(self) -> float | None:
        """Of these weights, None where no site has evaluated them."""
        return self.rounds[-1]["accuracy"] if self.rounds else None


@dataclass(frozen=True)
class Clock:
    """When the run has to stop, and how it waits."""

    end: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def left(self) -> float:
        """Seconds until the end; not negative."""
        return max(self.end - self.now(), 0.0)


def run_rounds(
    job: FederatedSpecification,
    sites: Sites,
    state: State,
    clock: Clock,
    done: Callable[[State], None],
    say: Callable[[str], None],
) -> State:
    """Make the rounds that ``state`` has not made yet, and return the last state; time may have run out before.

    Args:
        done: called with the state after each round: keeps it.
        say: tells people one line.

    Raises:
        SitesMissingError: three attempts at a round in a row had fewer updates than ``minimum_sites``.
        DivergedError: the loss or a weight is no longer a finite number; the last round kept is from before.
    """
    failed = 0
    wait_for_sites(job, sites, clock, len(job.sites))
    while len(state.rounds) < job.rounds and clock.left():
        number = len(state.rounds) + 1
        began = clock.now()
        online = wait_for_sites(job, sites, clock, job.minimum_sites)
        update = sites.train(sampled(job, number, online), number, state.weights, min(job.round_seconds, clock.left()))
        if update is None or len(update.examples) < job.minimum_sites:
            failed += 1
            came = 0 if update is None else len(update.examples)
            if failed == FAILED_ROUNDS and clock.left():
                raise SitesMissingError(
                    f"round {number} had updates of {came} sites, for the {FAILED_ROUNDS}rd time in a row fewer than"
                    f" minimum_sites, which is {job.minimum_sites}; the rounds before it are kept"
                )
            say(f"round {number}/{job.rounds} is repeated: {came} updates, minimum_sites is {job.minimum_sites}")
            continue
        failed = 0
        require_finite(job, number, update)
        evaluation = sites.evaluate(sites.online(), number, update.weights, min(job.round_seconds, clock.left()))
        entry = log_entry(job, number, update, evaluation, clock.now() - began)
        reports = state.reports if evaluation is None else {**(state.reports or {}), **evaluation.reports}
        state = State(update.weights, (*state.rounds, entry), reports)
        done(state)
        say(progress_line(job, entry))
    return state


def wait_for_sites(job: FederatedSpecification, sites: Sites, clock: Clock, count: int) -> Sequence[str]:
    """Wait until ``count`` sites can be reached, or a round's time is over; returns those that can."""
    end = clock.now() + min(job.round_seconds, clock.left())
    while len(online := sites.online()) < count and clock.now() < end:
        clock.sleep(0.2)
    return online


def sampled(job: FederatedSpecification, round_number: int, online: Sequence[str]) -> list[str]:
    """The sites that train in a round, drawn by (seed, round) from those that can be reached."""
    names = sorted(site.name for site in job.sites)
    drawn = np.random.default_rng([job.seed, round_number]).permutation(len(names))
    there = [names[position] for position in drawn if names[position] in online]
    return there[: job.sampled_sites]


def require_finite(job: FederatedSpecification, round_number: int, update: Update) -> None:
    """Check that training has not diverged.

    Raises:
        DivergedError: a number is NaN or infinite.
    """
    if not math.isfinite(update.loss) or not all(np.isfinite(each).all() for each in update.weights.values()):
        raise DivergedError(
            f"round {round_number} has diverged: its loss is {update.loss} (learning_rate {job.learning_rate:g});"
            " the round before it is kept"
        )


def log_entry(
    job: FederatedSpecification, number: int, update: Update, evaluation: Evaluation | None, seconds: float
) -> dict[str, Any]:
    """One line of the round log."""
    return {
        "round": number,
        "rounds": job.rounds,
        "seconds": round(seconds, 3),
        "training_loss": update.loss,
        "training_examples": dict(sorted(update.examples.items())),
        "accuracy": None if evaluation is None else evaluation.accuracy,
        "test_examples": {}
        if evaluation is None
        else {name: report.test_examples for name, report in sorted(evaluation.reports.items())},
    }


def progress_line(job: FederatedSpecification, entry: dict[str, Any]) -> str:
    """What the user reads about a round."""
    accuracy = "unknown" if entry["accuracy"] is None else f"{entry['accuracy']:.4f}"
    return (
        f"round {entry['round']}/{job.rounds}  {len(entry['training_examples'])} of {len(job.sites)} sites"
        f"  loss {entry['training_loss']:.4f}  accuracy {accuracy} on {sum(entry['test_examples'].values())} test"
        f" examples  {entry['seconds']:.1f} s"
    )


def require_same_training(job: FederatedSpecification, agreed: Mapping[str, Any]) -> None:
    """Check that a checkpoint is of what the job file asks for.

    Raises:
        SpecificationError: it is not; every field that differs is told.
    """
    differences = [
        f"{field} is {value!r}, was {agreed.get(field)!r}"
        for field, value in job.agreed().items()
        if agreed.get(field) != value
    ]
    if differences:
        raise SpecificationError(
            f"the checkpoints at {job.coordinator.checkpoints_uri} are of another training: {'; '.join(differences)}."
            " Name another run with a checkpoints_uri of its own, or specify what was specified before"
        )
