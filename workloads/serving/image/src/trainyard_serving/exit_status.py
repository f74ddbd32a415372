"""How the process ended, as its exit code. Numbers follow sysexits.h where it has a fitting one.

Once the server has started, the process is tritonserver: 0 after SIGTERM or SIGINT, 1 when it could not start. Where
the process is tritonserver's parent instead, 1 as well when the server has ended without having been asked to.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a caller can do about it is in each member's docstring."""

    DONE = 0
    """Stopped by a signal, after the requests in flight were answered; or fetched, where only that was asked."""
    FAILED = 1
    """An error that nobody foresaw, or tritonserver could not load the model or lost a port: see the log."""
    BAD_SPECIFICATION = 2
    """The specification file cannot be used, or a setting, a key's file or a passphrase for a bundle. Nothing was
    touched."""
    BAD_MODEL = 65
    """The manifest is not signed by training; it or the model was altered, is of another run or key, or cannot be
    served: train again. Or a bundle is not whole, unaltered and signed by whom it has to be: bring it again."""
    NOT_PUBLISHED = 66
    """There is no manifest (the run has not finished), an object that it lists is gone, or the run has not published
    the variant."""
    UNAVAILABLE = 69
    """The object store or the key service does not answer. Running again may help."""
    PORT_IN_USE = 71
    """Another process listens on one of the ports, or this one may not. Nothing was fetched or decrypted."""
    NO_TRITON = 72
    """There is no tritonserver that runs on this machine. Nothing was fetched or decrypted."""
    CANNOT_WRITE = 73
    """The working directory cannot be written."""
    NOT_FETCHED = 74
    """The working directory does not hold the model that is to be served: fetch it first."""
    ACCESS_REFUSED = 77
    """The identity may not read the objects or use the key, or the key is another one; or a bundle is encrypted for
    another machine's key: write it for this one."""
    NOT_IN_MEMORY = 78
    """The working directory, which is to hold the decrypted model, is on a disk. Nothing was fetched."""
