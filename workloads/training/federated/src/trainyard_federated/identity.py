"""The environment of each process: nothing of the caller's but what every program needs, and one identity or none.

A process of a site gets that site's credentials and no other's, and Flower's own processes, which only pass messages
on, get none at all.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from trainyard_artifacts.specification import SpecificationError

# What a program needs to run at all. No cloud's credentials are among them, and HOME, where the SDKs would look for
# more of them, is not either.
_NEEDED_BY_ALL = (
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
)

_QUIET_FLOWER = {
    # Nobody is told that, where or how this is run.
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    # The packages are those of the environment; an app's wishes are not installed while it runs.
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
    "PYTHONUNBUFFERED": "1",
}


def bare_environment(caller: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of a process without an identity, whose home and whose Flower's home are ``folder``."""
    inherited = {name: caller[name] for name in _NEEDED_BY_ALL if name in caller}
    return {**inherited, **_QUIET_FLOWER, "HOME": str(folder), "FLWR_HOME": str(folder / "flower")}


def with_identity(bare: Mapping[str, str], credentials: Mapping[str, str]) -> dict[str, str]:
    """``bare`` with an identity added. The SDKs' files and the machine's own identity never stand in for it."""
    alone = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**bare, **alone, **credentials}


def read_credentials(field: str, path: Path) -> dict[str, str]:
    """The variables in an environment file.

    Args:
        field: which field of the job file named ``path``, for the error.
        path: the file, of lines ``NAME=value`` as python-dotenv reads them, without references to other variables.

    Raises:
        SpecificationError: it cannot be read, others than its owner may read it, or a line has no value. The message
            holds no value.
    """
    from dotenv import dotenv_values

    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise SpecificationError(
                f"{field}: {path} holds credentials and is open to others than its owner (mode"
                f" {stat.S_IMODE(mode):04o}): chmod 600 {path}"
            )
        values = dotenv_values(path, interpolate=False)
    except OSError as error:
        raise SpecificationError(f"{field}: {path} cannot be read: {error.strerror}") from None
    if empty := [name for name, value in values.items() if value is None]:
        raise SpecificationError(f"{field}: {path}: {', '.join(empty)} has no value; expected lines of NAME=value")
    return {name: value for name, value in values.items() if value is not None}


def credentials_of_the_caller(caller: Mapping[str, str]) -> dict[str, str]:
    """The cloud's variables in the caller's own environment: the coordinator's identity where no file is named."""
    return {name: value for name, value in caller.items() if name.startswith(("AWS_", "GOOGLE_", "CLOUDSDK_"))}
