"""The program as a whole, without an engine: what it asks for, and what it refuses before it asks for anything."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HARNESS = """
    import asyncio, json, os, runpy, sys
    import pulumi
    from pulumi.runtime import mocks
    from pulumi.runtime.stack import wait_for_rpcs

    class Recorder(mocks.Mocks):
        resources = []
        def new_resource(self, args):
            Recorder.resources.append(args)
            outputs = dict(args.inputs)
            if "path" in args.inputs:
                outputs["path"] = args.inputs["path"]
            return f"{args.name}-id", outputs
        def call(self, args):
            raise AssertionError(f"the program looks something up: {args.token}")

    logged = []
    pulumi.log.warn = lambda text, *_: logged.append(text)
    error = None

    async def program():
        mocks.set_mocks(Recorder(), project="trainyard", stack="local", preview=True)
        runpy.run_path("__main__.py", run_name="__main__")
        await wait_for_rpcs()

    try:
        asyncio.run(program())
    except pulumi.RunError as refused:
        error = str(refused)
    slow = [name for name in ("torch", "boto3", "moto", "tink") if name in sys.modules]
    print("RESULT" + json.dumps({
        "resources": [{"type": r.typ, "name": r.name, "inputs": sorted(r.inputs), "tags": r.inputs.get("tags")}
                      for r in Recorder.resources if r.typ != "pulumi:pulumi:Stack"],
        "error": error, "warnings": logged, "slow": slow,
    }))
    sys.stdout.flush()
    os._exit(0)
    """


def run_program(configuration: dict[str, Any], **environment: str) -> dict[str, Any]:
    """Runs `__main__.py` in a process of its own against recording mocks."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HARNESS)],
        cwd=ROOT,
        env={**os.environ, "PULUMI_CONFIG": json.dumps(configuration), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert results, done.stderr
    parsed: dict[str, Any] = json.loads(results[0].removeprefix("RESULT"))
    return parsed


def test_what_the_local_stack_consists_of() -> None:
    result = run_program({"trainyard:owner": "me@example.com"}, TRAINYARD_TRITON_VENV="/no/such/environment")
    assert result["error"] is None
    kinds = sorted(f"{one['type'].split(':')[-1]} {one['name']}" for one in result["resources"])
    assert kinds == [
        "Bucket checkpoints",
        "Bucket datasets",
        "Bucket logs",
        "Bucket models",
        "Cloud local-cloud",
        "Identity loader",
        "Identity serving",
        "Identity training",
        "Job training",
        "Job training-loader",
        "Key local-key",
        "Platform local",
        "StackFolder local-folder",
        "TrainingJob training",
    ]
    assert not [one["name"] for one in result["resources"] if one["type"].startswith("pulumi:providers")]
    tagged = [one for one in result["resources"] if one["tags"]]
    tags = {"project": "trainyard", "stack": "local", "owner": "me@example.com", "cost_centre": "unassigned"}
    assert [one["tags"] for one in tagged] == [tags] * 8
    assert result["slow"] == [], "a program that imports these starts slowly"


def test_a_machine_without_triton_trains_and_says_why_it_does_not_serve() -> None:
    result = run_program({}, TRAINYARD_TRITON_VENV="/no/such/environment")
    assert len(result["warnings"]) == 1
    assert result["warnings"][0].startswith("The inference service is left out: ")
    assert run_program({"trainyard:serving": '{"enabled": false}'})["warnings"] == []


def test_bad_settings_stop_it_before_any_resource() -> None:
    result = run_program({"trainyard:training": '{"epochs": 0}', "trainyard:owners": "me"})
    assert result["resources"] == []
    assert result["error"] == (
        "Stack local has 2 problems in its settings:\n"
        "  trainyard:owners: no such setting; did you mean trainyard:owner?\n"
        "  trainyard:training.epochs = 0: must be a whole number from 1 to 1000"
    )
