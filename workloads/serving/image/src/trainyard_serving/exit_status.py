"""How the process ended, as its exit code. Numbers follow sysexits.h where it has a fitting one.

Once the server has started, the process is tritonserver: 0 after SIGTERM or SIGINT, 1 when it could not start.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a caller can do about it is in each member's docstring."""

    DONE = 0
    """Stopped by a signal, after the requests in flight were answered; or fetched, where only that was asked."""
    FAILED = 1
    """An error that nobody foresaw, or tritonserver could not load the model or lost a port: see the log."""
    BAD_SPECIFICATION = 2
    """The specification file cannot be used. Nothing was touched."""
    BAD_MODEL = 65
    """The manifest is not signed by training; it or the model was altered, is of another run or key, or cannot be
    served: train again."""
    NOT_PUBLISHED = 66
    """There is no manifest (the run has not finished), or an object that it lists is gone."""
    UNAVAILABLE = 69
    """The object store or the key service does not answer. Running again may help."""
    PORT_IN_USE = 71
    """Another process listens on one of the ports, or this one may not. Nothing was fetched."""
    NO_TRITON = 72
    """There is no tritonserver that runs on this machine. Nothing was fetched."""
    CANNOT_WRITE = 73
    """The working directory cannot be written."""
    NOT_FETCHED = 74
    """The working directory does not hold the model that is to be served: fetch it first."""
    ACCESS_REFUSED = 77
    """The identity may not read the objects or use the key, or the key is another one."""
    NOT_IN_MEMORY = 78
    """The working directory, which is to hold the decrypted model, is on a disk. Nothing was fetched."""
