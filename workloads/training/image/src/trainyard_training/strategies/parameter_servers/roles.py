"""Which processes of a group are workers and which are parameter servers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Roles:
    """The last ``servers`` ranks of ``world`` are servers, so that rank 0 is the first worker, as elsewhere.

    Raises:
        ValueError: no worker or no server is left.
    """

    rank: int
    """Of this process."""
    world: int
    """Processes in the group."""
    servers: int
    """Those that hold parameters."""

    def __post_init__(self) -> None:
        if not 1 <= self.servers < self.world:
            raise ValueError(
                f"strategy.servers is {self.servers}, but of {self.world} processes at least one has to be a worker and"
                f" at least one a server: start servers + workers processes"
            )

    @property
    def workers(self) -> int:
        """How many processes compute."""
        return self.world - self.servers

    @property
    def is_server(self) -> bool:
        """Whether this process holds parameters."""
        return self.rank >= self.workers

    @property
    def is_first(self) -> bool:
        """Whether this process is the worker that starts the servers and takes checkpoints."""
        return self.rank == 0

    @property
    def worker_ranks(self) -> range:
        """Ranks that compute."""
        return range(self.workers)

    @property
    def server_ranks(self) -> range:
        """Ranks that hold parameters, in the order of their parts."""
        return range(self.workers, self.world)

    def name(self, rank: int) -> str:
        """What to call a process in a message."""
        return f"worker {rank}" if rank < self.workers else f"parameter server {rank - self.workers} (rank {rank})"
