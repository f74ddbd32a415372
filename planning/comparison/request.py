"""What is asked of a comparison: which GPUs, which clouds and regions, where the data lies and where the users are."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from planning.errors import PlanningError
from planning.network.places import Place, region_at
from planning.network.transfer import MOST_GB
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, InstanceType, Region
from planning.quantities import above, between, one_of, problems_of

Per = Literal["gpu", "memory", "tflops"]
PERS: tuple[Per, ...] = ("gpu", "memory", "tflops")

DEFAULT_DATA_GB = 1000.0

_MOST_LISTED = 40
"""So many known words are listed where none is like the one that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. Empty means: any."""

    gpu: str = ""
    """Model of the GPU. Its variants count too: `A100` takes in `A100-80GB`; `gpu_memory_gib` tells them apart."""
    gpu_memory_gib: float | None = None
    """The least memory of each GPU, in GiB."""
    per: Per | None = None
    """What prices are for: a GPU, a GiB of GPU memory, or a TFLOPS of peak dense FP16. None: a GPU where a model or its
    memory is asked, else a GiB, since a T4 and an H100 are not the same good."""
    clouds: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    """Regions, as `eu-west-1` or `aws:eu-west-1`."""
    continents: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""
    data: Place | None = None
    """Where the data lies that has to be moved."""
    data_gb: float = DEFAULT_DATA_GB
    """How much data is moved and stored, in GB (10^9 bytes)."""
    users: Place | None = None
    """The region that the users are next to."""

    @property
    def unit(self) -> Per:
        """What prices are for."""
        return self.per or ("gpu" if self.gpu or self.gpu_memory_gib is not None else "memory")

    @property
    def near(self) -> Place | None:
        """What the distance is measured to."""
        return self.users or self.data

    def fits(self, instance_type: InstanceType) -> bool:
        """Whether an instance type has GPUs as they are asked for."""
        if not instance_type.gpu_count:
            return False
        model, asked = _plain(instance_type.gpu), _plain(self.gpu)
        right_model = not asked or model == asked or model.startswith(f"{asked} ")
        return right_model and instance_type.gpu_memory_gib >= (self.gpu_memory_gib or 0)

    def admits(self, region: Region) -> bool:
        """Whether a region is among those that are asked for."""
        named = {_plain(each) for each in self.regions}
        return (
            (not self.clouds or region.cloud in map(_plain, self.clouds))
            and (not named or bool(named & {_plain(region.name), _plain(f"{region.cloud}:{region.name}")}))
            and (not self.continents or _plain(region.continent) in map(_plain, self.continents))
            and (not self.countries or _plain(region.country) in map(_plain, self.countries))
        )


def per_of(text: str) -> Per | None:
    """Reads what prices are for; None for nothing. Raises PlanningError for a word that is not known."""
    for known in PERS:
        if text == known:
            return known
    if text:
        one_of("--per", text, PERS)
    return None


def check_request(request: Request, book: PriceBook) -> None:
    """Raises PlanningError naming every setting that makes no sense or that the book has never heard of."""
    models = sorted({each.gpu for each in book.types if each.gpu})
    continents = sorted({each.continent for each in book.regions})
    countries = sorted({each.country for each in book.regions})
    regions = [each.name for each in book.regions] + [f"{each.cloud}:{each.name}" for each in book.regions]
    checks: list[Callable[[], object]] = [
        lambda: between("data_gb", above("data_gb", request.data_gb, 0.0), 0.0, MOST_GB)
    ]
    if request.gpu_memory_gib is not None:
        memory = request.gpu_memory_gib
        checks.append(lambda: above("gpu_memory_gib", memory, 0.0))
    if request.gpu and not any(Request(gpu=request.gpu).fits(each) for each in book.types):
        checks.append(lambda: _known("gpu", request.gpu, models))
    for name, given, known in (
        ("cloud", request.clouds, CLOUDS),
        ("region", request.regions, list(dict.fromkeys(regions))),
        ("continent", request.continents, continents),
        ("country", request.countries, countries),
    ):
        checks += [_check_of(name, each, known) for each in given]
    for name, place in (("data", request.data), ("users", request.users)):
        if place is not None:
            checks.append(_place_check(book, place, name))
    if problems := [*problems_of(checks)]:
        raise PlanningError.of(problems)


def _check_of(name: str, value: str, known: Iterable[str]) -> Callable[[], object]:
    return lambda: _known(name, value, list(known))


def _place_check(book: PriceBook, place: Place, name: str) -> Callable[[], object]:
    return lambda: region_at(book, place, name)


def _known(name: str, value: str, known: Sequence[str]) -> None:
    """Raises PlanningError for a word that is not known, with those that it may have been meant for."""
    plain = {_plain(each): each for each in known}
    if _plain(value) in plain:
        return
    close = [plain[each] for each in difflib.get_close_matches(_plain(value), plain, n=3, cutoff=0.5)]
    if close:
        raise PlanningError(f"{name} = {value!r}: the price book does not know it; did you mean {' or '.join(close)}?")
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    listed = ", ".join(known[:_MOST_LISTED])
    raise PlanningError(f"{name} = {value!r}: the price book does not know it; it knows {listed}{more}")


def _plain(text: str) -> str:
    """How names are compared: capitals, hyphens and spaces make no difference."""
    return text.strip().casefold().replace("-", " ")
