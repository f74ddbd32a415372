"""Envelope encryption: what goes in comes out, and nothing that was touched does."""

import pytest
import tink
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tink import aead

from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.envelope import AlteredError, Envelope, EnvelopeError, KeyEncryptionKey, KeyRefusedError

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few
@given(message=st.binary(max_size=2000), what=st.binary(max_size=50))
def test_decrypting_returns_what_was_encrypted(object_cloud: ObjectCloud, message: bytes, what: bytes) -> None:
    envelope = Envelope(object_cloud.key_uri)
    ciphertext = envelope.encrypt(message, what)
    assert len(message) < 8 or message not in ciphertext
    assert envelope.decrypt(ciphertext, what) == message


@few
@given(data=st.data())
def test_no_altered_byte_is_accepted(object_cloud: ObjectCloud, data: st.DataObject) -> None:
    envelope = Envelope(object_cloud.key_uri)
    ciphertext = bytearray(envelope.encrypt(b"a model", b"job/run/model.onnx"))
    place = data.draw(st.integers(0, len(ciphertext) - 1))
    ciphertext[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(EnvelopeError):
        envelope.decrypt(bytes(ciphertext), b"job/run/model.onnx")


def test_equal_messages_give_different_ciphertexts(object_cloud: ObjectCloud) -> None:
    envelope = Envelope(object_cloud.key_uri)
    assert envelope.encrypt(b"same", b"") != envelope.encrypt(b"same", b"")


def test_a_ciphertext_given_another_name_is_refused(object_cloud: ObjectCloud) -> None:
    envelope = Envelope(object_cloud.key_uri)
    with pytest.raises(
        AlteredError, match=r"cannot decrypt job/other/model.onnx: its bytes were altered, or it is som"
    ):
        envelope.decrypt(envelope.encrypt(b"a model", b"job/run/model.onnx"), b"job/other/model.onnx")


@pytest.mark.parametrize("ciphertext", [b"", b"\0\0\0", b"\xff\xff\xff\xff rest"])
def test_what_is_no_envelope_is_refused(object_cloud: ObjectCloud, ciphertext: bytes) -> None:
    with pytest.raises(AlteredError):
        Envelope(object_cloud.key_uri).decrypt(ciphertext, b"")


def test_a_key_in_memory_can_stand_in_for_the_key_service() -> None:
    aead.register()
    in_memory = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    uri = "aws-kms://arn:aws:kms:us-east-1:000000000000:key/in-memory"
    envelope = Envelope(uri, KeyEncryptionKey(uri, in_memory))
    assert envelope.decrypt(envelope.encrypt(b"a model", b"x"), b"x") == b"a model"
    with pytest.raises(AlteredError, match=r"cannot decrypt with aws-kms://.*/in-memory: the data key was altered"):
        envelope.decrypt((4).to_bytes(4) + b"none rest", b"x")


def test_another_key_does_not_decrypt(object_cloud: ObjectCloud) -> None:
    ciphertext = Envelope(object_cloud.key_uri).encrypt(b"a model", b"x")
    with pytest.raises(KeyRefusedError, match="another key was used"):
        Envelope(object_cloud.other_key_uri).decrypt(ciphertext, b"x")


@pytest.mark.usefixtures("object_cloud")
def test_a_key_that_does_not_exist_is_named() -> None:
    missing = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(KeyRefusedError, match=r"00000000-0000-0000-0000-000000000000.*NotFound"):
        Envelope(missing).encrypt(b"", b"")


@pytest.mark.parametrize("uri", ["", "s3://bucket/key", "aws-kms://alias/x", "gcp-kms://projects/p", "arn:aws:kms:x"])
def test_what_is_no_key_uri_is_refused_before_any_request(uri: str) -> None:
    with pytest.raises(EnvelopeError, match="is not the URI of a key: expected aws-kms://arn"):
        Envelope(uri)


def test_an_unreachable_key_service_is_named(object_cloud: ObjectCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(EnvelopeError, match="Could not connect to the endpoint URL") as caught:
        Envelope(object_cloud.key_uri).encrypt(b"", b"")
    assert not isinstance(caught.value, KeyRefusedError | AlteredError)
