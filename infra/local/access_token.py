"""The token by which this machine's own programs ask the inference service: signed once, by a key that nobody keeps.

The front on loopback checks it as the cluster's front checks tokens: signature, issuer, audience, expiry, subject.
Since nobody has the private key, there is never a second token of the same key: a new one comes with a new public key,
and ends the old one. `up` makes a new one once the old one has expired, is about to, or is to be replaced.

Sources: RFC 7519 (JSON Web Token), RFC 7517 (JSON Web Key), RFC 7518, section 3.4 (ES256).
"""

import json
import secrets
import time
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource
from typing_extensions import override

from infra.local.provider import LocalProvider, Properties, is_unknown

ISSUER = "trainyard-on-this-machine"
SUBJECT = "owner-of-this-machine"
LIFETIME_DAYS = 30
RENEWAL_DAYS = 3
"""A token that has less than this left is replaced at the next `up`."""
_DAY_SECONDS = 86_400


class AccessTokenProvider(LocalProvider):
    """A token and the public key that it is checked with."""

    kind = "access token"

    @override
    def create(self, props: dict[str, Any]) -> CreateResult:
        from joserfc import jwt
        from joserfc.jwk import ECKey

        key = ECKey.generate_key("P-256")
        key_id = key.thumbprint()
        now = int(time.time())
        expires = now + LIFETIME_DAYS * _DAY_SECONDS
        claims = {"iss": ISSUER, "sub": SUBJECT, "aud": props["audience"], "iat": now, "exp": expires}
        token = jwt.encode({"alg": "ES256", "kid": key_id}, claims | {"jti": secrets.token_hex(8)}, key)
        outputs = {
            "audience": props["audience"],
            "public_keys": json.dumps({"keys": [key.as_dict(private=False, kid=key_id)]}, sort_keys=True),
            "expires": expires,
            "token": token,
        }
        return CreateResult(key_id, outputs)

    @override
    def loss(self, id_: str, olds: Properties) -> str | None:
        if is_unknown(olds["expires"]):
            return None
        days = (float(olds["expires"]) - time.time()) / _DAY_SECONDS
        if days < 0:
            return "it has expired"
        return f"it expires in less than {RENEWAL_DAYS} days" if days < RENEWAL_DAYS else None


class AccessToken(Resource, module="local", name="AccessToken"):
    """A token and the public key that it is checked with."""

    token: pulumi.Output[str]
    """A secret."""
    public_keys: pulumi.Output[str]
    """A JSON Web Key Set."""

    def __init__(self, name: str, audience: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """:param audience: Whom the token is for."""
        props = {"audience": audience, "public_keys": None, "expires": None, "token": None}
        secret = pulumi.ResourceOptions(additional_secret_outputs=["token"])
        super().__init__(AccessTokenProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret))
