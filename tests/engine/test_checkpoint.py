"""Checkpoints as JSON: the envelope, the manifest, and what makes one unusable."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint import (
    empty_deployment,
    encode_checkpoint,
    find_misshapen,
    go_time,
    magic,
    new_manifest,
    passphrase_provider,
    state_salt,
    verify_integrity,
)

MANIFEST = new_manifest("3.260.0", datetime(2026, 1, 2, 3, 4, 5, 60, UTC))


def urn(number: int) -> str:
    return f"urn:pulumi:s::p::t:m:T::r{number}"


def resource(number: int, **more: Any) -> dict[str, Any]:
    return {"urn": urn(number), "custom": True, "id": "i", "type": "t:m:T", **more}


def deployment(*resources: dict[str, Any]) -> dict[str, Any]:
    return {**empty_deployment(MANIFEST, None), "resources": list(resources)}


def test_the_magic_is_the_one_that_the_pulumi_command_writes() -> None:
    assert magic("3.260.0") == "f86dae3edf3fe6e708b87c6d6a143d3db5172f83cdfdb5d54206585b489dba50"
    assert magic("") == ""


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 120, tzinfo=UTC), "2026-01-02T03:04:05.00012Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.5Z"),
    ],
)
def test_times_are_written_as_go_writes_them(moment: datetime, text: str) -> None:
    assert go_time(moment) == text


def test_the_envelope() -> None:
    provider = passphrase_provider("v1:a:v1:b:c")
    latest = empty_deployment(MANIFEST, provider)
    encoded = encode_checkpoint("p", "s", latest, ['{"urn":"é<&>"}', "{}"], ['{"type":"creating"}'])
    assert encoded.startswith(b'{"version":3,"checkpoint":{"stack":"organization/p/s","latest":{"manifest":{"time":')
    document = json.loads(encoded)["checkpoint"]
    assert list(document["latest"]) == ["manifest", "secrets_providers", "resources", "pending_operations", "metadata"]
    assert document["latest"]["resources"] == [{"urn": "é<&>"}, {}]
    assert document["latest"]["pending_operations"] == [{"type": "creating"}]
    assert state_salt(document["latest"]) == "v1:a:v1:b:c"
    assert json.loads(encode_checkpoint("p", "s", latest))["checkpoint"]["latest"] == latest
    assert state_salt(None) == state_salt({}) == state_salt({"secrets_providers": {"type": "cloud"}}) == ""


def test_what_refers_to_something_later_or_missing_is_told() -> None:
    provider = "urn:pulumi:s::p::pulumi:providers:t::d::i"
    bad = deployment(
        resource(0, parent=urn(1), dependencies=[urn(9)], propertyDependencies={"k": [urn(1)]}, deletedWith=urn(9)),
        resource(1, provider=provider),
        resource(1),
        {**resource(2), "custom": False},
    )
    assert verify_integrity(bad) == [
        f"{urn(0)} has the parent {urn(1)}, which stands after it",
        f"{urn(0)} depends on {urn(9)}, which is missing",
        f"{urn(0)} depends in 'k' on {urn(1)}, which stands after it",
        f"{urn(0)} is deleted with {urn(9)}, which is missing",
        f"{urn(1)} refers to a provider that does not stand before it: {provider}",
        f"{urn(2)} is a component and has an ID",
        f"{urn(1)} stands there 2 times",
    ]
    changed = {**bad, "manifest": {**MANIFEST, "version": "3.261.0"}, "resources": []}
    assert verify_integrity(changed) == [
        "the manifest's magic does not belong to its version: the file was changed or is damaged"
    ]


@given(st.data(), st.integers(1, 8))
def test_whatever_refers_backwards_holds_together(data: st.DataObject, count: int) -> None:
    resources: list[dict[str, Any]] = []
    for number in range(count):
        earlier = st.sampled_from([each["urn"] for each in resources]) if resources else st.nothing()
        more: dict[str, Any] = {}
        if resources:
            more = {
                "parent": data.draw(earlier),
                "dependencies": data.draw(st.lists(earlier)),
                "propertyDependencies": {"k": data.draw(st.lists(earlier)), "none": []},
                "deletedWith": data.draw(earlier),
            }
        resources.append(resource(number, **more))
        if data.draw(st.booleans()):
            resources.append({**resource(number), "delete": True})
    good = deployment(*resources)
    assert find_misshapen(good) == ""
    assert verify_integrity(good) == []
    dropped = data.draw(st.sampled_from(resources))
    rest = [each for each in resources if each["urn"] != dropped["urn"]]
    used = any(dropped["urn"] in json.dumps({**each, "urn": ""}) for each in rest)
    assert bool(verify_integrity(deployment(*rest))) == used


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["manifest", "resources", "pending_operations", "urn", "type", "custom", "dependencies",
                             "propertyDependencies", "resource", "parent", "provider"]), inner, max_size=5),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_json_is_either_misshapen_or_can_be_verified(document: Any) -> None:
    for candidate in (document, {"resources": [document]}, {"resources": [{**resource(0), "dependencies": document}]}):
        problem = find_misshapen(candidate)
        assert problem or isinstance(verify_integrity(candidate), list)
