"""What is made cheap in the Pulumi SDK does the same as before, and what is deferred is there when it is asked for.

Each trial has a process of its own: the changes are for the rest of a process.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def answer(script: str, **environment: str) -> Any:
    """The JSON that a script prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "TRACEPARENT"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_urns_are_the_sdks_own() -> None:
    before, after = answer(
        """
        import asyncio, json
        import pulumi
        from pulumi.runtime import resource as sdk
        from engine import sdk_speed

        PARENT = "urn:pulumi:dev::shop::shop:Parent::a::b"
        CASES = [
            ("name", "shop:Thing"), ("name", "shop:Thing", PARENT), ("a::b", "shop:Thing", None, "other", "prod"),
            ("name", "shop:Thing", PARENT, "other", "prod"), ("", "t", ""), ("name", "t", None, "", ""),
        ]

        async def told(output):
            known, secret = await output.is_known(), await output.is_secret()
            return [await output.future(), known, secret, list(await output.resources())]

        async def all_cases():
            answers = []
            for case in CASES:
                answers.append(await told(sdk.create_urn(*case)))
                answers.append(await told(sdk.create_urn(pulumi.Output.from_input(case[0]), *case[1:])))
                answers.append(await told(sdk.create_urn(case[0], pulumi.Output.secret(case[1]), *case[2:])))
            return answers

        async def both():
            pulumi.runtime.configure(pulumi.runtime.Settings(project="shop", stack="dev"))
            before = await all_cases()
            sdk_speed.apply(debug=False)
            return before, await all_cases()

        print(json.dumps(asyncio.run(both())))
        """
    )
    assert after == before
    assert len(after) == 18


def test_unknowns_are_found_wherever_they_are() -> None:
    before, after = answer(
        """
        import json
        import pulumi
        from pulumi.output import UNKNOWN, contains_unknowns
        from engine import sdk_speed

        class Text(str):
            pass

        loop = {"a": [1]}
        loop["a"].append(loop)
        VALUES = [
            None, True, 0, 1.5, "", "text", Text("text"), UNKNOWN, [], {}, [UNKNOWN], {"a": UNKNOWN},
            {"a": [1, {"b": UNKNOWN}]}, {"a": [1, {"b": 2}]}, (UNKNOWN,), object(), b"bytes", loop,
        ]
        before = [contains_unknowns(value) for value in VALUES]
        sdk_speed.apply(debug=False)
        print(json.dumps([before, [contains_unknowns(value) for value in VALUES]]))
        """
    )
    assert after == before
    assert {True, False} == set(after)


def test_settings_are_read_in_the_context_that_asks() -> None:
    before, after = answer(
        """
        import contextvars, json
        from pulumi.runtime.settings import SETTINGS, Settings
        from pulumi._utils import contextproperty
        from engine import sdk_speed

        class Bag:
            @contextproperty
            def word(self): ...
            @contextproperty
            def table(self): ...

        def told(bag):
            def other():
                bag.word = "inner"
                return bag.word
            bag.word = "outer"
            bag.table = {"a": 1}
            bag.table["b"] = 2
            inner = contextvars.copy_context().run(other)
            table = type(bag.table).__name__
            return [inner, bag.word, table, bag.table.fget(), type(Bag.word).__name__, repr(SETTINGS.dry_run)]

        before = told(Bag())
        sdk_speed.apply(debug=False)
        print(json.dumps([before, told(Bag())]))
        """
    )
    assert after == before
    assert after[:2] == ["inner", "outer"]


def test_debug_messages_stay_where_they_are_asked_for() -> None:
    script = """
        import json
        import pulumi
        from engine import sdk_speed
        debug = pulumi.log.debug
        sdk_speed.apply(debug={asked})
        print(json.dumps(pulumi.log.debug is debug))
    """
    assert answer(script.format(asked=True)) is True
    assert answer(script.format(asked=False)) is False


def test_deferred_modules_are_whole_once_they_are_used() -> None:
    told = answer(
        """
        import json, sys
        from engine.deferred_imports import deferred_imports
        with deferred_imports():
            import pulumi, pulumi.dynamic
        loaded_early = [name for name in ("opentelemetry.sdk.trace", "grpc.aio._channel") if name in sys.modules]
        import dill, grpc, packaging.version
        from grpc.aio import server
        from opentelemetry import propagate
        from opentelemetry.sdk.trace import TracerProvider
        from pulumi.automation import LocalWorkspace
        print(json.dumps([
            loaded_early, dill.loads(dill.dumps(7)), grpc.aio.server is server, server.__name__,
            str(packaging.version.Version("1.2")), TracerProvider.__name__, callable(propagate.extract),
            LocalWorkspace.__name__, [type(finder).__name__ for finder in sys.meta_path if "Deferring" in repr(finder)],
        ]))
        """
    )
    assert told == [[], 7, True, "server", "1.2", "TracerProvider", True, "LocalWorkspace", []]


@pytest.mark.parametrize("prelude", ["", "import opentelemetry.sdk.trace"])
def test_tracing_is_not_deferred_where_a_trace_is_to_be_continued(prelude: str) -> None:
    told = answer(
        f"""
        import json
        {prelude}
        from engine.deferred_imports import deferred_imports
        with deferred_imports():
            import pulumi
        from opentelemetry import trace
        from pulumi.runtime import _instrumentation
        provider = _instrumentation._tracer_provider
        print(json.dumps([type(provider).__module__, trace.get_tracer_provider() is provider]))
        """,
        TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    assert told == ["opentelemetry.sdk.trace", True]
