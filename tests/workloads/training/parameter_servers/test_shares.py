"""Who holds what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard_training.strategies.parameter_servers.roles import Roles
from trainyard_training.strategies.parameter_servers.shares import cut


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda length: st.tuples(st.just(length), st.integers(1, min(length, 64)))))
def test_parts_are_equal_contiguous_and_everything(case: tuple[int, int]) -> None:
    length, servers = case

    parts = cut(length, servers)

    assert [number for part in parts for number in range(length)[part]] == list(range(length))
    sizes = [part.stop - part.start for part in parts]
    assert len(sizes) == servers
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) > 0


def test_more_servers_than_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="servers is 4, but 3 parameters can be shared by 1 to 3 servers"):
        cut(3, 4)


def test_the_first_ranks_are_workers_and_the_last_ones_servers() -> None:
    roles = [Roles(rank, world=5, servers=2) for rank in range(5)]

    assert [each.is_server for each in roles] == [False, False, False, True, True]
    assert [each.is_first for each in roles] == [True, False, False, False, False]
    assert (roles[0].workers, list(roles[0].server_ranks)) == (3, [3, 4])


@pytest.mark.parametrize("servers", [0, 3, 4])
def test_a_group_needs_a_worker_and_a_server(servers: int) -> None:
    with pytest.raises(ValueError, match=rf"servers is {servers}, but of 3 processes"):
        Roles(0, world=3, servers=servers)
