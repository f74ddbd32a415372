"""One control plane for all tests that want one, and the marks that keep those tests together.

In the `conftest.py` of a folder:

    from tests.controlplane.fixture import control_plane

    __all__ = ["control_plane"]

In a test file there:

    from tests.controlplane.fixture import ON_CONTROL_PLANE

    pytestmark = ON_CONTROL_PLANE

    def test_…(control_plane: ControlPlane) -> None: …

The tests share it: each uses namespaces and nodes of its own and removes its nodes.
"""

from collections.abc import Iterator

import pytest

from tests.controlplane.build import find_or_build, unavailable
from tests.controlplane.control_plane import ControlPlane

_BUILD_SECONDS = 1800

ON_CONTROL_PLANE = [
    # So that there is one for all workers.
    pytest.mark.xdist_group("controlplane"),
    # The first of them may have to build it.
    pytest.mark.timeout(_BUILD_SECONDS),
]


_shared: list[ControlPlane] = []


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A control plane with Kueue and all custom resource definitions; the tests skip where it cannot be built."""
    if reason := unavailable():
        pytest.skip(reason)
    # For pytest, the fixture is another one in every folder that imports it.
    if not _shared:
        _shared.append(ControlPlane(find_or_build(), kueue=True).__enter__())
    yield _shared[0]
    # At the end of the session, where nothing is run any more.
    _shared[0].close()
