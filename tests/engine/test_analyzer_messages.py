"""Analyzer messages: what is sent is what was meant, and a remediation gives no secret away."""

from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import analyzer_pb2

from engine.analyzer_messages import analyze_request, encode_properties, remediations
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Secret, decode_struct, encode_struct, strip_secrets

names = st.text("abcdefgh", min_size=1, max_size=4)
plain = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("xyz") | st.just(UNKNOWN)
values = st.recursive(
    plain | plain.map(Secret),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
STATE = ResourceState("urn:pulumi:dev::yard::cloud:Bucket::b", "cloud:Bucket", True)


@given(st.dictionaries(names, values, max_size=4))
def test_properties_arrive_without_the_internal_ones(properties: dict[str, object]) -> None:
    assert decode_struct(encode_properties(properties | {"__provider": "pickled"})) == properties


@given(st.dictionaries(names, values, max_size=4))
def test_what_was_secret_is_secret_after_a_remediation(properties: dict[str, object]) -> None:
    mended = strip_secrets(properties) | {"owner": "nobody"}
    response = analyzer_pb2.RemediateResponse(
        remediations=[{"policyName": "mend", "properties": encode_struct(mended)}]
    )
    [found] = remediations(analyze_request(STATE, properties), response, version="1.0.0")
    assert found.properties == properties | {"owner": "nobody"}


def test_a_remediation_that_could_not_run_changes_nothing() -> None:
    response = analyzer_pb2.RemediateResponse(remediations=[{"policyName": "mend", "diagnostic": "not now"}])
    [found] = remediations(analyze_request(STATE, {}), response, version="")
    assert (found.properties, found.diagnostic) == (None, "not now")
