"""Fetch, verify, decrypt and serve a model: ``python -m trainyard_serving SERVICE.json``.

Everything that can be told from this machine is checked before anything is fetched. The process then becomes
tritonserver: signals reach it directly, and its end is this process's end. With ``--fetch-only`` in front of the file
it ends with the model in ``work_dir``, which has to be in memory; ``--serve-fetched`` serves that. With ``--bundle`` in
front of other arguments it serves from a bundle, without a cloud (see ``bundle_service``). Exit codes: ``exit_status``.
"""

import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from trainyard_artifacts.envelope import AlteredError, EnvelopeError, KeyRefusedError
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_artifacts.storage import AccessRefusedError, ObjectNotFoundError, StorageError
from trainyard_serving.bundle_service import serve_bundle
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.memory_files import NotFetchedError, NotInMemoryError
from trainyard_serving.model_repository import UnservableModelError
from trainyard_serving.process import PortInUseError, fetch_and_serve, fetch_only, serve_fetched
from trainyard_serving.specification import ServiceSpecification
from trainyard_serving.triton import TritonUnavailableError

_STAGES: dict[str, Callable[[ServiceSpecification], None]] = {
    "--fetch-only": fetch_only,
    "--serve-fetched": serve_fetched,
}

# The first that fits: an error's own class stands before the class that it is derived from.
_STATUS_OF: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (SpecificationError, ExitStatus.BAD_SPECIFICATION),
    (TritonUnavailableError, ExitStatus.NO_TRITON),
    (PortInUseError, ExitStatus.PORT_IN_USE),
    (NotInMemoryError, ExitStatus.NOT_IN_MEMORY),
    (NotFetchedError, ExitStatus.NOT_FETCHED),
    (AccessRefusedError, ExitStatus.ACCESS_REFUSED),
    (ObjectNotFoundError, ExitStatus.NOT_PUBLISHED),
    (StorageError, ExitStatus.UNAVAILABLE),
    (KeyRefusedError, ExitStatus.ACCESS_REFUSED),
    (AlteredError, ExitStatus.BAD_MODEL),
    (EnvelopeError, ExitStatus.UNAVAILABLE),
    (UnservableModelError, ExitStatus.BAD_MODEL),
    (ArtifactError, ExitStatus.BAD_MODEL),
    (OSError, ExitStatus.CANNOT_WRITE),
)


def main(arguments: list[str]) -> ExitStatus:
    """Do what the specification file says. Returns when that has failed, or when it was only to fetch the model."""
    if arguments[:1] == ["--bundle"]:
        return _ending_of(partial(serve_bundle, arguments[1:]))
    *stage, path = arguments or ["--help"]
    if path.startswith("-") or len(stage) > 1 or not set(stage) <= set(_STAGES):
        print(f"usage: python -m trainyard_serving [{'|'.join(_STAGES)}] SERVICE.json | --bundle ...", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    run = _STAGES[stage[0]] if stage else fetch_and_serve
    return _ending_of(lambda: run(load_specification(Path(path), ServiceSpecification)))


def _ending_of(run: Callable[[], None]) -> ExitStatus:
    try:
        run()
    except Exception as error:
        status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), ExitStatus.FAILED)
        if status is ExitStatus.FAILED:
            traceback.print_exc()
        else:
            print(f"error: {error}", file=sys.stderr, flush=True)
        return status
    return ExitStatus.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
