"""What a stack has deployed, as its state tells, wherever that is kept: no program runs and nothing is locked."""

from engine.errors import Unsupported
from engine.values import Properties
from lifecycle.deployer import DeployedResource, Deployer, deployer_for
from lifecycle.teardown.subject import Subject


def read_state(subject: Subject) -> tuple[list[DeployedResource], Properties]:
    """The stack's resources and outputs. Raises EngineError where its state cannot be read."""
    from lifecycle.deployer_embedded import EmbeddedDeployer

    deployer: Deployer = EmbeddedDeployer(subject.directory, subject.stack)
    try:
        return _read(deployer)
    except Unsupported:
        # Kept where only the Pulumi CLI reads it.
        return _read(deployer_for(subject.directory, subject.stack))


def _read(deployer: Deployer) -> tuple[list[DeployedResource], Properties]:
    resources = deployer.resources()
    return resources, deployer.outputs() if resources else {}
