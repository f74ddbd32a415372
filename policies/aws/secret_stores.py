"""Rules for where secrets are kept on AWS: Secrets Manager, and parameters of Systems Manager."""

from collections.abc import Iterator

from policies.general.clear_text import holds_secret
from policies.resources import Resource
from policies.rules import Parameter, resource_rule
from policies.values import Unknown, known

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type of resource
PARAMETER = "aws:ssm/parameter:Parameter"

_SECURE = "SecureString"


@resource_rule(
    PARAMETER,
    id="secrets-parameters-encrypted",
    title="Parameters of Systems Manager that hold a secret are encrypted.",
    severity="high",
    frameworks=("CKV2_AWS_34", "NIST SC-28"),
    wrong="Whoever may read parameters reads the secret, and no key's policy stands in the way.",
    mend="set type to SecureString, and keyId to a key of your own.",
)
def parameters_encrypted(parameter: Resource) -> Iterator[str]:
    """By the last part of the parameter's name."""
    if known(parameter.get("type", default="String")) != _SECURE:
        name = str(known(parameter.get("name", default=parameter.name)))
        if holds_secret(name.rpartition("/")[2]):
            yield f"The parameter {name} is not encrypted."


@resource_rule(
    SECRET,
    PARAMETER,
    id="secrets-customer-managed-key",
    title="Secrets on AWS are encrypted with keys of the customer's own.",
    severity="medium",
    frameworks=("CKV_AWS_149", "CKV_AWS_337", "NIST SC-12", "NIST SC-28"),
    wrong="Everybody in the account who may read the secret may decrypt it, and nobody can withdraw the key.",
    mend="name a key of aws.kms.Key in kmsKeyId, or in keyId of a parameter.",
)
def customer_managed_key(store: Resource) -> Iterator[str]:
    """Without one it is alias/aws/secretsmanager or alias/aws/ssm, which AWS manages."""
    name = "kmsKeyId" if store.type == SECRET else "keyId"
    if store.type == PARAMETER and known(store.get("type", default="String")) != _SECURE:
        return
    key = store.get(name, default="")
    if isinstance(key, Unknown) and store.property_dependencies.get(name):
        return
    if not known(key) or "alias/aws/" in key:
        yield "It is encrypted with a key that AWS manages."


@resource_rule(
    SECRET,
    id="secrets-recoverable",
    title="Secrets of Secrets Manager that are deleted can be had back for a while.",
    severity="low",
    frameworks=("NIST CP-9",),
    wrong="A mistake, or whoever has taken over the pipeline, takes every workload's credentials away for good.",
    mend="leave recoveryWindowInDays out, which makes it 30, or set it to 7 or more.",
    parameters={"minimum_days": Parameter(7, "days for which a deleted secret can be had back", minimum=0)},
)
def recoverable(secret: Resource, minimum_days: float) -> Iterator[str]:
    """AWS takes 7 to 30 days; 0 deletes at once."""
    days = known(secret.get("recoveryWindowInDays", default=30))
    if float(days) < minimum_days:
        yield f"It can be had back for {days} days only."


RULES = (parameters_encrypted, customer_managed_key, recoverable)
