"""How key-encryption keys are named. Apart from ``envelope``, so that checking a name does not import Tink."""

AWS_PREFIX = "aws-kms://"
GCP_PREFIX = "gcp-kms://"


def is_key_uri(key_uri: str) -> bool:
    """Whether ``key_uri`` has one of the two forms that ``envelope.Envelope`` takes."""
    if key_uri.startswith(AWS_PREFIX):
        arn = key_uri.removeprefix(AWS_PREFIX).split(":", 5)
        return len(arn) == 6 and arn[:3] == ["arn", "aws", "kms"] and all(arn[3:])
    name = key_uri.removeprefix(GCP_PREFIX).split("/")
    return (
        key_uri.startswith(GCP_PREFIX)
        and name[::2] == ["projects", "locations", "keyRings", "cryptoKeys"]
        and all(name)
    )
