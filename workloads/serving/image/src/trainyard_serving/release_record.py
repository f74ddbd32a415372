"""What a service tells about its releases: ``releases.json`` in its working directory."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from trainyard_serving.release import Release

RECORD_FILE = "releases.json"


def write_record(work_dir: Path, *, document_sha256: str, error: str | None, releases: Sequence[Release]) -> None:
    """Write it anew; who reads it meanwhile finds the old one or the new one, whole.

    Args:
        work_dir: of the service.
        document_sha256: of the specification file that was acted on last, in hexadecimal.
        error: why that could not be done; None where it was.
        releases: those that are served.

    Raises:
        OSError: it cannot be written.
    """
    document = {
        "document_sha256": document_sha256,
        "error": error,
        "releases": [release.model_dump(include={"version", "run", "variant", "percent"}) for release in releases],
    }
    temporary = work_dir / f".{RECORD_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    temporary.replace(work_dir / RECORD_FILE)
