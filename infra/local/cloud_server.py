"""The AWS-compatible cloud: `python -m infra.local.cloud_server PORT` serves S3, KMS, IAM and STS on 127.0.0.1.

It is moto behind two rules of ours. IAM is enforced from the first request on: the one administrator exists before the
server listens, with the access key that the environment hands over. And moto's own interface, which would let anybody
on this machine read every secret or switch enforcement off, is closed. `GET /trainyard/instance` tells which run of
the server answers: everything is held in memory, and gone with it.
"""

import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from infra.local import cloud_authorization, records

INSTANCE_PATH = "/trainyard/instance"
ADMINISTRATOR = "administrator"
ACCESS_KEY_ID_VARIABLE, SECRET_ACCESS_KEY_VARIABLE = "TRAINYARD_ADMINISTRATOR_KEY_ID", "TRAINYARD_ADMINISTRATOR_SECRET"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main(port: int) -> None:
    """Serves until SIGTERM; as soon as it listens, its record tells the port and the instance."""
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    cloud_authorization.install()
    create_administrator(os.environ.pop(ACCESS_KEY_ID_VARIABLE), os.environ.pop(SECRET_ACCESS_KEY_VARIABLE))
    instance = secrets.token_hex(8)
    application = guarded(DomainDispatcherApplication(create_backend_app), instance)
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
    folder = Path(os.environ[records.MARKER])
    records.write_record(folder / records.READY, {"port": server.port, "instance": instance})
    print(f"cloud instance {instance} listens on 127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


def create_administrator(access_key_id: str, secret_access_key: str) -> None:
    """Makes the user who may do everything and switches enforcement on for all requests."""
    from moto import settings
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.iam.models import iam_backends

    iam = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user("us-east-1", ADMINISTRATOR)
    allow_everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_user_policy(ADMINISTRATOR, "everything", json.dumps(allow_everything))
    key = iam.create_access_key(ADMINISTRATOR)
    key.access_key_id, key.secret_access_key = access_key_id, secret_access_key
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0


def guarded(application: Any, instance: str) -> Application:
    """The cloud's application with its instance told and moto's own interface closed."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == INSTANCE_PATH:
            status, body = "200 OK", json.dumps({"instance": instance}).encode()
        elif path.startswith("/moto-api") or not environ.get("HTTP_AUTHORIZATION"):
            # Enforcement reads the header only: a request signed by its query would be an error inside moto.
            status, body = "403 Forbidden", b'{"message": "signed requests only"}'
        else:
            served: Iterable[bytes] = application(environ, start_response)
            return served
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return serve


if __name__ == "__main__":
    main(int(sys.argv[1]))
