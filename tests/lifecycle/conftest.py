"""What the tests of a stack's life share: a stand-in for Google Cloud."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.teardown import google_descriptions
from tests.lifecycle.teardown.google_stand_in import GoogleStandIn, google_stand_in


@pytest.fixture(scope="session")
def running_google() -> Iterator[GoogleStandIn]:
    """One server for all tests of a worker."""
    with google_stand_in() as cloud:
        yield cloud


@pytest.fixture
def google(
    running_google: GoogleStandIn, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GoogleStandIn]:
    """An empty project, and this process's environment made to use it.

    Whatever is asked and answered in a test is held against Google's own descriptions, where they are installed.
    """
    running_google.reset()
    use(running_google, tmp_path_factory.mktemp("google"), monkeypatch)
    yield running_google
    if google_descriptions.are_there():
        assert {
            problem for each in running_google.exchanges if (problem := google_descriptions.problem_of(each))
        } == set()


def use(cloud: GoogleStandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process's environment the one that uses the cloud.

    :param folder: Where the key of a service account is put.
    """
    from google.auth.credentials import CredentialsWithRegionalAccessBoundary

    # In a thread of its own it asks an address, which cannot be said, where the account may be used.
    monkeypatch.setattr(
        CredentialsWithRegionalAccessBoundary, "_maybe_start_regional_access_boundary_refresh", lambda *_: None
    )
    for name in os.environ:
        if name.startswith(("GOOGLE_", "GCLOUD_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    for name, value in cloud.environment(folder).items():
        monkeypatch.setenv(name, value)
