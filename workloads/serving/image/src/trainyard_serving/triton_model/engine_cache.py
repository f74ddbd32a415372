"""Where TensorRT's engines of one model are kept, so that another process need not build them again.

Each model has a folder of its own, named by a digest of its file and of how it is built. ONNX Runtime itself names an
engine by the graph without its weights: in one folder, two runs of the same architecture would share an engine, and one
would answer for the other (https://github.com/microsoft/onnxruntime/issues/6455). A folder is there whole or not at
all: it is filled under another name, and a process that is killed meanwhile leaves no half engine to be loaded.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

UNFINISHED = "building-"
"""What the names of folders begin with that engines are being built in."""
SPARE_BYTES = 2**25
"""Room for what is kept beside the engines (profiles and timings), and for the server's own shared memory."""


class EngineCache:
    """The folder of one model's engines: those kept, or one to build them in."""

    def __init__(self, kept: Path, folder: Path) -> None:
        """Use ``at``, which finds both."""
        self._kept = kept
        self.folder = folder
        """Where the engines are, or are to be built."""

    @classmethod
    def at(cls, root: Path, model: bytes, building: Mapping[str, str]) -> "EngineCache | None":
        """Find the engines that are kept, or make a folder for new ones; None where there is no room for them.

        Args:
            root: the directory for all engines, in memory.
            model: the ONNX file.
            building: all that decides what is built from it: precision, shapes, the version of ONNX Runtime.

        Raises:
            OSError: the folder cannot be made.
        """
        told = json.dumps(dict(building), sort_keys=True).encode()
        kept = root / hashlib.sha256(hashlib.sha256(model).digest() + told).hexdigest()
        if kept.exists():
            return cls(kept, kept)
        # An engine has about the size of the model: its weights, in the same precision or a smaller one.
        if shutil.disk_usage(root).free < 2 * len(model) + SPARE_BYTES:
            return None
        return cls(kept, Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=root)))

    def keep(self) -> None:
        """Keep what was built, once the model has run; of several that have built it at the same time, the first's."""
        if self.folder == self._kept:
            return
        try:
            self.folder.rename(self._kept)
        except OSError:
            self.discard()

    def discard(self) -> None:
        """Remove what was built for nothing; what was kept before stays."""
        if self.folder != self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)
