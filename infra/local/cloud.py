"""The AWS-compatible cloud on loopback: a server process, and how to talk to it.

Everything in it is held in memory. The server tells which run of it answers (its instance); when that changes,
everything that was in the old one is gone, and the next preview says so.
"""

import functools
import json
import os
import secrets
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult
from typing_extensions import override

from infra.local import records
from infra.local.cloud_server import ACCESS_KEY_ID_VARIABLE, INSTANCE_PATH, SECRET_ACCESS_KEY_VARIABLE
from infra.local.folder import note_port
from infra.local.provider import LocalProvider, Properties, is_unknown, tell

if TYPE_CHECKING:
    from infra.local.process import Launch

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The account that the cloud pretends to be: moto's, which cannot be another without more settings."""
START_SECONDS = 60.0
"""Seconds that the server has to listen; it takes two where nothing else runs."""
STORED_IN_MEMORY = (
    "Everything in the local cloud (data sets, checkpoints, models, keys) is held in memory and is gone when its "
    "process ends. `yard artifacts get DIR` saves the trained model."
)

_clients_lock = threading.Lock()


class CloudProvider(LocalProvider):
    """The server process."""

    kind = "local cloud"

    @override
    def problems(self, olds: Properties, news: Properties) -> dict[str, str]:
        from infra.local.process import port_problem

        port, folder = news["port"], news["folder"]
        if is_unknown(port) or not port or olds.get("port") == port:
            return {}
        problem = port_problem(int(port), Path() if is_unknown(folder) else Path(folder))
        return {"port": f"trainyard:local.cloud_port = {int(port)}: {problem}"} if problem else {}

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.local import process

        folder = _folder(props)
        found = self.find(props)
        if found is None:
            key_id, secret = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
            process.start(folder, _launch(props, key_id, secret))
            ends = time.monotonic() + START_SECONDS
            while (found := _answering(props, key_id, secret)) is None:
                if not process.state_of(folder).running or time.monotonic() > ends:
                    tail = process.log_tail(folder)
                    process.stop(folder)
                    raise process.ProcessError(f"the local cloud did not start:\n{tail}")
                time.sleep(0.02)
        note_port(folder.parent, found[1]["listens_on"])
        tell(found[0], STORED_IN_MEMORY)
        return CreateResult(*found)

    @override
    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        from infra.local import process

        # Where the environment cannot be read, the administrator's key is lost, and a create begins anew.
        environment = process.environment_of(_folder(props))
        key_id, secret = environment.get(ACCESS_KEY_ID_VARIABLE), environment.get(SECRET_ACCESS_KEY_VARIABLE)
        return None if key_id is None or secret is None else _answering(props, key_id, secret)

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        if not (_folder(olds) / records.SPECIFICATION).exists():
            return "its record was removed"
        answering = instance_at(olds["endpoint"])
        if answering is None:
            return "its process has ended, and everything that was in it is gone"
        return None if answering == olds["instance"] else "it was restarted, and everything that was in it is gone"

    @override
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self.create(news).outs)

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        from infra.local import process

        process.stop(Path(id_))


class Cloud(Resource, module="local", name="Cloud"):
    """The cloud's process. What depends on it takes it as input, and so is made again with it."""

    folder: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    region: pulumi.Output[str]
    account: pulumi.Output[str]
    instance: pulumi.Output[str]
    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]

    def __init__(
        self, name: str, folder: pulumi.Input[str], port: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """:param port: TCP port on 127.0.0.1; 0 chooses a free one."""
        outputs = dict.fromkeys(("listens_on", "endpoint", "region", "account", "instance", "access_key_id"), None)
        super().__init__(
            CloudProvider(),
            name,
            {"folder": folder, "port": port, "secret_access_key": None, **outputs},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["secret_access_key"])),
        )

    def connection(self) -> dict[str, pulumi.Output[str]]:
        """What a resource in the cloud needs as inputs to be made as the administrator."""
        return {
            "endpoint": self.endpoint,
            "region": self.region,
            "instance": self.instance,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }


class CloudResourceProvider(LocalProvider):
    """A provider of something inside the cloud: gone with it, and not worth an error when it is."""

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        if instance_at(olds["endpoint"]) != olds["instance"]:
            return "the local cloud that held it is gone"
        if olds.get("secret_access_key") is None or is_unknown(olds["secret_access_key"]):
            # Nobody has decrypted the administrator's key, so nobody can be asked.
            return None
        return self.missing(id_, olds)

    def missing(self, id_: str, olds: Properties) -> str | None:
        """Why the resource is not there, asked of a cloud that answers."""
        raise NotImplementedError

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        if instance_at(props["endpoint"]) == props["instance"]:
            self.remove(id_, props)

    def remove(self, id_: str, props: Properties) -> None:
        """Deletes the resource from a cloud that answers."""
        raise NotImplementedError


def client(service: str, props: Properties) -> Any:
    """A boto3 client with the credentials among a resource's properties."""
    return _client(service, props["endpoint"], props["region"], props["access_key_id"], props["secret_access_key"])


@functools.lru_cache(maxsize=64)
def _client(service: str, endpoint: str, region: str, access_key_id: str, secret_access_key: str) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.session import Session

    # The user's own profile, files and AWS_* variables are about another cloud, and may be broken.
    variables = {name: (None, None, *rest) for name, (_, _, *rest) in Session.SESSION_VARIABLES.items()}
    variables |= dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    # Making clients is not safe in threads; using them is.
    with _clients_lock:
        return boto3.session.Session(botocore_session=Session(variables)).client(
            service,
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"max_attempts": 3},
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )


def error_code(error: Exception) -> str:
    """The code of an AWS error, such as NoSuchBucket or 404; empty for any other exception."""
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if response else ""


def instance_at(endpoint: str) -> str | None:
    """The instance of the cloud that answers at an endpoint; None if none does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(endpoint + INSTANCE_PATH, timeout=5) as response:
            return str(json.load(response)["instance"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _folder(props: Properties) -> Path:
    return Path(props["folder"]) / "cloud"


def _answering(props: Properties, key_id: str, secret: str) -> tuple[str, dict[str, Any]] | None:
    """Id and outputs of the server that runs with these settings and answers; None if there is none."""
    from infra.local import process

    folder = _folder(props)
    ready = records.read_record(folder / records.READY)
    if ready is None or process.state_of(folder).digest != _launch(props, key_id, secret).digest():
        return None
    endpoint = f"http://127.0.0.1:{ready['port']}"
    if instance_at(endpoint) != ready["instance"]:
        return None
    return str(folder), {
        "folder": props["folder"],
        "port": props["port"],
        "listens_on": ready["port"],
        "endpoint": endpoint,
        "region": REGION,
        "account": ACCOUNT,
        "instance": ready["instance"],
        "access_key_id": key_id,
        "secret_access_key": secret,
    }


def _launch(props: Properties, access_key_id: str, secret_access_key: str) -> "Launch":
    import sys

    from infra.local.process import PROJECT, Launch

    return Launch(
        (sys.executable, "-m", "infra.local.cloud_server", str(int(props["port"]))),
        {
            "PYTHONPATH": str(PROJECT),
            ACCESS_KEY_ID_VARIABLE: access_key_id,
            SECRET_ACCESS_KEY_VARIABLE: secret_access_key,
        },
        grace_seconds=5,
    )
