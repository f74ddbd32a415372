"""`yard releases`: what the running service serves, measured through the server and held against the manifests."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.json_output import print_json
from cli.predict import Protocol

if TYPE_CHECKING:
    from cli.loadtest_tls import Tls
    from cli.releases_measured import Plan

_MOST_CLIENTS = 64


def releases(
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    protocol: Annotated[Protocol, typer.Option("--protocol", help="KServe v2 over HTTP or gRPC.")] = Protocol.HTTP,
    token_variable: options.TokenVariable = "",
    certificate: options.Certificate = None,
    key: options.CertificateKey = None,
    ca: options.Authorities = None,
    tolerance: Annotated[
        float, typer.Option("--accuracy-tolerance", help="Share of test examples that may be answered otherwise.")
    ] = 0.0,
    seconds: Annotated[float, typer.Option("--seconds", help="Measured of each version, twice.")] = 3.0,
    warmup: Annotated[float, typer.Option("--warmup", help="Seconds before that, not measured.")] = 0.5,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which a request has failed.")] = 10.0,
    clients: Annotated[int, typer.Option("--clients", help="That send full batches at once.")] = 2,
    picture: options.Picture = None,
    json: options.Json = False,
) -> int:
    """Measure all versions that the service serves.

    Run, variant, share of the requests, size; accuracy and latency through the server beside what the manifest says.

    Ends with 7 where a version has another accuracy than its manifest says or is none of the stack's, and with 1 where
    one does not answer. docs/variants.md says what is measured.
    """
    from cli.loadtest_tls import tls_of_files

    plan, tls = _understand(
        tolerance,
        seconds,
        warmup,
        timeout,
        clients,
        picture,
        lambda: tls_of_files(ca=ca, certificate=certificate, key=key),
    )
    from cli.deployed_model import find_model
    from cli.loadtest_target import target_of_stack
    from cli.moving_line import MovingLine
    from cli.project_folder import find_project_folder
    from cli.releases_measured import measure
    from cli.releases_report import Report, differences, document, status_of, unknown_versions
    from cli.releases_served import models_of, releases_of

    project = find_project_folder(directory)
    deployed = find_model(project, stack)
    target = replace(target_of_stack(directory, stack, "", (protocol.value,), token_variable), tls=tls)
    served = releases_of(project, stack, deployed)
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_serving.predict import PredictionError

    taken_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    endpoint = target.endpoints[0]
    if tls.is_asked_for and not endpoint.is_encrypted:
        raise CommandError(
            f"--ca and --certificate go with a service over TLS, not {endpoint.url}", ExitStatus.CONFIGURATION
        )
    with MovingLine("reading manifests", mark="yard: ") as line:
        try:
            models = models_of(deployed, served)
        except (ArtifactError, PredictionError) as error:
            raise CommandError(f"{error}; 'yard preview -s {stack}' tells whether its cloud is still up") from None
        measured, versions = measure(endpoint, target, served, models, plan, line.show)
    report = Report(
        model=target.model,
        protocol=endpoint.protocol,
        address=endpoint.address,
        is_here=target.is_here,
        taken_at=taken_at,
        plan=plan,
        tolerance=tolerance,
        releases=tuple(measured),
        unknown_versions=unknown_versions(measured, versions),
    )
    if json:
        print_json(document(report))
    else:
        from cli.releases_tables import print_report

        print_report(report)
    if picture:
        from cli.picture_file import write_picture
        from cli.releases_picture import draw

        write_picture(picture, draw(report, picture.suffix), json=json)
    for difference in differences(report):
        typer.echo(f"yard: warning: {difference}", err=True)
    return status_of(report)


def _understand(
    tolerance: float,
    seconds: float,
    warmup: float,
    timeout: float,
    clients: int,
    picture: Path | None,
    read_tls: "Callable[[], Tls]",
) -> "tuple[Plan, Tls]":
    """How to measure. Raises PlanningError for all options that make no sense, before anything is asked."""
    from cli.loadtest_tls import Tls
    from cli.releases_measured import Plan
    from planning.errors import PlanningError
    from planning.pictures import check_picture_path
    from planning.quantities import above, at_least, between, problems_of

    tls: list[Tls] = []
    checks: list[Callable[[], object]] = [
        lambda: between("--accuracy-tolerance", tolerance, 0, 1),
        lambda: above("--seconds", seconds, 0.0),
        lambda: at_least("--warmup", warmup, 0.0),
        lambda: above("--timeout", timeout, 0.0),
        lambda: between("--clients", clients, 1, _MOST_CLIENTS),
        lambda: tls.append(read_tls()),
    ]
    if picture:
        checks.append(lambda: check_picture_path(picture))
    if problems := list(problems_of(checks)):
        raise PlanningError.of(problems)
    return Plan(seconds=seconds, warmup_seconds=warmup, timeout_seconds=timeout, clients=clients), tls[0]
