"""The decrypted model as a file that is on no disk.

An anonymous file in memory (memfd_create(2)) lives as long as a process holds its descriptor: tritonserver and the
processes of its Python backend, which inherit it, or their parent. So the model can be opened again whenever one of
them is restarted, and is gone with the last that holds it, however they end. Sealed, its bytes stay those that were
verified.
"""

import fcntl
import os
import sys


def sealed_file(name: str, data: bytes) -> int:
    """Make the file and return its descriptor, which programs started by this process do not inherit by themselves.

    Args:
        name: shown in ``/proc/PID/fd``; need not be unique.
        data: what the file holds, for good.

    Raises:
        OSError: there is not enough memory, or this is not Linux, which alone has such files (and tritonserver).
    """
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has no files in memory")
    descriptor = os.memfd_create(name, os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def path_of(descriptor: int, holder: int | None = None) -> str:
    """Where the file is opened.

    Args:
        descriptor: of the file.
        holder: the process that holds the descriptor, from which others of the same user open it; by default those that
            inherited it open it from themselves.
    """
    return f"/proc/{holder or 'self'}/fd/{descriptor}"
