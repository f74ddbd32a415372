"""Which exit code an error ends the process with. Imported only then: the errors' modules are large."""

from trainyard_artifacts.envelope import AlteredError, EnvelopeError, KeyRefusedError
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import VariantNotPublishedError
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import AccessRefusedError, ObjectNotFoundError, StorageError
from trainyard_serving.addresses import PortInUseError
from trainyard_serving.exit_status import ExitStatus
from trainyard_serving.fetch_child import FetchFailedError
from trainyard_serving.memory_files import NotFetchedError, NotInMemoryError
from trainyard_serving.model_repository import UnservableModelError
from trainyard_serving.triton import TritonUnavailableError

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
    (VariantNotPublishedError, ExitStatus.NOT_PUBLISHED),
    (UnservableModelError, ExitStatus.BAD_MODEL),
    (ArtifactError, ExitStatus.BAD_MODEL),
    (OSError, ExitStatus.CANNOT_WRITE),
)


def status_of(error: Exception) -> ExitStatus:
    """The exit code that tells of ``error``; ``FAILED`` for one that nobody foresaw."""
    if isinstance(error, FetchFailedError):
        return error.status
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), ExitStatus.FAILED)
