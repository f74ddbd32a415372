"""Property values survive every encoding, and secrets never leave theirs."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import values
from engine.values import UNKNOWN, Properties, ResourceReference, Secret, Value

PLAIN_TEXT = st.text(max_size=20).filter(lambda text: text not in values._UNKNOWN_SENTINELS)
KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != values.SIGNATURE)
NUMBERS = st.one_of(
    st.integers(min_value=-(2**53), max_value=2**53),
    st.floats().map(lambda number: int(number) if number.is_integer() else number),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, PLAIN_TEXT)
KNOWN = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
REFERENCES = st.builds(
    ResourceReference,
    urn=PLAIN_TEXT,
    id=st.one_of(st.none(), st.just(UNKNOWN), PLAIN_TEXT.filter(bool)),
    package_version=PLAIN_TEXT,
)
ANY = st.recursive(
    st.one_of(LEAVES, st.just(UNKNOWN), REFERENCES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        inner.filter(lambda value: not isinstance(value, Secret)).map(Secret),
    ),
    max_leaves=12,
)
PROPERTIES = st.dictionaries(KEYS, ANY, max_size=5)


def shown(value: Value) -> str:
    return json.dumps(values.blind(value), sort_keys=True)


@given(PROPERTIES)
def test_protobuf_gives_back_what_it_was_given(properties: Properties) -> None:
    decoded = values.decode_struct(values.encode_struct(properties))
    assert values.same(decoded, properties)
    assert shown(decoded) == shown(properties)


@given(PROPERTIES)
def test_a_checkpoint_gives_back_what_it_was_given(properties: Properties) -> None:
    def encrypt(plaintext: str) -> str:
        # What is encrypted is strict JSON, too.
        json.dumps(json.loads(plaintext), allow_nan=False)
        return "cipher:" + plaintext

    document = values.to_checkpoint(properties, encrypt)
    text = json.dumps(document, allow_nan=False)
    decoded = values.from_checkpoint(json.loads(text), lambda ciphertext: ciphertext.removeprefix("cipher:"))
    assert values.same(decoded, properties)


@given(PROPERTIES)
def test_a_checkpoint_without_its_key_still_tells_what_is_secret(properties: Properties) -> None:
    document = values.to_checkpoint(properties, lambda _: "ciphertext")
    decoded = values.from_checkpoint(document, None)
    assert shown(decoded) == shown(properties)


@given(st.dictionaries(KEYS, KNOWN, max_size=3), st.uuids().map(str))
def test_a_secret_is_not_shown(properties: Properties, secret: str) -> None:
    properties["hidden"] = {"deep": [Secret({"password": secret}), {"again": Secret(secret)}]}
    assert secret not in json.dumps(values.blind(properties))
    assert secret not in repr(Secret(secret))


@given(PROPERTIES)
def test_without_secrets_the_provider_sees_plain_values(properties: Properties) -> None:
    decoded = values.decode_struct(values.encode_struct(properties, keep_secrets=False))
    assert values.same(decoded, values.strip_secrets(properties))


@given(KNOWN, KNOWN)
def test_same_is_equality_of_json(left: Value, right: Value) -> None:
    assert values.same(left, left)
    assert values.same(left, right) == (json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True))


@pytest.mark.parametrize(
    ("number", "bits"),
    [(math.nan, "7ff8000000000000"), (math.inf, "7ff0000000000000"), (-math.inf, "fff0000000000000")],
)
def test_numbers_that_json_lacks_are_written_as_the_pulumi_command_writes_them(number: float, bits: str) -> None:
    written = {"4dabf18193072939515e22adb298388d": "8ad145fe-0d11-4827-bfd7-1abcbf086f5c", "value": bits}
    assert values.to_checkpoint({"loss": [number]}, str) == {"loss": [written]}
    assert values.as_json({"loss": [number]}) == {"loss": [written]}
    assert values.same(values.from_checkpoint({"loss": [written]}, None), {"loss": [number]})


def test_nothing_secret_is_printed_as_json() -> None:
    with pytest.raises(TypeError, match="blinded"):
        values.as_json({"password": Secret("hunter2")})


def test_the_unknown_id_of_a_reference_is_shown_as_empty() -> None:
    shown = values.blind({"of": ResourceReference("urn", UNKNOWN), "known": ResourceReference("urn", "id-1")})
    assert (shown["of"]["id"], shown["known"]["id"]) == ("", "id-1")


@given(PROPERTIES)
def test_secrets_are_found_wherever_they_are(properties: Properties) -> None:
    assert values.contains_secrets({**properties, "last": [{"deep": Secret(None)}]})
    assert values.contains_secrets(properties) == ("ciphertext" in str(values.to_checkpoint(properties, str)))


def test_true_is_not_one() -> None:
    assert not values.same(True, 1)
    assert not values.same([0], [False])
    assert values.same(1, 1.0)


def test_an_output_value_keeps_its_secretness_and_loses_its_dependencies() -> None:
    struct = values.encode_struct(
        {
            "known": {values.SIGNATURE: values.OUTPUT_SIGNATURE, "value": 1, "dependencies": ["urn"]},
            "secret": {values.SIGNATURE: values.OUTPUT_SIGNATURE, "value": "x", "secret": True},
            "unknown": {values.SIGNATURE: values.OUTPUT_SIGNATURE},
        }
    )
    assert values.decode_struct(struct) == {"known": 1, "secret": Secret("x"), "unknown": UNKNOWN}


@given(PROPERTIES)
def test_unknowns_are_found_wherever_they_are(properties: Properties) -> None:
    assert values.contains_unknowns({**properties, "last": [{"deep": Secret(UNKNOWN)}]})
    text = json.dumps(values.to_checkpoint(values.strip_secrets(properties), str))
    assert values.contains_unknowns(properties) == (values.UNKNOWN_SENTINEL in text)
