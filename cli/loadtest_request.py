"""What `yard loadtest` is asked for, checked as a whole before anything is sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

from cli.data_instance_type import type_named
from cli.loadtest_run import Plan
from cli.loadtest_target import PROTOCOLS, Target, target_of_stack, target_of_urls
from cli.loadtest_tls import Tls, tls_of_files
from cli.project_folder import find_project_folder
from planning.capacity.closed_loop import Bounds
from planning.capacity.replicas import Need, Offer, find_offer, replicas_on
from planning.errors import PlanningError
from planning.quantities import above, between

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_CLIENTS = 512
"""More connections than that are what one process on one machine is not the right tool for."""
_MOST_BATCH = 65536
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options, as they were given."""

    stack: str
    directory: Path
    urls: list[str]
    model: str
    protocol: str
    """`http`, `grpc`, `both`, or empty: both, or what there are URLs for."""
    token_variable: str
    ca: Path | None
    certificate: Path | None
    key: Path | None
    batch_size: int
    inputs: Path | None
    max_concurrency: int
    seconds: float
    warmup: float
    timeout: float
    most_seconds: float
    most_requests: int
    p99_ms: float | None
    target_rps: float | None
    headroom: float
    measured_replicas: int
    gpus: int | None
    instance_type: str
    cloud: str
    region: str
    capacity: str
    png: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The same, understood."""

    target: Target
    plan: Plan
    need: Need | None
    offer: Offer | None


def understand(asked: Asked) -> Request:
    """What is asked for. Raises PlanningError for every option that makes no sense; CommandError or EngineError where
    the stack has no service.
    """
    problems: list[str] = []

    def checked(make: Callable[[], _Made]) -> _Made | None:
        try:
            return make()
        except PlanningError as error:
            problems.extend(str(error).splitlines())
            return None

    bounds = checked(
        lambda: Bounds(
            seconds=asked.seconds,
            warmup_seconds=asked.warmup,
            most_seconds=asked.most_seconds,
            most_requests=asked.most_requests,
        )
    )
    checked(lambda: between("--max-concurrency", asked.max_concurrency, 1, _MOST_CLIENTS))
    checked(lambda: between("--batch-size", asked.batch_size, 1, _MOST_BATCH))
    checked(lambda: above("--timeout", asked.timeout, 0.0))
    if asked.p99_ms is not None:
        limit = asked.p99_ms
        checked(lambda: above("--p99-ms", limit, 0.0))
    examples = checked(lambda: _examples(asked.inputs))
    offer = checked(lambda: _offer(asked))
    need = checked(lambda: _need(asked, offer))
    if asked.png:
        from planning.pictures import check_picture_path

        png = asked.png
        checked(lambda: check_picture_path(png, (".png",), option="--png"))
    tls = checked(lambda: tls_of_files(ca=asked.ca, certificate=asked.certificate, key=asked.key))
    target = checked(lambda: _urls(asked)) if asked.urls else None
    if target and tls:
        problems += _tls_problems(target, tls)
    if problems or bounds is None or tls is None:
        raise PlanningError.of(problems)
    if target is None:
        target = target_of_stack(
            asked.directory, asked.stack, asked.model, _protocols(asked.protocol), asked.token_variable
        )
        if problems := _tls_problems(target, tls):
            raise PlanningError.of(problems)
    plan = Plan(
        bounds=bounds,
        max_concurrency=asked.max_concurrency,
        batch_size=asked.batch_size,
        p99_limit_ms=asked.p99_ms,
        timeout_seconds=asked.timeout,
        examples=examples,
    )
    return Request(target=replace(target, tls=tls), plan=plan, need=need, offer=offer)


def _urls(asked: Asked) -> Target:
    return target_of_urls(asked.urls, asked.model, _protocols(asked.protocol), asked.token_variable)


def _tls_problems(target: Target, tls: Tls) -> list[str]:
    named = "--certificate" if tls.certificate else "--ca"
    path = tls.certificate or tls.ca
    return [
        f"{named} = {str(path)!r}: must go with {endpoint.protocol}s://, not {endpoint.url}"
        for endpoint in target.endpoints
        if tls.is_asked_for and not endpoint.is_encrypted
    ]


def _protocols(word: str) -> tuple[str, ...]:
    return PROTOCOLS if word == "both" else (word,) if word else ()


def _offer(asked: Asked) -> Offer | None:
    if not asked.instance_type:
        if asked.region or asked.cloud:
            name, value = ("--region", asked.region) if asked.region else ("--cloud", asked.cloud)
            raise PlanningError(f"{name} = {value!r}: must come with --instance-type, whose price it is for")
        return None
    if asked.target_rps is None:
        raise PlanningError(f"--instance-type = {asked.instance_type!r}: must come with --target-rps, the load to plan")
    from planning.prices.refreshed import project_book

    book = project_book(find_project_folder(asked.directory))
    instance = type_named(book, asked.instance_type, asked.cloud, "--instance-type")
    return find_offer(book, instance, asked.region, asked.capacity)


def _need(asked: Asked, offer: Offer | None) -> Need | None:
    if asked.target_rps is None:
        return None
    gpus = asked.gpus if asked.gpus is not None else offer.type.gpu_count if offer else 0
    need = Need(
        target_rps=asked.target_rps,
        headroom=asked.headroom,
        gpus=gpus,
        measured_replicas=asked.measured_replicas,
    )
    if offer:
        replicas_on(offer.type, gpus)
    return need


def _examples(path: Path | None) -> "dict[str, NDArray[Any]] | None":
    if path is None:
        return None
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, ValueError, AttributeError, TypeError, BadZipFile) as error:
        raise PlanningError(
            f"--inputs = {str(path)!r}: must be a file of arrays, .npz, without Python objects: {error}"
        ) from None
