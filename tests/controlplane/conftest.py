"""The control plane for the tests of this folder."""

from tests.controlplane.fixture import control_plane

__all__ = ["control_plane"]
