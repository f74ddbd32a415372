"""What a stack has trained and serves, as its outputs tell, and access to it as the serving identity."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.stack_outputs import NothingDeployed
from engine.values import UNKNOWN, Properties, Secret, strip_secrets
from lifecycle import aws_environment, google_environment
from lifecycle.aws_environment import acting_with, local_environment

if TYPE_CHECKING:
    from trainyard_artifacts.fetch import Origin


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """A stack's outputs, as far as clients need them."""

    manifest_uri: str
    job: str
    """Name of the job that has trained it; the service calls the model so."""
    run: str
    encryption_key_uri: str
    http_address: str
    """HOST:PORT of KServe v2 over HTTP; empty where the stack serves nothing."""
    grpc_address: str
    """HOST:PORT of KServe v2 over gRPC; empty where the stack serves nothing."""
    environment: dict[str, str]
    """What clients read to reach the model as the serving identity; holds a secret."""
    token: str = ""
    """What the service's front on one machine asks clients for; empty where it asks for nothing, or where tokens are
    somebody else's to give. A secret."""

    @property
    def origin(self) -> "Origin":
        """What the model's manifest has to say of where it is from."""
        from trainyard_artifacts.fetch import Origin

        return Origin(job=self.job, run=self.run, key_uri=self.encryption_key_uri)

    def __repr__(self) -> str:
        return f"DeployedModel({self.manifest_uri!r})"


def model_of(outputs: Properties, stack: str) -> DeployedModel:
    """The model that a stack with these outputs has deployed.

    Raises NothingDeployed where there is none, or EngineError where a secret cannot be read.
    """
    if "manifest_uri" not in outputs:
        raise NothingDeployed(f"stack {stack} has no model yet: run 'yard up -s {stack}' to its end")
    return DeployedModel(
        manifest_uri=_text(outputs, "manifest_uri", stack),
        job=_text(outputs, "job", stack),
        run=_text(outputs, "run", stack),
        encryption_key_uri=_text(outputs, "encryption_key_uri", stack),
        http_address=_text(outputs, "http_url", stack).removeprefix("http://") if "http_url" in outputs else "",
        grpc_address=_text(outputs, "grpc_url", stack) if "grpc_url" in outputs else "",
        environment=_environment(outputs, stack),
        token=_text(outputs, "service_token", stack) if "service_token" in outputs else "",
    )


@contextmanager
def acting_as_serving(model: DeployedModel) -> Iterator[None]:
    """Inside the block, this process's environment has the serving identity's credentials and no others."""
    with acting_with(model.environment):
        yield


def _environment(outputs: Properties, stack: str) -> dict[str, str]:
    if "endpoint_url" not in outputs:
        # On a real cloud the caller's own credentials count.
        on_google = _text(outputs, "manifest_uri", stack).startswith("gs://")
        return google_environment.user_environment() if on_google else aws_environment.user_environment()
    return local_environment(
        endpoint=_text(outputs, "endpoint_url", stack),
        region=_text(outputs, "region", stack),
        key_id=_text(outputs, "serving_access_key_id", stack),
        secret=_text(outputs, "serving_secret_access_key", stack),
    )


def _text(outputs: Properties, name: str, stack: str) -> str:
    value = outputs.get(name)
    if isinstance(value, Secret) and value.value is UNKNOWN:
        raise EngineError(
            f"the output {name} of stack {stack} is a secret, and its passphrase is not here: set "
            "PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
        )
    plain = strip_secrets(value)
    if not isinstance(plain, str):
        raise NothingDeployed(f"stack {stack} has no output {name}: run 'yard up -s {stack}' to its end")
    return plain
