"""How the pack reads resources from Pulumi's messages, and what it makes of inputs and outputs together."""

from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties, Secret
from policies import decoding
from policies.local.types import SERVICE
from policies.values import SecretText, Unknown

NAMESPACE = "kubernetes:core/v1:Namespace"


def state(type_: str, inputs: Properties, outputs: Properties) -> ResourceState:
    return ResourceState(f"urn:pulumi:dev::yard::{type_}::it", type_, True, inputs=inputs, outputs=outputs)


def seen(resource: ResourceState, *, dry_run: bool) -> dict[str, Any]:
    """What rules of the stack see of a resource that was analyzed before."""
    request = analyzer_pb2.AnalyzeStackRequest(resources=[analyzer_resource(resource, resource.outputs)])
    inputs = {resource.urn: analyze_request(resource, resource.inputs).properties}
    (found,) = decoding.stack(request, "dev", inputs, dry_run=dry_run).resources
    return dict(found.properties)


def test_a_preview_shows_what_the_program_says_where_the_provider_says_nothing() -> None:
    assert seen(state(NAMESPACE, {"metadata": {"name": "a"}}, {}), dry_run=True) == {"metadata": {"name": "a"}}


def test_a_preview_leaves_out_what_only_the_provider_will_know() -> None:
    found = seen(state("aws:s3/bucket:Bucket", {"bucket": "a"}, {"bucket": UNKNOWN, "policy": UNKNOWN}), dry_run=True)
    assert found == {"bucket": "a"}


def test_a_preview_shows_what_is_known_of_the_rest() -> None:
    found = seen(state("aws:s3/bucket:Bucket", {"bucket": "a"}, {"bucket": "a", "arn": "arn:a"}), dry_run=True)
    assert found == {"bucket": "a", "arn": "arn:a"}


def test_what_the_program_does_not_know_stays_unknown() -> None:
    found = seen(state("aws:s3/bucketPolicy:BucketPolicy", {"policy": UNKNOWN}, {}), dry_run=True)
    assert isinstance(found["policy"], Unknown)


def test_outputs_of_dynamic_resources_stay_unknown() -> None:
    assert isinstance(seen(state(SERVICE, {}, {"endpoints": UNKNOWN}), dry_run=True)["endpoints"], Unknown)


def test_an_update_shows_what_is_there() -> None:
    resource = state("aws:s3/bucket:Bucket", {"bucket": "a", "password": "p"}, {"bucket": "b", "arn": "arn:b"})
    assert seen(resource, dry_run=False) == {"bucket": "b", "arn": "arn:b", "password": "p"}


def test_secrets_and_notes_of_providers_are_told_from_what_programs_say() -> None:
    inputs: Properties = {"rule": {"days": 1.0, "__defaults": []}, "key": Secret({"inner": "s"}), "list": [UNKNOWN]}
    found = decoding.resource(analyze_request(state("a:b:C", inputs, {}), inputs)).properties
    assert found["rule"] == {"days": 1}
    assert isinstance(found["key"]["inner"], SecretText)
    assert (found["list"][0].path, str(found["key"]["inner"])) == ("list[0]", "[secret]")
