"""What the measured releases of a service come to: differences from their manifests, sentences, a document for JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.exit_status import ExitStatus
from cli.releases_measured import Measured, Plan
from planning.capacity.measurement import ENOUGH_FOR_P99, PERCENTILES, Step

SPLIT_VERSION = 1_000_000
"""The service's own version that shares requests without one out to the releases; clients do not name it."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    model: str
    protocol: str
    address: str
    is_here: bool
    """Whether the service runs on this machine."""
    taken_at: str
    """ISO 8601, UTC."""
    plan: Plan
    tolerance: float
    """By how much an accuracy may differ from the manifest's, as a share of the test examples."""
    releases: tuple[Measured, ...]
    """By version."""
    unknown_versions: tuple[int, ...]
    """That the service has, and the stack says nothing of."""


def unknown_versions(releases: Sequence[Measured], versions: frozenset[int]) -> tuple[int, ...]:
    """The versions of a service that are neither a release nor its own."""
    return tuple(sorted(versions - {each.release.version for each in releases} - {SPLIT_VERSION}))


def differs(measured: Measured, tolerance: float) -> bool:
    """Whether the accuracy through the server is another one than the manifest says. What is not known is the same."""
    found, said = measured.accuracy, measured.model.accuracy
    return found is not None and said is not None and abs(found - said) > tolerance + _ROUNDING


def differences(report: Report) -> list[str]:
    """Where the service is not what the stack and the manifests say, a sentence each."""
    found = [
        f"version {each.release.version} has accuracy {each.accuracy:.4f} through the server, and its manifest says "
        f"{each.model.accuracy:.4f}"
        for each in report.releases
        if differs(each, report.tolerance)
    ]
    return found + [
        f"version {version} is served, and is none of the stack's releases" for version in report.unknown_versions
    ]


def failures(report: Report) -> list[str]:
    """What could not be measured, a sentence each."""
    return [f"version {each.release.version}: {each.failure}" for each in report.releases if each.failure]


def status_of(report: Report) -> ExitStatus:
    """ERROR where not all could be measured, CHANGES where there is a difference."""
    if failures(report):
        return ExitStatus.ERROR
    return ExitStatus.CHANGES if differences(report) else ExitStatus.SUCCESS


def notes(report: Report) -> list[str]:
    """What the figures rest on, a sentence each."""
    plan = report.plan
    found = [
        f"Latency: one client, one example a request, {plan.seconds:g} s. Examples a second: {plan.clients} clients "
        f"with full batches, {plan.seconds:g} s. The versions take turns.",
    ]
    if any(each.model.latency_ms is not None for each in report.releases):
        found.append("The manifest's latency is of the model without a server, where it was trained.")
    if report.is_here:
        found.append("The clients ran on the service's own machine and took their share of its processors.")
    if any(each.is_cached for each in report.releases):
        found.append("The service may answer from its cache, so that latencies are not the model's.")
    if any(each.single and len(each.single.latencies_ms) < ENOUGH_FOR_P99 for each in report.releases):
        found.append(f"Where fewer than {ENOUGH_FOR_P99} requests were answered, p99 is the slowest one.")
    return found


def document(report: Report) -> dict[str, Any]:
    """All of it, for JSON: milliseconds, seconds, bytes, shares from 0 to 1."""
    return {
        "model": report.model,
        "protocol": report.protocol,
        "address": report.address,
        "taken_at": report.taken_at,
        "seconds": report.plan.seconds,
        "warmup_seconds": report.plan.warmup_seconds,
        "clients": report.plan.clients,
        "accuracy_tolerance": report.tolerance,
        "releases": [_release(each, report.tolerance) for each in report.releases],
        "differences": differences(report),
        "failures": failures(report),
        "notes": notes(report),
    }


def _release(measured: Measured, tolerance: float) -> dict[str, Any]:
    release, model = measured.release, measured.model
    return {
        "version": release.version,
        "run": release.run,
        "variant": model.variant,
        "percent": release.percent,
        "bytes": model.bytes,
        "test_examples": measured.examples,
        "accuracy": measured.accuracy,
        "latency": _step(measured.single),
        "full_batches": {
            "batch_size": measured.batch_size,
            "examples_per_second": measured.examples_per_second,
            **_step(measured.full),
        },
        "manifest": {"accuracy": model.accuracy, "latency_ms": model.latency_ms},
        "differs": differs(measured, tolerance),
        "failure": measured.failure or None,
    }


def _step(step: Step | None) -> dict[str, Any]:
    return {
        "requests": len(step.latencies_ms) if step else 0,
        "failed": step.failed if step else 0,
        **{f"p{percent}_ms": step.latency_ms(percent) if step else None for percent in PERCENTILES},
    }
