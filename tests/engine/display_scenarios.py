"""Deployments as their events, for tests of what people and programs read of them."""

from typing import Any

from engine.events import (
    Diagnostic,
    Event,
    Finished,
    Operation,
    OutputsRegistered,
    PolicyPackLoaded,
    PolicyViolation,
    Severity,
    StepFailed,
    StepFinished,
    StepStarted,
)

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
STORE = "urn:pulumi:dev::shop::shop:index:Store::store"
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:pulumi-python::default"
PROVIDER_REFERENCE = f"{PROVIDER}::5ea6442c-2bc5-4b70-b448-1a506aa43d07"
BUCKET = "pulumi-python:dynamic/local:Bucket"


def bucket(name: str, *, in_store: bool = True) -> str:
    """The URN of a bucket."""
    prefix = "shop:index:Store$" if in_store else ""
    return f"urn:pulumi:dev::shop::{prefix}{BUCKET}::{name}"


def state(urn: str, inputs: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A resource's state in the order of a checkpoint's keys."""
    custom = BUCKET in urn
    document = {
        "urn": urn,
        "custom": custom,
        "id": fields.pop("id", ""),
        "type": urn.split("::")[2].rsplit("$", 1)[-1],
        "inputs": {"__provider": "[secret]", **(inputs or {})} if custom else inputs,
        "outputs": fields.pop("outputs", None),
        "parent": parent_of(urn),
        "provider": PROVIDER_REFERENCE if custom else "",
        **fields,
    }
    return {key: value for key, value in document.items() if value or key == "custom"}


def parent_of(urn: str) -> str:
    """The store's buckets lie in it, the stack has no parent, all else lies in the stack."""
    return "" if urn == STACK else STORE if "shop:index:Store$" in urn else STACK


def started(
    operation: Operation,
    urn: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    *,
    logical: bool = True,
    **fields: Any,
) -> StepStarted:
    """A step's start."""
    custom = BUCKET in urn
    provider = PROVIDER_REFERENCE if custom else ""
    return StepStarted(operation, urn, logical, custom, parent_of(urn), provider, old, new, **fields)


def step(
    operation: Operation, urn: str, *states: dict[str, Any] | None, seconds: float = 0.5, **fields: Any
) -> list[Event]:
    """A step that succeeds."""
    begun = started(operation, urn, *states, **fields)
    return [begun, StepFinished(operation, urn, begun.logical, seconds, begun.new_state)]


def new_stack() -> list[Event]:
    """A stack that is created, or would be."""
    data = {
        "name": "data",
        "password": "[secret]",
        "policy": '{"Version": "2012", "Statement": [{"Effect": "Allow"}]}',
        "rules": [{"port": 80}, {"port": 443}],
        "script": "#!/bin/sh\necho one\necho two\n",
        "tags": {"team": "a", "env": "dev"},
    }
    outputs = {"address": UNKNOWN, "kinds": ["a", {"b": "1"}], "secret": "[secret]"}
    create = Operation.CREATE
    return [
        *step(create, STACK, None, state(STACK)),
        *step(create, PROVIDER, None, {"urn": PROVIDER, "custom": True}),
        *step(create, STORE, None, state(STORE)),
        *step(create, bucket("data"), None, state(bucket("data"), data)),
        *step(
            create,
            bucket("logs"),
            None,
            state(bucket("logs"), {"name": "logs", "target": UNKNOWN, "on": True, "n": 1.5}),
        ),
        *step(
            create, bucket("same", in_store=False), None, state(bucket("same", in_store=False), {"list": [], "map": {}})
        ),
        OutputsRegistered(STORE, True, {}, {"arn": UNKNOWN}),
        OutputsRegistered(STACK, True, {}, outputs),
        Finished("succeeded", {"create": 5}, 2.349220541, outputs, config={"shop:c": "[secret]", "shop:a": "b"}),
    ]


def no_change() -> list[Event]:
    """A stack that is what it should be."""
    same = Operation.SAME
    return [
        *step(same, STACK, state(STACK), state(STACK)),
        *step(same, PROVIDER),
        *step(same, STORE),
        *step(same, bucket("data")),
        *step(same, bucket("logs")),
        OutputsRegistered(STACK, False),
        Finished("succeeded", {"same": 4}, 0.4, {"address": "arn:data"}),
    ]


def mixed() -> list[Event]:
    """Updates, a replacement in each order, a creation, a deletion, and messages."""
    old = {
        "name": "data",
        "password": "[secret]",
        "policy": '{"Version": "2012", "Statement": [{"Effect": "Allow"}]}',
        "rules": [{"port": 80}, {"port": 443}],
        "script": "#!/bin/sh\necho one\necho two\n",
        "tags": {"team": "a", "env": "dev"},
    }
    new = {
        **old,
        "policy": '{"Version": "2012", "Statement": [{"Effect": "Deny"}]}',
        "rules": [{"port": 80}, {"port": 8443}, {"port": 22}],
        "script": "#!/bin/sh\necho one\necho three\n",
        "tags": {"team": "b", "cost": 3, "nested": {"x": [1, 2]}},
    }
    detailed = {
        path: {"kind": "update", "inputDiff": True} for path in ("password", "policy", "rules[1].port", "script")
    }
    detailed |= {"rules[2]": {"kind": "add", "inputDiff": True}, "tags.team": {"kind": "update", "inputDiff": True}}
    data, logs, first = bucket("data"), bucket("logs"), bucket("first")
    added, removed = bucket("new", in_store=False), bucket("old", in_store=False)
    logs_states = (
        state(logs, {"name": "logs", "target": "arn:data"}, id="856f32e5", delete=True),
        state(logs, {"name": "logs-b", "target": UNKNOWN}, id="856f32e5"),
    )
    first_states = (
        state(first, {"name": "first"}, id="ed80d37b", pendingReplacement=True),
        state(first, {"name": "second"}, id="ed80d37b"),
    )
    why: dict[str, Any] = {
        "replace_reasons": ["name"],
        "detailed_diff": {"name": {"kind": "update-replace", "inputDiff": True}},
    }
    return [
        *step(Operation.SAME, STACK, state(STACK), state(STACK)),
        Diagnostic(Severity.WARNING, "the quota is low\n"),
        Diagnostic(Severity.INFO, "an info message\nwith two lines\n", stream=1),
        *step(Operation.SAME, STORE),
        *step(
            Operation.UPDATE,
            data,
            state(data, old, id="6aea9889", outputs=old),
            state(data, new, id="6aea9889"),
            detailed_diff=detailed,
            diff_reasons=["password", "policy", "rules", "script", "tags"],
        ),
        Diagnostic(Severity.WARNING, "the bucket is public", data),
        Diagnostic(Severity.INFO, "still copying", data, ephemeral=True),
        *step(Operation.DELETE_REPLACED, first, first_states[0], None, logical=False, seconds=1.25),
        *step(Operation.REPLACE, first, *first_states, seconds=0.0, **why),
        *step(Operation.CREATE_REPLACEMENT, first, *first_states, logical=False, seconds=12.4, **why),
        *step(Operation.CREATE_REPLACEMENT, logs, *logs_states, logical=False, seconds=62.0, replace_reasons=["name"]),
        *step(Operation.REPLACE, logs, *logs_states, seconds=0.0, replace_reasons=["name"]),
        *step(Operation.CREATE, added, None, state(added, {"name": "new", "of": UNKNOWN, "secret": "[secret]"})),
        *step(Operation.SAME, bucket("same", in_store=False)),
        OutputsRegistered(
            STACK,
            True,
            {"address": "arn:data", "gone": "x", "kinds": ["a", {"b": "1"}], "secret": "[secret]"},
            {"address": "arn:data", "kinds": ["a", {"b": "2"}], "more": {"x": None}, "secret": "[secret]"},
        ),
        *step(Operation.DELETE_REPLACED, logs, logs_states[0], None, logical=False),
        *step(Operation.DELETE, removed, state(removed, {"name": "old", "tags": {"a": "b"}}, id="fbd88764"), None),
        Finished("succeeded", {"same": 3, "update": 1, "replace": 2, "create": 1, "delete": 1}, 75.2),
    ]


def failing() -> list[Event]:
    """A creation that fails while another one succeeds."""
    broken, fine = bucket("broken"), bucket("fine")
    return [
        *step(Operation.SAME, STACK),
        *step(Operation.SAME, STORE),
        started(Operation.CREATE, broken, None, state(broken, {"name": "x"})),
        started(Operation.CREATE, fine, None, state(fine, {"name": "y"})),
        Diagnostic(Severity.ERROR, "Traceback (most recent call last):\n  File x\nOSError: the disk is full\n", broken),
        StepFailed(Operation.CREATE, broken, 0.7),
        StepFinished(Operation.CREATE, fine, True, 1.5, state(fine, {"name": "y"}, id="1")),
        Finished("failed", {"same": 2, "create": 2}, 3.1, cause="resource"),
    ]


def violating() -> list[Event]:
    """A preview that policies object to."""
    public = bucket("public")
    return [
        PolicyPackLoaded("security", "0.2.0", 12),
        PolicyPackLoaded("cost", "1.0.0", 3),
        *step(Operation.CREATE, STACK, None, state(STACK)),
        *step(Operation.CREATE, public, None, state(public, {"acl": "public"})),
        PolicyViolation("security", "0.2.0", "tagged", "Tags are missing:\n  owner", "advisory", "low", public),
        PolicyViolation(
            "security",
            "0.2.0",
            "no-public-buckets",
            "acl is public",
            "mandatory",
            "high",
            public,
            "Buckets are private.",
        ),
        PolicyViolation("security", "0.2.0", "has-a-log-bucket", "There is no log bucket.", "mandatory"),
        Finished("failed", {"create": 2}, 0.5, cause="policy"),
    ]


def destroyed() -> list[Event]:
    """A stack that is deleted."""
    return [
        *(
            event
            for name in ("logs", "data")
            for event in step(Operation.DELETE, bucket(name), state(bucket(name), {"name": name}, id=f"{name}-1"), None)
        ),
        *step(Operation.DELETE, STORE, state(STORE), None),
        *step(Operation.DELETE, STACK, state(STACK, outputs={"a": 1}), None),
        Finished("succeeded", {"delete": 4}, 1.0),
    ]
