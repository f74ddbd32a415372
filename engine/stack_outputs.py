"""Reads what a stack has exported, from its state alone: no program runs, nothing is locked."""

from pathlib import Path

from engine import checkpoint, resource_state, values
from engine.errors import EngineError
from engine.file_backend import FileBackend
from engine.passphrase import passphrase_file
from engine.project import load_project
from engine.secrets_provider import crypter_for_preview
from engine.stack_settings import load_stack_settings
from engine.state_location import find_state_folder


class NothingDeployed(EngineError):
    """The stack has no outputs, because it does not exist or holds nothing."""


def read_outputs(directory: Path, stack: str, config_file: str = "") -> values.Properties:
    """The outputs of the stack, secrets as `values.Secret` (their content unknown without the passphrase).

    `config_file` is where the stack's settings are, if they are not in the project's Pulumi.STACK.yaml.
    Raises NothingDeployed, or EngineError where a file cannot be used.
    """
    project = load_project(directory)
    settings = load_stack_settings(project, stack, config_file)
    backend = FileBackend(find_state_folder(project), project.name)
    latest = backend.read_checkpoint(stack)
    for document in (latest or {}).get("resources") or []:
        if document["type"] == "pulumi:pulumi:Stack" and not document.get("delete"):
            salt = checkpoint.state_salt(latest)
            generated = passphrase_file(backend.folder, project.name, stack)
            crypter = crypter_for_preview(settings, salt, generated)
            decrypt = crypter.decrypt if crypter is not None and crypter.salt_state == salt else None
            return resource_state.decode(document, decrypt).outputs
    raise NothingDeployed(f"nothing is deployed in stack {stack}: run 'yard up -s {stack}' first")
