"""Access to a stack's buckets as whoever has deployed it: its owner, who may read and write everything in them.

In a cloud that is the user with the credentials that the SDKs find. On this machine it is the local cloud's
administrator, whose key is a secret in the stack's state.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import checkpoint, resource_state
from engine.errors import EngineError
from engine.file_backend import FileBackend
from engine.passphrase import passphrase_file
from engine.project import load_project
from engine.secrets_provider import crypter_for_preview
from engine.stack_settings import load_stack_settings
from engine.state_location import find_state_folder
from engine.values import Properties, strip_secrets
from lifecycle import aws_environment, google_environment
from lifecycle.aws_environment import acting_with, local_environment
from lifecycle.teardown.subject import read_subject

_LOCAL_CLOUD = "/local:Cloud"


def owner_environment(directory: Path, stack: str, config_file: str = "") -> dict[str, str]:
    """The variables by which clients act as the owner of a stack; holds a secret.

    :param directory: The project's folder.
    :param config_file: Another file than `Pulumi.STACK.yaml` with the stack's settings.

    Raises EngineError where a file cannot be used, or the state's passphrase is not here.
    """
    subject = read_subject(directory, stack, config_file)
    if subject.cloud == "aws":
        return aws_environment.user_environment(subject.region)
    if subject.cloud == "gcp":
        return google_environment.user_environment()
    cloud = _local_cloud(directory, stack, config_file)
    if cloud is None:
        return {}
    key_id, secret, endpoint, region = (
        strip_secrets(cloud.get(name)) for name in ("access_key_id", "secret_access_key", "endpoint", "region")
    )
    if not all(isinstance(each, str) and each for each in (key_id, secret, endpoint, region)):
        raise EngineError(
            f"the buckets of stack {stack} cannot be reached: the key of its cloud is a secret, and its passphrase is "
            "not here: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
        )
    return local_environment(endpoint=str(endpoint), region=str(region), key_id=str(key_id), secret=str(secret))


@contextmanager
def acting_as_owner(directory: Path, stack: str, config_file: str = "") -> Iterator[None]:
    """Inside the block, this process's environment has the owner's credentials, and no others of AWS.

    Raises EngineError as `owner_environment` does. No other thread may deploy or fetch meanwhile.
    """
    with acting_with(owner_environment(directory, stack, config_file)):
        yield


def _local_cloud(directory: Path, stack: str, config_file: str) -> Properties | None:
    """The outputs of the cloud on this machine; None where the stack has none."""
    project = load_project(directory)
    backend = FileBackend(find_state_folder(project), project.name)
    latest = backend.read_checkpoint(stack)
    for document in (latest or {}).get("resources") or []:
        if str(document["type"]).endswith(_LOCAL_CLOUD) and not document.get("delete"):
            settings = load_stack_settings(project, stack, config_file)
            salt = checkpoint.state_salt(latest)
            crypter = crypter_for_preview(settings, salt, passphrase_file(backend.folder, project.name, stack))
            decrypt = crypter.decrypt if crypter is not None and crypter.salt_state == salt else None
            return resource_state.decode(document, decrypt).outputs
    return None
