"""The stacks of this project as a preview plans them, for rules to judge."""

import functools
import json
import tempfile
from operator import itemgetter
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from policies import decoding
from policies.resources import Resource, Stack
from policies.values import Unknown
from tests.cli.yard import ROOT, Result, yard
from tests.engine.policy_packs import policy_python
from tests.infra.plan import make_project, preview
from tests.policies.programs import CORPUS, run_program

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@functools.cache
def planned(name: str) -> Stack:
    """The stack of that name in a first preview; `corpus/FILE` is a sound program of the corpus."""
    if name.startswith("corpus/"):
        return program_stack(CORPUS / "secure" / f"{name.removeprefix('corpus/')}.py")
    # Those that wait for nothing register in any order.
    states = sorted((step["newState"] for step in json.loads(previewed(name).out)["steps"]), key=itemgetter("urn"))
    return Stack(
        [
            Resource(
                type=state["type"],
                name=state["urn"].rpartition("::")[2],
                properties=_plain(state.get("inputs", {}), ""),
                urn=state["urn"],
                parent=state.get("parent", ""),
                property_dependencies={
                    key: urns for key, urns in state.get("propertyDependencies", {}).items() if urns
                },
                secret_outputs=state.get("additionalSecretOutputs", []),
                protected=state.get("protect", False),
            )
            for state in states
            if not state["type"].startswith("pulumi:")
        ],
        name,
    )


@functools.cache
def previewed(name: str) -> Result:
    """A first preview of the stack of that name with the policy pack, as a document."""
    policy_python()
    arguments = ("--json", "--policy-pack", "policies")
    with tempfile.TemporaryDirectory(prefix="trainyard-planned-") as folder:
        project = make_project(Path(folder), name)
        if name != "local":
            # A stack expires some hours from now, which is any number of days from the day of the tests.
            file = project / "policies.json"
            file.write_text(json.dumps({"cost-stack-expires": {"most_days": 0}}))
            return preview(project, name, *arguments, "--policy-pack-config", str(file))
        # The local platform's dynamic providers are reached over the loopback interface.
        environment = {"TRAINYARD_TRITON_VENV": str(ROOT / ".venv-triton")}
        return yard("preview", *arguments, environment=environment, cwd=project)


def program_stack(path: Path) -> Stack:
    """What a program of the corpus registers in a first preview."""
    registered = sorted(run_program(path), key=lambda each: each.state.urn)
    message = analyzer_pb2.AnalyzeStackRequest(resources=[each.judged_in_stack() for each in registered])
    return decoding.stack(message, "dev", {}, dry_run=True)


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each, f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, f"{path}[{index}]") for index, each in enumerate(value)]
    return Unknown(path) if value == _UNKNOWN else value
