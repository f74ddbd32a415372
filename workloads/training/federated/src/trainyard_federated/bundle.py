"""The Flower app bundle: the only thing by which a coordinator could bring code to a site, and here it brings none.

It names two objects of this package, which every machine has of its own; a site refuses any other bundle.
"""

import hashlib

_PROJECT = """\
[project]
name = "trainyard-federated-app"
version = "1.0.0"
dependencies = []

[tool.flwr.app]
publisher = "trainyard"

[tool.flwr.app.components]
serverapp = "trainyard_federated.server_app:app"
clientapp = "trainyard_federated.client_app:app"
"""


class ForeignAppError(Exception):
    """The coordinator wants something else to be run than this package."""


def build_bundle() -> bytes:
    """The bundle; the same bytes on every machine with the same version."""
    from flwr.cli.build import build_fab_from_files

    bundle, _ = build_fab_from_files({"pyproject.toml": _PROJECT.encode()})
    return bytes(bundle)


def require_ours(bundle: bytes, ours_sha256: str) -> None:
    """Check that a bundle that came from the coordinator is ours.

    Raises:
        ForeignAppError: it is another one.
    """
    found = hashlib.sha256(bundle).hexdigest()
    if found != ours_sha256:
        raise ForeignAppError(f"refused to run an app with sha256 {found}; this site runs only {ours_sha256}")
