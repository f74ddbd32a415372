"""What jobs and services on one machine share: a process with a folder of its own, its command and its environment."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pulumi
from typing_extensions import override

from infra.local.provider import LocalProvider, Properties, digest_of, without_provider

TRITON_VARIABLE = "TRAINYARD_TRITON_VENV"
"""Names the virtual environment that Triton's server is in."""
_SECRET = ("environment",)


class ProcessProvider(LocalProvider):
    """What jobs and services share: their process."""

    not_compared = frozenset({"environment"})

    @override
    def digests(self, news: Properties) -> dict[str, str]:
        return {"environment_digest": digest_of(news["environment"])}

    @override
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        from infra.local import process

        process.stop(folder_of(props))


def folder_of(props: Properties) -> Path:
    """The folder of the process of a job or service."""
    return Path(props["folder"]) / str(props["name"])


def machine_environment() -> dict[str, str]:
    """Environment variables that every process gets, and that are about this machine alone."""
    from infra.local.process import PROJECT

    return {"OMP_NUM_THREADS": "1", TRITON_VARIABLE: os.environ.get(TRITON_VARIABLE) or str(PROJECT / ".venv-triton")}


def ask(function: str, *arguments: object) -> object:
    """The answer of a `MODULE:FUNCTION` that a workload has named."""
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def portable(part: str) -> str:
    """A part of a command without where the interpreter lies: that is the machine's business, and no difference."""
    return "python" if part == sys.executable else part


def command_of(props: Properties) -> list[str]:
    """The command of a job or service as it is run on this machine."""
    program, *arguments = props["command"]
    return [sys.executable if program == "python" else program, *arguments]


def id_of(props: Properties) -> str:
    """What the state knows a job or service by."""
    return f"{props['folder']}/{props['name']}"


def kept(props: Properties) -> dict[str, Any]:
    """The inputs that are outputs, too: all but the secret ones."""
    return {name: value for name, value in without_provider(props).items() if name not in _SECRET}


def with_secrets(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The options of a job's or service's resource."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=[*_SECRET]))
