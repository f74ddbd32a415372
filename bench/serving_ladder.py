"""What is made of the times of single requests: the load under which a server is compared.

A server is asked by more and more clients. It counts with the most requests a second that it answered while the 99th
percentile of their times was within a limit: the throughput at which others would compare it, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import BenchError
from planning.capacity.measurement import percentile

CLIENTS = (1, 4, 16, 64)
"""How many clients ask at the same time, each of them again as soon as it is answered."""
LIMIT_MILLISECONDS = 50.0
"""Of the 99th percentile."""


@dataclass(slots=True)
class Rung:
    """What a server did for so many clients; turns add up."""

    clients: int
    milliseconds: list[float] = field(default_factory=list)
    """Of each answered request."""
    seconds: float = 0.0
    """For how long it was asked."""
    client_seconds: float = 0.0
    """CPU time that the clients took meanwhile."""

    def add(self, other: "Rung") -> None:
        """One more turn with as many clients."""
        self.milliseconds += other.milliseconds
        self.seconds += other.seconds
        self.client_seconds += other.client_seconds

    @property
    def requests_a_second(self) -> float:
        """Answered ones."""
        return len(self.milliseconds) / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds within which 99 of 100 requests were answered. Raises BenchError where none was."""
        if not self.milliseconds:
            raise BenchError("no request was answered, so there is no percentile of their times")
        return percentile(self.milliseconds, 99)

    @property
    def busy(self) -> float:
        """The share of the time in which the clients computed: near 1, they are what is measured."""
        return self.client_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Chosen:
    """The load that a server is compared under."""

    rung: Rung
    within_limit: bool

    def __str__(self) -> str:
        rung = self.rung
        clients = "1 client" if rung.clients == 1 else f"{rung.clients} clients"
        beyond = "" if self.within_limit else f", never within {LIMIT_MILLISECONDS:g} ms"
        return f"{rung.requests_a_second:,.0f} a second, {clients}, p99 {rung.p99:.1f} ms{beyond}"


def choose(rungs: Mapping[int, Rung], limit: float = LIMIT_MILLISECONDS) -> Chosen:
    """The rung with the most requests a second of those whose p99 is within `limit` milliseconds.

    Where none is, it is the one with the lowest p99. Raises BenchError where a rung has no answers.
    """
    within = [rung for rung in rungs.values() if rung.p99 <= limit]
    if within:
        return Chosen(max(within, key=lambda rung: rung.requests_a_second), True)
    return Chosen(min(rungs.values(), key=lambda rung: rung.p99), False)
