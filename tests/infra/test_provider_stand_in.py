"""The stand-in of providers' plugins: what it names, what it refuses, and what it hands back.

Its methods are called as the engine would call them. That the real engine takes it is shown where there is one.
"""

from pathlib import Path
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from tests.infra.provider_stand_in import Journal, StandIn

RING = "gcp:kms/keyRing:KeyRing"
BUCKET = "gcp:storage/bucket:Bucket"
GRANT = "gcp:projects/iAMMember:IAMMember"
ROLE = "aws:iam/role:Role"


class Refused(Exception):
    """What the engine is told."""


class Context:
    """As much of gRPC's context as is used."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise Refused(code, details)


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(Journal(tmp_path / "journal"), "10.2.0")


def struct(**fields: Any) -> struct_pb2.Struct:
    return json_format.ParseDict(fields, struct_pb2.Struct())


def check(stand_in: StandIn, type_: str, seed: bytes, news: dict[str, Any], olds: dict[str, Any]) -> dict[str, Any]:
    urn = f"urn:pulumi:gcp-dev::trainyard::trainyard:gcp:Platform${type_}::keys"
    request = provider_pb2.CheckRequest(urn=urn, news=struct(**news), olds=struct(**olds), randomSeed=seed)
    answer: dict[str, Any] = json_format.MessageToDict(stand_in.Check(request, Context()).inputs)
    return answer


def create(stand_in: StandIn, type_: str, name: str, /, **inputs: Any) -> Any:
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:gcp-dev::trainyard::{type_}::{name}", type=type_, name=name, properties=struct(**inputs)
    )
    return stand_in.Create(request, Context())


def delete(stand_in: StandIn, type_: str, name: str, identifier: str) -> None:
    stand_in.Delete(provider_pb2.DeleteRequest(id=identifier, type=type_, name=name), Context())


def test_what_has_no_name_gets_one_with_a_random_end_and_keeps_it(stand_in: StandIn) -> None:
    first = check(stand_in, RING, b"\1\2\3\4", {"location": "europe-west4"}, {})
    other = check(stand_in, RING, b"\5\6\7\0", {"location": "europe-west4"}, {})
    assert first["name"].startswith("keys-")
    assert first["name"] != other["name"]
    assert check(stand_in, RING, b"\5\6\7\0", {"location": "europe-west4"}, first) == first
    # Others have names of their own, or none.
    assert check(stand_in, RING, b"\1", {"name": "ring"}, {}) == {"name": "ring"}
    assert check(stand_in, BUCKET, b"\1", {"location": "EU"}, {}) == {"location": "EU"}


def test_a_name_that_is_taken_is_refused(stand_in: StandIn) -> None:
    bucket = create(stand_in, BUCKET, "datasets", name="datasets").id
    with pytest.raises(Refused, match="datasets is there already"):
        create(stand_in, BUCKET, "others", name="datasets")
    delete(stand_in, BUCKET, "datasets", bucket)
    assert create(stand_in, BUCKET, "datasets", name="datasets").id == bucket


def test_a_name_that_google_keeps_is_refused_for_ever(stand_in: StandIn) -> None:
    ring = create(stand_in, RING, "keys", name="keys-1", location="europe-west4").id
    delete(stand_in, RING, "keys", ring)
    with pytest.raises(Refused, match="keys-1 is kept by Google"):
        create(stand_in, RING, "keys", name="keys-1", location="europe-west4")
    assert create(stand_in, RING, "keys", name="keys-2", location="europe-west4").id != ring


def test_a_grant_may_be_made_twice_and_aws_takes_every_name(stand_in: StandIn) -> None:
    for type_ in (GRANT, ROLE):
        first = create(stand_in, type_, "node", name="node", role="roles/viewer")
        assert create(stand_in, type_, "node", name="node", role="roles/viewer").id == first.id


def test_what_is_made_anew_is_another_one(stand_in: StandIn) -> None:
    account = "gcp:serviceaccount/account:Account"
    first = create(stand_in, account, "node", accountId="trainyard-node")
    delete(stand_in, account, "node", first.id)
    again = create(stand_in, account, "node", accountId="trainyard-node")
    assert again.id == first.id
    assert again.properties["email"] == first.properties["email"]
    assert again.properties["uniqueId"] != first.properties["uniqueId"]


def test_nothing_is_looked_up(stand_in: StandIn) -> None:
    with pytest.raises(Refused, match="the program looks something up: gcp:organizations/getProject"):
        stand_in.Invoke(provider_pb2.InvokeRequest(tok="gcp:organizations/getProject:getProject"), Context())


def test_the_journal_tells_what_was_done_in_order(tmp_path: Path, stand_in: StandIn) -> None:
    made = create(stand_in, BUCKET, "models", name="models").id
    delete(stand_in, BUCKET, "models", made)
    told = [(entry.operation, entry.type, entry.name, entry.id) for entry in Journal(tmp_path / "journal").read()]
    assert told == [("create", BUCKET, "models", "models"), ("delete", BUCKET, "models", "models")]
