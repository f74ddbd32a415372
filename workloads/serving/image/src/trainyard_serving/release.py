"""Releases: which runs' models a service has side by side, and what share of the requests each answers.

A release is a version of the model in Triton's sense: clients that name a version are answered by exactly that one. A
request that names none goes, as Triton has it, to the highest version that there is. So that it goes where the shares
say, a version above all others is added where that is not so already: the split (see ``triton_model/split_model.py``).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from trainyard_artifacts.manifest import MODEL_NAME, ObjectName
from trainyard_artifacts.specification import Specification
from trainyard_artifacts.storage import StorageError, split_object_uri

MODEL_FILE = MODEL_NAME
"""The artifact that every run publishes, and what a model's file is called."""
LARGEST_VERSION = 999_999
SPLIT_VERSION = LARGEST_VERSION + 1
"""The version that requests without one go to where no release's own version is that."""
ALL_PERCENT = 100
MOST_RELEASES = 16


def _object_uri(uri: str) -> str:
    try:
        split_object_uri(uri)
    except StorageError:
        raise ValueError("expected the URI of an object, for example s3://BUCKET/FOLDER/manifest.json") from None
    return uri


class Release(Specification):
    """A run's model as one version of the service's model."""

    version: int = Field(ge=1, le=LARGEST_VERSION)
    """What clients name it by, and its folder."""
    manifest_uri: Annotated[str, AfterValidator(_object_uri)]
    """The manifest of the run."""
    run: ObjectName
    """The run that the manifest has to be of. Told beside it: who can write there can put another run's there."""
    variant: str = Field(default="", max_length=64)
    """Which of the run's variants, by its name in the manifest; empty for the one that the run has chosen."""
    percent: int = Field(ge=0, le=ALL_PERCENT)
    """Its share of the requests that name no version; with 0 it answers only those that name it."""

    @property
    def title(self) -> str:
        """For people."""
        return f"version {self.version} (run {self.run}{f', variant {self.variant}' if self.variant else ''})"

    @property
    def content(self) -> tuple[str, str, str]:
        """What it serves: equal for releases whose model is the same file."""
        return (self.manifest_uri, self.run, self.variant)


def releases_problems(releases: Sequence[Release]) -> list[str]:
    """What is wrong with releases that are served together; empty where nothing is."""
    counts = Counter(release.version for release in releases)
    problems = [f"version {version} is there {count} times" for version, count in sorted(counts.items()) if count > 1]
    total = sum(release.percent for release in releases)
    if total != ALL_PERCENT:
        shares = " + ".join(str(release.percent) for release in releases) or "none"
        problems.append(f"the percents have to add up to {ALL_PERCENT}, and are {shares}")
    return problems


def _fitting_together(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    if problems := releases_problems(releases):
        raise ValueError("; ".join(problems))
    return releases


Releases = Annotated[
    tuple[Release, ...], Field(min_length=1, max_length=MOST_RELEASES), AfterValidator(_fitting_together)
]
"""Those that are served together."""


def split_of(releases: Sequence[Release]) -> tuple[Release, ...]:
    """Those that the split picks from, by version; empty where no split is needed.

    None is needed where the highest version answers all that name no version, which it does by itself.
    """
    sharing = sorted((each for each in releases if each.percent), key=lambda release: release.version)
    highest = max(release.version for release in releases)
    if len(sharing) == 1 and sharing[0].version == highest:
        return ()
    return tuple(sharing)
