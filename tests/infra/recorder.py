"""Runs the platform's program under Pulumi's mocks, in this process, and keeps what it registers.

Everything is known here that a cloud would answer, so policies and other texts can be read in full.
"""

import asyncio
import copy
import functools
import json
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import wait_for_rpcs

from infra.platform import create_platform
from infra.settings import Settings
from tests.infra.gcp import answers as gcp
from tests.infra.joined import joined
from tests.infra.stack_files import ROOT, as_texts, changed, parse, stack_file
from tests.pulumi_loop import run_in_loop

WORKLOAD = "digits"
FAR = "2999-01-01T00:00:00Z"
"""When a stack expires whose program reads the clock."""


@dataclass(frozen=True)
class Registered:
    """One resource, as the engine was asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]

    def document(self, field: str = "policy") -> dict[str, Any]:
        """A policy among the inputs, parsed."""
        parsed: dict[str, Any] = json.loads(self.inputs[field])
        return parsed

    def statement(self, sid: str, field: str = "policy") -> dict[str, Any]:
        """The statement of a policy by its name."""
        (found,) = (each for each in self.document(field)["Statement"] if each.get("Sid") == sid)
        return dict(found)


@dataclass
class Resources:
    """What was registered."""

    registered: list[Registered] = field(default_factory=list)

    def all(self, type_: str) -> list[Registered]:
        """Those of one type, by name."""
        return sorted((each for each in self.registered if each.type == type_), key=lambda each: each.name)

    def one(self, type_: str, name: str | None = None) -> Registered:
        """The only one of its type, or of its type and name."""
        found = [each for each in self.all(type_) if name in (None, each.name)]
        assert len(found) == 1, [each.name for each in self.all(type_)]
        return found[0]


class _Mocks(mocks.Mocks):
    def __init__(self) -> None:
        self.resources = Resources()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.registered.append(Registered(args.typ, args.name, dict(args.inputs)))
        if args.typ.startswith("gcp:"):
            return gcp.identifier_of(args.typ, args.name, args.inputs), gcp.outputs_of(args.typ, args.name, args.inputs)
        answers = {**_ANSWERS.get(args.typ, {}), "arn": f"arn:aws:mock:::{args.name}"}
        if args.typ == "aws:eks/nodeGroup:NodeGroup":
            # Pulumi's name with the provider's random end.
            answers["nodeGroupName"] = f"{args.name}-1a2b3c4"
        return f"{args.name}-id", joined(answers, args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program looks something up: {args.token}")


_ANSWERS: dict[str, dict[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://ABCDEF.gr7.eu-west-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "LS0tLS1CRUdJTg=="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-0123456789abcdef0"},
        "identities": [{"oidcs": [{"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF"}]}],
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 3},
    "aws:kms/key:Key": {"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
    "aws:sqs/queue:Queue": {"url": "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"},
    "aws:ecr/repository:Repository": {"repositoryUrl": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/images"},
}


def record(build: Callable[[], object], *, stack: str = "dev") -> Resources:
    """What `build` registers. Inputs are as the engine sees them: names in camelCase, outputs resolved."""
    recording = _Mocks()

    async def program() -> None:
        mocks.set_mocks(recording, project="trainyard", stack=stack, preview=False)
        build()
        await _settled()

    run_in_loop(program)
    return recording.resources


async def _settled() -> None:
    """Waits for all that the program has started, as `wait_for_rpcs` does, which looks at all tasks after each one."""
    await wait_for_rpcs(await_all_outstanding_tasks=False)
    while SETTINGS.outputs:
        pending = list(SETTINGS.outputs)
        SETTINGS.outputs.clear()
        await asyncio.gather(*pending)
        await wait_for_rpcs(await_all_outstanding_tasks=False)


def provision(stack: str, changes: Mapping[str, Any] | None = None) -> Resources:
    """What the platform of a committed stack file registers.

    :param changes: Values in `trainyard:CLOUD` by path, such as `network.nat`, and in `trainyard:kubernetes` by
        `kubernetes.team` and so on.
    """
    return _provision(stack, json.dumps(changes or {}, sort_keys=True))


@functools.cache
def _provision(stack: str, changes: str) -> Resources:
    settings = settings_of(stack, json.loads(changes))
    return record(lambda: create_platform(settings, workload=WORKLOAD), stack=stack)


def deploy(stack: str, changes: Mapping[str, Any] | None = None, *, name: str = "") -> Resources:
    """What the whole program registers with a committed stack file: platform and workloads.

    :param changes: As `provision` takes them.
    :param name: What the stack is called; empty: as its file.
    """
    return _deploy(stack, json.dumps(changes or {}, sort_keys=True), name or stack)


@functools.cache
def _deploy(stack: str, changes: str, name: str) -> Resources:
    config = changed(copy.deepcopy(stack_file(stack)), json.loads(changes))
    if "trainyard:expires_at" in config:
        # The program compares it with this moment.
        config["trainyard:expires_at"] = FAR
    texts = as_texts(config)

    def program() -> None:
        pulumi.runtime.set_all_config(texts)
        runpy.run_path(str(ROOT / "__main__.py"))

    return record(program, stack=name)


def settings_of(stack: str, changes: Mapping[str, Any] | None = None) -> Settings:
    """The settings of a committed stack file, with changes."""
    return parse(changed(copy.deepcopy(stack_file(stack)), changes or {}), stack)
