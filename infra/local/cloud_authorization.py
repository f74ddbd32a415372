"""What moto leaves out when it enforces IAM, supplied to the server: which resource a request is about.

moto authorises a KMS request for `*` instead of its key, and the deletion of several objects for their bucket instead
of each object. A policy that names a key or a prefix would refuse the first and could not limit the second.
"""

from typing import Any


def install() -> None:
    """Teaches moto's responses, once for the whole process."""
    from moto.kms import responses as kms
    from moto.s3 import responses as s3

    # moto calls the first where a class has it, and the second everywhere.
    kms_responses: Any = kms.KmsResponse
    s3_responses: Any = s3.S3Response
    authorize = s3_responses._authenticate_and_authorize_s3_action

    def authorize_each_object(response: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        keys: list[str | None] = [key_name]
        if bucket_name and key_name is None and response._get_action() == "DeleteObject":
            keys = [*deleted_keys(response.body)] or keys
        for key in keys:
            authorize(response, bucket_name=bucket_name, key_name=key)

    kms_responses._determine_resource = kms_resource
    s3_responses._authenticate_and_authorize_s3_action = authorize_each_object


def kms_resource(response: Any) -> str:
    """ARN of the key that a KMS request is about; `*` where it is about none, or about one that does not exist."""
    from moto.kms.utils import _deserialize_ciphertext_blob

    named = response._get_param("KeyId") or response._get_param("TargetKeyId")
    try:
        if blob := response._get_param("CiphertextBlob"):
            # What counts is the key that it was encrypted with, not the one that the request names.
            named = _deserialize_ciphertext_blob(blob).key_id
        return str(response.kms_backend.describe_key(named).arn) if named else "*"
    except Exception:
        return "*"


def deleted_keys(body: bytes) -> list[str]:
    """The keys in the body of a DeleteObjects request."""
    import xmltodict  # type: ignore[import-untyped]

    try:
        objects = xmltodict.parse(body, strip_whitespace=False)["Delete"]["Object"]
        return [str(each["Key"]) for each in (objects if isinstance(objects, list) else [objects])]
    except Exception:
        return []
