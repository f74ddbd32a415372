"""The compose file of a bundle, for a machine with Docker. https://github.com/compose-spec/compose-spec

The container gets nothing but the bundle, the two keys and memory to work in. The machine's administrator sets what
depends on the machine by variables, since the file itself is signed.
"""

from typing import Any

import yaml

from trainyard_serving.specification import ServiceSpecification

COMPOSE_FILE = "compose.yaml"
_USER = 1000
_PRIVATE_KEY = "machine-key"
_SIGNER = "/etc/trainyard/signer.pub"
_WORK = "/work"
_PORTS = {
    "http_port": "TRAINYARD_HTTP_PORT",
    "grpc_port": "TRAINYARD_GRPC_PORT",
    "metrics_port": "TRAINYARD_METRICS_PORT",
}


def compose_text(specification: ServiceSpecification, image: str | None) -> str:
    """The file's text.

    Args:
        specification: of the service; its ports are those in the container and, unless told otherwise, outside.
        image: the serving image by its digest; None for a variable that has to be set.
    """
    document = {
        "name": f"trainyard-{_project(specification.service)}",
        "services": {"serving": _service(specification, image)},
        "secrets": {_PRIVATE_KEY: {"file": "${TRAINYARD_MACHINE_KEY:-/etc/trainyard/machine-key}"}},
    }
    dumped: str = yaml.safe_dump(document, sort_keys=False, width=1_000_000)
    return dumped


def _service(specification: ServiceSpecification, image: str | None) -> dict[str, Any]:
    probe = f"http://127.0.0.1:{specification.http_port}/v2/health/ready"
    service: dict[str, Any] = {
        "image": image or "${TRAINYARD_IMAGE:?set it to the serving image, as NAME@sha256:DIGEST}",
        "command": [
            "--bundle",
            "/bundle",
            "--signer",
            _SIGNER,
            "--private-key",
            f"/run/secrets/{_PRIVATE_KEY}",
            "--work-dir",
            f"{_WORK}/service",
            # Of the container, which is reached through the ports below alone.
            "--listen-address",
            "0.0.0.0",  # noqa: S104
        ],
        "user": f"{_USER}:{_USER}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": [f"{place}:size=64m,mode=0700,uid={_USER},gid={_USER}" for place in (_WORK, "/tmp")],  # noqa: S108
        "shm_size": "1g",
        "pids_limit": 1024,
        # A core dump would have the model in clear text.
        "ulimits": {"core": 0},
        "ports": [f"127.0.0.1:${{{variable}:-{port}}}:{port}" for port, variable in _published(specification)],
        "volumes": [
            {"type": "bind", "source": ".", "target": "/bundle", "read_only": True},
            {
                "type": "bind",
                "source": "${TRAINYARD_SIGNER:-/etc/trainyard/signer.pub}",
                "target": _SIGNER,
                "read_only": True,
                "bind": {"create_host_path": False},
            },
        ],
        "secrets": [_PRIVATE_KEY],
        "healthcheck": {
            "test": ["CMD", "python3", "-c", f"import urllib.request; urllib.request.urlopen('{probe}', timeout=5)"],
            "interval": "10s",
            "timeout": "10s",
            "retries": 3,
            "start_period": "120s",
        },
        "restart": "unless-stopped",
        "stop_grace_period": f"{specification.drain_seconds + 10}s",
    }
    if specification.device == "gpu":
        gpus = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        service["deploy"] = {"resources": {"reservations": {"devices": [gpus]}}}
    return service


def _published(specification: ServiceSpecification) -> list[tuple[int, str]]:
    return [(getattr(specification, name), variable) for name, variable in _PORTS.items()]


def _project(name: str) -> str:
    # Lower-case letters, digits, dashes and underscores: https://docs.docker.com/reference/compose-file/version-and-name/
    return name.lower().replace(".", "-")
