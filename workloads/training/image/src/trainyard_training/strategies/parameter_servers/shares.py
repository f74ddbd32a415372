"""How a flat vector is cut into the servers' parts."""

from itertools import pairwise


def cut(length: int, servers: int) -> tuple[slice, ...]:
    """Contiguous parts of ``length`` numbers, in order, whose sizes differ by at most one.

    Raises:
        ValueError: a server would have nothing to hold.
    """
    if not 1 <= servers <= length:
        raise ValueError(
            f"strategy.servers is {servers}, but {length} parameters can be shared by 1 to {length} servers"
        )
    ends = [length * number // servers for number in range(servers + 1)]
    return tuple(slice(start, end) for start, end in pairwise(ends))
