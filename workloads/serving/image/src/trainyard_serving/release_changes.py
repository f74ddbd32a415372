"""Which changes of a running service's specification can be made while it runs: those of its releases."""

from trainyard_artifacts.specification import SpecificationError
from trainyard_serving.release import SPLIT_VERSION, split_of
from trainyard_serving.specification import ServiceSpecification


def require_same_service(old: ServiceSpecification, new: ServiceSpecification) -> None:
    """Raise SpecificationError where anything but the releases has changed; all fields that have are named."""
    changed = [
        name
        for name in ServiceSpecification.model_fields
        if name != "releases" and getattr(old, name) != getattr(new, name)
    ]
    if changed:
        raise SpecificationError(
            f"only releases can change while the service runs; start it anew for the changes of {', '.join(changed)}"
        )


class CacheHistory:
    """What each version number has stood for since the start.

    Triton's response cache knows answers by the model's name and version, and keeps them when a version is loaded anew.
    So where there is a cache, a number that has stood for one model is not to stand for another.
    """

    def __init__(self, specification: ServiceSpecification) -> None:
        """Begin with what is served at the start."""
        self._meanings = _meanings(specification)

    def require_new_numbers(self, specification: ServiceSpecification) -> None:
        """Raise SpecificationError where answers of an earlier model could be given for one of these releases."""
        if not specification.response_cache_bytes:
            return
        reused = [
            "the split" if version == SPLIT_VERSION else f"version {version}"
            for version, meaning in _meanings(specification).items()
            if self._meanings.get(version, meaning) != meaning
        ]
        if reused:
            raise SpecificationError(
                f"the response cache may hold answers of what {', '.join(reused)} was before: use version numbers that"
                " are new, set response_cache_bytes to 0, or start the service anew"
            )

    def add(self, specification: ServiceSpecification) -> None:
        """Note what is served from now on."""
        self._meanings |= _meanings(specification)


def _meanings(specification: ServiceSpecification) -> dict[int, object]:
    meanings: dict[int, object] = {release.version: release.content for release in specification.releases}
    if split := split_of(specification.releases):
        meanings[SPLIT_VERSION] = tuple((release.content, release.percent) for release in split)
    return meanings
