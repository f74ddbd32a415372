"""Files of a distributed checkpoint, each encrypted on its way into the bucket and decrypted on its way out.

PyTorch's distributed checkpoints are written as files by every worker; here each file is one object under a data key of
its own, and says by its associated data which run, checkpoint and file it is. So an object that was altered, or moved
here from another checkpoint, does not decrypt, and nothing of it is looked at.
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.filesystem import FileSystemBase
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.storage import WriteResult

from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.manifest import associated_data
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

SUFFIX = ".tink"


class EncryptedFiles:
    """The encrypted objects of one run's checkpoints, by name."""

    def __init__(self, store: ObjectStore, envelope: Envelope, *, job: str, run: str) -> None:
        self.store = store
        self._envelope = envelope
        self._job, self._run = job, run

    def read(self, name: str) -> bytes:
        """Read and decrypt one file.

        Raises:
            ObjectNotFoundError, StorageError: it cannot be read.
            AlteredError: it is not what was written under this name.
            KeyRefusedError, EnvelopeError: the key cannot be used.
        """
        return self._envelope.decrypt(self.store.get(name + SUFFIX), self._associated_data(name))

    def write(self, name: str, data: bytes) -> None:
        """Encrypt and store one file: whole, or not at all.

        Raises:
            EnvelopeError, StorageError: nothing was stored.
        """
        self.store.put(name + SUFFIX, self._envelope.encrypt(data, self._associated_data(name)))

    def _associated_data(self, name: str) -> bytes:
        return associated_data(self._job, self._run, name)


class EncryptedWriter(FileSystemWriter):
    """Writes a distributed checkpoint into the folder ``name``, its ``.metadata`` last."""

    def __init__(self, files: EncryptedFiles, name: str, beside: Mapping[str, bytes]) -> None:
        """:param beside: Further files of the folder, by name; the group's first worker writes them."""
        super().__init__(name, sync_files=False)
        self.fs = _EncryptedFileSystem(files)
        self._files, self._name, self._beside = files, name, beside

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Called on the first worker when all files of all workers are stored."""
        for name, data in self._beside.items():
            self._files.write(f"{self._name}/{name}", data)
        super().finish(metadata, results)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        """Any folder's name will do."""
        return True


class EncryptedReader(FileSystemReader):
    """Reads a distributed checkpoint from the folder ``name``."""

    def __init__(self, files: EncryptedFiles, name: str) -> None:
        super().__init__(name)
        self.fs = _EncryptedFileSystem(files)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        """Any folder's name will do."""
        return True


class _Written(io.BytesIO):
    """Bytes in memory that outlast being closed by whoever wrote them."""

    def close(self) -> None:
        """Keep the bytes."""


class _EncryptedFileSystem(FileSystemBase):
    """What the distributed checkpoint asks of a file system, on encrypted objects. Each is held in memory whole."""

    def __init__(self, files: EncryptedFiles) -> None:
        self._files = files

    @contextmanager
    def create_stream(self, path: str | os.PathLike[str], mode: str) -> Iterator[io.IOBase]:
        name = os.fspath(path)
        if mode == "rb":
            with io.BytesIO(self._files.read(name)) as stream:
                yield stream
            return
        written = _Written()
        yield written
        self._files.write(_final(name), written.getvalue())

    def concat_path(self, path: str | os.PathLike[str], suffix: str) -> str:
        return f"{os.fspath(path)}/{suffix}"

    def rename(self, path: str | os.PathLike[str], new_path: str | os.PathLike[str]) -> None:
        # A put is atomic, so what is written under a temporary name elsewhere is written under its final one here.
        if _final(os.fspath(path)) != os.fspath(new_path):
            raise ValueError(f"{os.fspath(path)} cannot become {os.fspath(new_path)}")

    def init_path(self, path: str | os.PathLike[str]) -> str:
        return os.fspath(path)

    def mkdir(self, path: str | os.PathLike[str]) -> None:
        """Buckets have no folders."""

    def exists(self, path: str | os.PathLike[str]) -> bool:
        # Every checkpoint has a name of its own, so that nothing is ever written twice.
        return False

    def rm_file(self, path: str | os.PathLike[str]) -> None:
        try:
            self._files.store.delete(os.fspath(path) + SUFFIX)
        except ObjectNotFoundError:
            return

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return True


def _final(name: str) -> str:
    return name.removesuffix(".tmp")
