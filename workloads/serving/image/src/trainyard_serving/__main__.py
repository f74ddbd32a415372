"""Fetch, verify, decrypt and serve models: ``python -m trainyard_serving SERVICE.json``.

Everything that can be told from this machine is checked before anything is fetched. The process then becomes
tritonserver: signals reach it directly, and its end is this process's end. Where the file names a ``socket_dir``, it
stays the server's parent instead, and exchanges the releases on SIGHUP (see ``supervised_server``). With
``--fetch-only`` in front of the file it ends with the models in ``work_dir``, which has to be in memory;
``--serve-fetched`` serves those. With ``--bundle`` in front of other arguments it serves from a bundle, without a cloud
(see ``bundle_service``). Exit codes: ``exit_status``.

What each way of starting needs is imported by it alone: a parent that stays is to be small.
"""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from trainyard_artifacts.specification import load_specification
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.specification import ServiceSpecification

_STAGES = ("--fetch-only", "--serve-fetched")


def main(arguments: list[str]) -> int:
    """Do what the specification file says; returns the exit code, unless the process has become the server."""
    if arguments[:1] == ["--bundle"]:
        return _ending_of(lambda: _serve_bundle(arguments[1:]))
    *stage, path = arguments or ["--help"]
    if path.startswith("-") or len(stage) > 1 or not set(stage) <= set(_STAGES):
        print(f"usage: python -m trainyard_serving [{'|'.join(_STAGES)}] SERVICE.json | --bundle ...", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    return _ending_of(lambda: _serve(Path(path), *stage))


def _serve(path: Path, stage: str = "") -> int:
    specification = load_specification(path, ServiceSpecification)
    if specification.socket_dir is not None and not stage:
        from trainyard_serving.supervised_server import supervise

        return supervise(path)
    from trainyard_serving.process import fetch_and_serve, fetch_only, serve_fetched

    {"": fetch_and_serve, "--fetch-only": fetch_only, "--serve-fetched": serve_fetched}[stage](specification)
    return ExitStatus.DONE


def _serve_bundle(arguments: list[str]) -> int:
    from trainyard_serving.bundle_service import serve_bundle

    serve_bundle(arguments)


def _ending_of(run: Callable[[], int]) -> int:
    try:
        return run()
    except Exception as error:
        from trainyard_serving.failures import status_of

        status = status_of(error)
        if status is ExitStatus.FAILED:
            traceback.print_exc()
        else:
            print(f"error: {error}", file=sys.stderr, flush=True)
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
