"""Bounded staleness, whatever order workers come in."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard_training.strategies.parameter_servers.clocks import Clocks


@dataclass
class Simulation:
    """Workers that make steps in an order of somebody's choosing."""

    workers: int
    staleness: int
    totals: list[int]
    start: int = 0
    made: list[int] = field(init=False)
    computing: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)
    largest_gap: int = 0

    def __post_init__(self) -> None:
        self.made = [self.start] * self.workers
        self.clocks = Clocks(self.workers, self.start)

    def is_through(self, worker: int) -> bool:
        return self.made[worker] in (self.totals[worker], self.clocks.stop_step)

    def able(self) -> list[int]:
        """Workers that can do something."""
        return [
            worker
            for worker in range(self.workers)
            if worker not in self.finished
            and (
                worker in self.computing
                or self.is_through(worker)
                or self.clocks.may_start(self.made[worker], self.staleness)
            )
        ]

    def act(self, worker: int) -> None:
        if worker in self.computing:
            self.computing.remove(worker)
            self.made[worker] += 1
            self.clocks.advance(worker)
        elif self.is_through(worker):
            self.finished.add(worker)
            self.clocks.finish(worker)
        else:
            self.clocks.start(self.made[worker])
            self.computing.add(worker)
            others = [self.made[other] for other in range(self.workers) if other not in self.finished]
            self.largest_gap = max(self.largest_gap, self.made[worker] - min(others))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_worker_starts_more_than_staleness_ahead_and_all_come_to_their_end(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 4))
    totals = data.draw(st.lists(st.integers(5, 9), min_size=workers, max_size=workers))
    simulation = Simulation(workers, data.draw(st.integers(0, 3)), totals, start=5)

    while len(simulation.finished) < workers:
        able = simulation.able()
        assert able, "deadlock"
        simulation.act(data.draw(st.sampled_from(able)))

    assert simulation.largest_gap <= simulation.staleness
    assert simulation.made == totals
    assert simulation.clocks.slowest == float("inf")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_all_stop_at_the_same_step_and_none_is_asked_back(data: st.DataObject) -> None:
    workers = data.draw(st.integers(1, 4))
    simulation = Simulation(workers, data.draw(st.integers(0, 3)), [99] * workers)
    for _ in range(data.draw(st.integers(0, 30))):
        simulation.act(data.draw(st.sampled_from(simulation.able())))

    furthest_started = max(made + (worker in simulation.computing) for worker, made in enumerate(simulation.made))
    simulation.clocks.request_stop()
    stop_step = simulation.clocks.stop_step
    while len(simulation.finished) < workers:
        simulation.act(data.draw(st.sampled_from(simulation.able())))
        simulation.clocks.request_stop()

    assert stop_step is not None
    assert simulation.made == [stop_step] * workers
    assert stop_step == furthest_started


def test_the_fastest_is_exactly_staleness_ahead_when_the_slowest_does_nothing() -> None:
    clocks = Clocks(workers=2)

    for step in range(3):
        assert clocks.may_start(step, ahead=2)
        clocks.advance(0)

    assert not clocks.may_start(3, ahead=2)
    assert clocks.may_start(0, ahead=0)
    clocks.finish(1)
    assert clocks.may_start(3, ahead=0)
