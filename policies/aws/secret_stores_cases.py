"""Cases of the rules for where secrets are kept on AWS."""

from policies.aws import secret_stores
from policies.aws.secret_stores import PARAMETER, SECRET
from policies.cases import Cases, made

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/3f9a"
KEY = made("aws:kms/key:Key", "secrets")

CASES = (
    Cases(
        secret_stores.parameters_encrypted,
        passing=[
            made(PARAMETER, "it", {"name": "/digits/db_password", "type": "SecureString"}),
            made(PARAMETER, "it", {"name": "/digits/region", "type": "String"}),
            made(PARAMETER, "it", {"name": "/secrets/rotation_days", "type": "String"}),
        ],
        failing=[
            (
                made(PARAMETER, "it", {"name": "/digits/db_password", "type": "String"}),
                "The parameter /digits/db_password is not encrypted.",
            ),
            (made(PARAMETER, "api-key", {"type": "StringList"}), "The parameter api-key is not encrypted."),
        ],
    ),
    Cases(
        secret_stores.customer_managed_key,
        passing=[
            made(SECRET, "it", {"kmsKeyId": KEY_ARN}),
            made(SECRET, "made", refers={"kmsKeyId": KEY}),
            made(PARAMETER, "it", {"type": "SecureString", "keyId": "alias/digits"}),
            made(PARAMETER, "it", {"type": "String"}),
        ],
        failing=[
            (made(SECRET, "it", {"name": "database"}), "It is encrypted with a key that AWS manages."),
            (made(SECRET, "it", {"kmsKeyId": "alias/aws/secretsmanager"}), "a key that AWS manages."),
            (made(PARAMETER, "it", {"type": "SecureString"}), "It is encrypted with a key that AWS manages."),
        ],
    ),
    Cases(
        secret_stores.recoverable,
        passing=[made(SECRET, "it"), made(SECRET, "it", {"recoveryWindowInDays": 7})],
        failing=[(made(SECRET, "it", {"recoveryWindowInDays": 0}), "It can be had back for 0 days only.")],
    ),
)
