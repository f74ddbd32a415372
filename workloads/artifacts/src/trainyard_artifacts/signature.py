"""The manifest as it is stored: signed, with a key that only who may encrypt by the run's key can vouch for.

Each publishing makes an ECDSA P-256 key pair in memory, signs the manifest's bytes with it and forgets the private key.
Of the public key, the run's key-encryption key makes a ciphertext, directly and not in an envelope, with
``JOB/RUN/signing-key`` as associated data. Readers have the key service decrypt it, and so get the public key from whom
they trust. What makes the signature one of training is the difference between two permissions: training has
``kms:Encrypt`` and can vouch for a key; serving has ``kms:Decrypt`` alone, so it verifies and cannot forge. An envelope
would not do: whoever can decrypt one has its data key, and can encrypt anything by that. ``kms:GenerateDataKey``, which
the loader has, does not help a forger: there the key service chooses what it encrypts, and it is no public key.

Signature and signed bytes are one object, ``manifest.json``. A put is atomic, so where two processes publish the same
run (a job that was retried while it still ran) a reader finds the manifest of one of them with its own signature: with
two objects, it could find one of each. Who may read the manifest, moreover, may read the signature. The manifest is
kept as the text that was signed, so that nothing depends on how a reader would write it again; the text of the whole
object has one form, too, so that no byte of it can be altered unnoticed.

Not told apart are two publishings of one run: whoever may write to the bucket can put an earlier one back.
"""

import json
from typing import Literal

import tink
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tink import proto_keyset_format, signature

from trainyard_artifacts.envelope import AlteredError, AnotherKeyError, KeyEncryptionKey
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import (
    Manifest,
    associated_data,
    encode_manifest,
    problems_of,
    require_version,
)

SIGNING_KEY = "signing-key"
"""What the ciphertext of a public key is said to be, in the place of an artifact's name."""

_LONGEST_CIPHERTEXT = 6144  # https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html


class SignatureError(ArtifactError):
    """A manifest is not signed, or not by whoever may publish the run that it names."""


class SignedManifest(BaseModel):
    """The object ``manifest.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    schema_version: Literal[1] = 1
    algorithm: Literal["tink-ecdsa-p256"] = "tink-ecdsa-p256"
    manifest: str
    """The manifest's text, as ``encode_manifest`` writes it. Its UTF-8 bytes are what is signed."""
    signing_key: bytes = Field(min_length=1, max_length=_LONGEST_CIPHERTEXT)
    """The public key, a Tink keyset, encrypted by the run's key-encryption key for ``JOB/RUN/signing-key``."""
    signature: bytes = Field(min_length=1)


def sign_manifest(manifest: Manifest, key: KeyEncryptionKey) -> bytes:
    """Sign a manifest with a new key that ``key`` vouches for; returns what is to be stored as ``manifest.json``.

    Args:
        manifest: of the run that is published.
        key: the run's key-encryption key; the identity needs ``kms:Encrypt``.

    Raises:
        KeyRefusedError: this identity may not encrypt by the key.
        EnvelopeError: the key service does not answer.
    """
    signature.register()
    pair = tink.new_keyset_handle(signature.signature_key_templates.ECDSA_P256)
    public = proto_keyset_format.serialize_without_secret(pair.public_keyset_handle())
    text = encode_manifest(manifest)
    signed = SignedManifest(
        manifest=text.decode(),
        signing_key=key.encrypt(public, associated_data(manifest.job, manifest.run, SIGNING_KEY)),
        signature=pair.primitive(signature.PublicKeySign).sign(text),
    )
    return encode_signed_manifest(signed)


def verify_manifest(signed: SignedManifest, key: KeyEncryptionKey, *, job: str, run: str, uri: str) -> None:
    """Check that ``signed`` was signed by a key that was vouched for as that of this run.

    Args:
        signed: as it was stored.
        key: the run's key-encryption key, known from elsewhere; the identity needs ``kms:Decrypt``.
        job: what the run is of.
        run: the run, known from elsewhere.
        uri: says in errors where ``signed`` came from.

    Raises:
        SignatureError: the manifest, the signature or its key were altered, or the key is of another run.
        KeyRefusedError: this identity may not decrypt by the key, or the key service does not say that it was another
            key that vouched.
        EnvelopeError: the key service does not answer.
    """
    signature.register()
    try:
        public = key.decrypt(signed.signing_key, associated_data(job, run, SIGNING_KEY))
        verifier = proto_keyset_format.parse_without_secret(public).primitive(signature.PublicKeyVerify)
    except (AlteredError, AnotherKeyError, tink.TinkError):
        raise SignatureError(
            f"{uri} is signed by a key that {key.key_uri} does not vouch for as that of {job}/{run}"
        ) from None
    try:
        verifier.verify(signed.signature, signed.manifest.encode())
    except tink.TinkError:
        raise SignatureError(f"{uri} was altered: its signature is not one of what it says") from None


def encode_signed_manifest(signed: SignedManifest) -> bytes:
    """A signed manifest as it is stored: UTF-8 JSON, indented, keys sorted."""
    document = signed.model_dump(mode="json")
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_signed_manifest(data: bytes, uri: str) -> SignedManifest:
    """Read what ``encode_signed_manifest`` wrote; nothing is verified yet.

    Raises:
        ManifestError: not JSON, or another schema version.
        SignatureError: there is no signature, or what is there is not in the form in which it is written.
    """
    document = require_version(data, uri)
    if "signature" not in document:
        raise SignatureError(f"{uri} is not signed: it has no signature")
    try:
        signed = SignedManifest.model_validate_json(data)
    except ValidationError as error:
        raise SignatureError(f"{uri} is not a valid signed manifest: {problems_of(error)}") from None
    if encode_signed_manifest(signed) != data:
        raise SignatureError(f"{uri} is not in the form in which signed manifests are written: it was altered")
    return signed
