"""`yard loadtest`: loads an inference service with ever more clients, and says what a target load needs."""

import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.exit_status import ExitStatus
from cli.json_output import print_json

if TYPE_CHECKING:
    from cli.loadtest_request import Request
    from cli.loadtest_target import Endpoint
    from planning.capacity.closed_loop import Load
    from planning.capacity.report import LoadTest


class Protocols(StrEnum):
    """KServe v2 over either, or one after the other."""

    HTTP = "http"
    GRPC = "grpc"
    BOTH = "both"


def loadtest(
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    urls: Annotated[
        list[str] | None,
        typer.Option("--url", help="A service that is no stack's: http(s):// or grpc(s)://HOST:PORT; one for each."),
    ] = None,
    model: Annotated[str, typer.Option("--model", help="The model's name.", show_default="the stack's")] = "",
    protocol: Annotated[
        Protocols | None,
        typer.Option("--protocol", help="What to speak.", show_default="both, or what there are URLs for"),
    ] = None,
    token_variable: options.TokenVariable = "",
    certificate: options.Certificate = None,
    key: options.CertificateKey = None,
    ca: options.Authorities = None,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Items in each request.")] = 1,
    inputs: Annotated[
        Path | None,
        typer.Option("--inputs", metavar="FILE", help="Examples, .npz by input name.", show_default="random numbers"),
    ] = None,
    max_concurrency: Annotated[int, typer.Option("--max-concurrency", help="Most clients: 1, 2, 4 … this.")] = 64,
    seconds: Annotated[float, typer.Option("--seconds", help="Measured for each number of clients.")] = 5.0,
    warmup: Annotated[float, typer.Option("--warmup", help="Seconds before that, not measured.")] = 1.0,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which a request has failed.")] = 10.0,
    most_seconds: Annotated[float, typer.Option("--most-seconds", help="For the whole test.")] = 300.0,
    most_requests: Annotated[int, typer.Option("--most-requests", help="For the whole test.")] = 1_000_000,
    p99_ms: Annotated[
        float | None, typer.Option("--p99-ms", help="Limit of the 99th percentile, in milliseconds.")
    ] = None,
    target_rps: Annotated[float | None, typer.Option("--target-rps", help="Requests a second to plan for.")] = None,
    headroom: Annotated[float, typer.Option("--headroom", help="Share of each replica's knee left free.")] = 0.3,
    measured_replicas: Annotated[
        int, typer.Option("--measured-replicas", help="How many replicas answer here, together.")
    ] = 1,
    gpus: Annotated[
        int | None, typer.Option("--gpus", help="GPUs of one replica.", show_default="the instance's, or 0")
    ] = None,
    instance_type: Annotated[str, typer.Option("--instance-type", help="What replicas would run on.")] = "",
    cloud: Annotated[str, typer.Option("--cloud", help="Whose, where several have one of that name.")] = "",
    region: Annotated[str, typer.Option("--region", help="Where; with --instance-type.")] = "",
    capacity: Annotated[str, typer.Option("--capacity", help="on_demand, spot, reserved or flex_start.")] = "on_demand",
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw a picture, .png.", dir_okay=False)
    ] = None,
    json: options.Json = False,
) -> int:
    """Measure how much load the inference service carries.

    Ever more clients, until it gives no more: throughput, latencies, the knee.

    With --target-rps it tells the replicas, GPUs and cost an hour that this load needs. An interrupt ends the test with
    what was measured so far. docs/loadtest.md says what is measured and what is not.
    """
    from cli.loadtest_request import Asked, understand
    from cli.loadtest_run import load_all

    request = understand(
        Asked(
            stack=stack,
            directory=directory,
            urls=urls or [],
            model=model,
            protocol=protocol.value if protocol else "",
            token_variable=token_variable,
            ca=ca,
            certificate=certificate,
            key=key,
            batch_size=batch_size,
            inputs=inputs,
            max_concurrency=max_concurrency,
            seconds=seconds,
            warmup=warmup,
            timeout=timeout,
            most_seconds=most_seconds,
            most_requests=most_requests,
            p99_ms=p99_ms,
            target_rps=target_rps,
            headroom=headroom,
            measured_replicas=measured_replicas,
            gpus=gpus,
            instance_type=instance_type,
            cloud=cloud,
            region=region,
            capacity=capacity,
            png=png,
        )
    )
    from cli.moving_line import MovingLine

    taken_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with MovingLine("connecting", mark="yard: ") as line:
        loads, was_stopped = load_all(
            request.target,
            request.plan,
            lambda protocol, clients: line.show(f"{protocol}: {clients} client{'s' if clients > 1 else ''}"),
        )
    test = _put_together(request, loads, taken_at)
    if json:
        from planning.capacity.report import document

        print_json(document(test))
    else:
        from cli.loadtest_tables import print_load_test

        print_load_test(test)
    if png:
        from cli.picture_file import write_picture
        from planning.capacity.picture import draw

        write_picture(png, draw(test), option="--png", json=json)
    if was_stopped:
        typer.echo("yard: stopped; this is what was measured until then", err=True)
        return ExitStatus.CANCELLED
    return ExitStatus.SUCCESS if any(curve.knee for curve in test.curves) else ExitStatus.ERROR


def _put_together(request: "Request", loads: "list[tuple[Endpoint, Load]]", taken_at: str) -> "LoadTest":
    from planning.capacity.report import LoadTest, curve_of

    plan = request.plan
    return LoadTest(
        model=request.target.model,
        batch_size=plan.batch_size,
        taken_at=taken_at,
        bounds=plan.bounds,
        p99_limit_ms=plan.p99_limit_ms,
        need=request.need,
        offer=request.offer,
        is_here=request.target.is_here,
        curves=tuple(
            curve_of(
                endpoint.protocol,
                endpoint.address,
                load,
                p99_limit_ms=plan.p99_limit_ms,
                need=request.need,
                offer=request.offer,
            )
            for endpoint, load in loads
        ),
    )
