"""Signed manifests: what training signs verifies, and nothing that anybody else could make or alter does."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import aead, proto_keyset_format, signature

from infra.s3_grants import KEY_GRANTS
from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.envelope import AlteredError, Envelope, KeyEncryptionKey, KeyRefusedError
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ManifestError,
    ModelSignature,
    TensorSignature,
    associated_data,
    decode_manifest,
    encode_manifest,
)
from trainyard_artifacts.signature import (
    SIGNING_KEY,
    SignatureError,
    SignedManifest,
    decode_signed_manifest,
    encode_signed_manifest,
    sign_manifest,
    verify_manifest,
)

KEY_URI = "aws-kms://arn:aws:kms:us-east-1:000000000000:key/in-memory"
URI = "s3://models/digits/run1/manifest.json"
NOT_VOUCHED_FOR = f"{URI} is signed by a key that {KEY_URI} does not vouch for as that of digits/run1"
ALTERED = f"{URI} was altered: its signature is not one of what it says"
aead.register()
signature.register()


def key_in_memory() -> aead.Aead:
    """What stands for a key in the key service."""
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)


class DecryptOnly(aead.Aead):
    """A key as serving has it: the service refuses to encrypt."""

    def __init__(self, key: aead.Aead) -> None:
        self._key = key

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        raise tink.TinkError("AccessDeniedException: not authorized to perform: kms:Encrypt")

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        plaintext: bytes = self._key.decrypt(ciphertext, associated_data)
        return plaintext


REMOTE = key_in_memory()
TRAINING = KeyEncryptionKey(KEY_URI, REMOTE)
SERVING = KeyEncryptionKey(KEY_URI, DecryptOnly(REMOTE))


def a_manifest(run: str = "run1", labels: tuple[str, ...] = ("zero", "eins", "zwölf")) -> Manifest:
    tensor = TensorSignature(name="image", dtype="float32", shape=(None, 1, 8, 8))
    return Manifest(
        job="digits",
        run=run,
        created=datetime(2026, 1, 2, tzinfo=UTC),
        data=DataVersion(index_sha256="0" * 64, train_examples=10, test_examples=2, shards=1),
        code=CodeVersion(package="p", version="1", sources_sha256="1" * 64),
        frameworks={},
        metrics={"test_accuracy": 0.5},
        model=ModelSignature(input=tensor, output=tensor, labels=labels),
        encryption=Encryption(key_uri=KEY_URI, scheme="s"),
        artifacts=(Artifact(name="m", object="m.tink", bytes=1, sha256="2" * 64, ciphertext_sha256="3" * 64),),
    )


STORED = sign_manifest(a_manifest(), TRAINING)
SIGNED = decode_signed_manifest(STORED, URI)


def read(data: bytes, key: KeyEncryptionKey = SERVING) -> Manifest:
    """What a reader of the run does."""
    signed = decode_signed_manifest(data, URI)
    verify_manifest(signed, key, job="digits", run="run1", uri=URI)
    return decode_manifest(signed.manifest.encode(), URI)


def changed(**fields: Any) -> bytes:
    return encode_signed_manifest(SIGNED.model_copy(update=fields))


def forged(manifest: Manifest, signing_key: bytes | None = None) -> tuple[bytes, bytes]:
    """A manifest signed with a key of the forger's own, and that public key."""
    pair = tink.new_keyset_handle(signature.signature_key_templates.ECDSA_P256)
    public = proto_keyset_format.serialize_without_secret(pair.public_keyset_handle())
    text = encode_manifest(manifest)
    made = pair.primitive(signature.PublicKeySign).sign(text)
    signed = SignedManifest(manifest=text.decode(), signing_key=signing_key or public, signature=made)
    return encode_signed_manifest(signed), public


def test_who_may_only_decrypt_reads_what_training_signed() -> None:
    assert read(STORED) == a_manifest()
    assert SIGNED.manifest.encode() == encode_manifest(a_manifest())


@settings(max_examples=25, deadline=None)
@given(
    labels=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4).map(tuple),
    key=st.binary(min_size=1, max_size=200),
    made=st.binary(min_size=1, max_size=80),
)
def test_what_is_encoded_is_decoded(labels: tuple[str, ...], key: bytes, made: bytes) -> None:
    text = encode_manifest(a_manifest(labels=labels)).decode()
    signed = SignedManifest(manifest=text, signing_key=key, signature=made)
    assert decode_signed_manifest(encode_signed_manifest(signed), URI) == signed


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_altered_byte_is_accepted(data: st.DataObject) -> None:
    altered = bytearray(STORED)
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ArtifactError, match=URI):
        read(bytes(altered))


@settings(max_examples=50)
@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_manifest_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(ArtifactError, match=URI):
        decode_signed_manifest(data, URI)


def test_a_manifest_without_a_signature_is_refused() -> None:
    with pytest.raises(SignatureError, match=f"{URI} is not signed: it has no signature"):
        read(encode_manifest(a_manifest()))


@pytest.mark.parametrize("field", ["algorithm", "manifest", "signing_key"])
def test_a_part_that_is_missing_is_named(field: str) -> None:
    document = json.loads(STORED)
    del document[field]
    # An algorithm has a default, so that its absence shows in the form only.
    with pytest.raises(
        SignatureError, match="not in the form" if field == "algorithm" else rf"{field}: Field required"
    ):
        read(json.dumps(document).encode())


def test_all_that_is_wrong_with_the_document_is_told_at_once() -> None:
    document = {**json.loads(STORED), "algorithm": "rot13", "signing_key": "?", "extra": 1}
    with pytest.raises(SignatureError) as caught:
        read(json.dumps(document).encode())
    assert all(f"{field}: " in str(caught.value) for field in ("algorithm", "signing_key", "extra"))


@pytest.mark.parametrize("version", [0, 2, None, True])
def test_an_unknown_schema_version_is_refused(version: object) -> None:
    with pytest.raises(ManifestError, match=rf"has schema_version {version!r}; this version reads 1"):
        read(json.dumps({**json.loads(STORED), "schema_version": version}).encode())


def test_the_same_document_written_otherwise_is_refused() -> None:
    with pytest.raises(SignatureError, match="not in the form in which signed manifests are written"):
        read(json.dumps(json.loads(STORED)).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(manifest=encode_manifest(a_manifest(labels=("other",))).decode()), ALTERED),
        (changed(manifest=SIGNED.manifest + "\n"), ALTERED),
        (changed(signature=SIGNED.signature[:-1]), ALTERED),
        (changed(signature=decode_signed_manifest(sign_manifest(a_manifest(), TRAINING), URI).signature), ALTERED),
        (changed(signing_key=SIGNED.signing_key[:-1] + b"\0"), NOT_VOUCHED_FOR),
        (changed(signing_key=b"\0"), NOT_VOUCHED_FOR),
        (sign_manifest(a_manifest(run="run2"), TRAINING), NOT_VOUCHED_FOR),
        (sign_manifest(a_manifest(), KeyEncryptionKey("other", key_in_memory())), NOT_VOUCHED_FOR),
    ],
    ids=[
        "another manifest",
        "one more byte",
        "a byte less of the signature",
        "the signature of another publishing",
        "an altered signing key",
        "no ciphertext at all",
        "the whole object of another run",
        "a signing key under another key",
    ],
)
def test_each_forgery_has_its_error(data: bytes, message: str) -> None:
    with pytest.raises(SignatureError) as caught:
        read(data)
    assert str(caught.value) == message


def test_a_key_service_that_names_another_key_is_understood() -> None:
    class OtherKey(DecryptOnly):
        def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
            raise tink.TinkError("An error occurred (IncorrectKeyException) when calling the Decrypt operation")

    with pytest.raises(SignatureError, match="does not vouch for"):
        read(STORED, KeyEncryptionKey(KEY_URI, OtherKey(REMOTE)))


def test_who_may_not_decrypt_is_told_so_and_not_that_something_was_altered() -> None:
    class Refused(DecryptOnly):
        def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
            raise tink.TinkError("AccessDeniedException: not authorized to perform: kms:Decrypt")

    with pytest.raises(KeyRefusedError, match="not authorized to perform: kms:Decrypt"):
        read(STORED, KeyEncryptionKey(KEY_URI, Refused(REMOTE)))


def test_only_training_may_vouch_for_a_key() -> None:
    can_encrypt = {"kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:ReEncrypt*", "kms:*", "*"}
    assert {identity for identity, actions in KEY_GRANTS.items() if can_encrypt & set(actions)} == {"training"}
    assert KEY_GRANTS["serving"] == ("kms:Decrypt",)


def test_who_may_only_decrypt_cannot_sign() -> None:
    with pytest.raises(KeyRefusedError, match=r"cannot encrypt with .*kms:Encrypt"):
        sign_manifest(a_manifest(), SERVING)


def test_nothing_that_can_be_read_vouches_for_a_forgers_key() -> None:
    # What a reader of the bucket who may decrypt has at hand: the signing keys of runs, and artifacts in envelopes.
    plain, public = forged(a_manifest(labels=("forged",)))
    envelope = Envelope(KEY_URI, TRAINING)
    artifact = envelope.encrypt(public, associated_data("digits", "run1", SIGNING_KEY))
    length = int.from_bytes(artifact[:4])
    wrapped_data_key = artifact[4 : 4 + length]
    other_run = decode_signed_manifest(sign_manifest(a_manifest(run="run2"), TRAINING), URI).signing_key
    for vouched in (None, artifact, wrapped_data_key, other_run):
        data = plain if vouched is None else forged(a_manifest(labels=("forged",)), vouched)[0]
        with pytest.raises(SignatureError, match="does not vouch for"):
            read(data)
    with pytest.raises(SignatureError, match="was altered"):
        read(forged(a_manifest(labels=("forged",)), SIGNED.signing_key)[0])


def test_a_random_data_key_of_the_services_choice_is_no_public_key() -> None:
    generated = REMOTE.encrypt(hashlib.sha256(b"any").digest(), associated_data("digits", "run1", SIGNING_KEY))
    with pytest.raises(SignatureError, match="does not vouch for"):
        read(forged(a_manifest(), generated)[0])


def test_each_publishing_has_a_key_of_its_own_and_no_private_key_is_kept() -> None:
    again = decode_signed_manifest(sign_manifest(a_manifest(), TRAINING), URI)
    signing_keys = [
        SERVING.decrypt(each.signing_key, associated_data("digits", "run1", SIGNING_KEY)) for each in (SIGNED, again)
    ]
    assert signing_keys[0] != signing_keys[1]
    for each in signing_keys:
        # Raises where the keyset holds anything secret.
        assert proto_keyset_format.parse_without_secret(each).keyset_info().key_info[0].type_url.endswith("PublicKey")


def test_the_key_service_vouches_and_verifies(object_cloud: ObjectCloud) -> None:
    key = Envelope(object_cloud.key_uri).key
    data = sign_manifest(a_manifest(), key)
    assert read(data, key) == a_manifest()
    signed = decode_signed_manifest(data, URI)
    with pytest.raises(SignatureError, match="does not vouch for as that of digits/run2"):
        verify_manifest(signed, key, job="digits", run="run2", uri=URI)
    with pytest.raises(KeyRefusedError, match="another key was used"):
        read(data, Envelope(object_cloud.other_key_uri).key)


def test_what_the_key_service_would_not_even_take_was_altered(object_cloud: ObjectCloud) -> None:
    class Strict(DecryptOnly):
        def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
            raise tink.TinkError(
                "(ValidationException) 1 error: Value at 'ciphertextBlob' failed to satisfy constraint"
            )

    for key in (KeyEncryptionKey(KEY_URI, Strict(REMOTE)), Envelope(object_cloud.key_uri).key):
        with pytest.raises(AlteredError):
            key.decrypt(b"", b"x")
