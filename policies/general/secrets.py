"""Rules for secrets that would be stored in clear text, in resources of any type."""

from collections.abc import Iterator

from policies.general.clear_text import (
    clear_texts,
    credential_in,
    credentials_of,
    is_literal,
    looks_secret,
    named_within,
)
from policies.local.types import DYNAMIC
from policies.resources import Resource, Stack
from policies.rules import EVERY_TYPE, Objection, resource_rule, stack_rule
from policies.values import SecretText, Undecided, Unknown

KUBERNETES_SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type of resource

_PASSWORDS = frozenset(
    {
        "accessToken",
        "adminPassword",
        "administratorLoginPassword",
        "apiKey",
        "authToken",
        "bindPassword",
        "clientSecret",
        "dbPassword",
        "masterPassword",
        "masterUserPassword",
        "oauthToken",
        "password",
        "presharedKey",
        "rootPassword",
        "secretAccessKey",
        "secretData",
        "secretKey",
        "secretString",
        "sharedSecret",
        "tunnel1PresharedKey",
        "tunnel2PresharedKey",
        "userPassword",
    }
)
"""Properties of resources that hold a secret and nothing else."""
_VARIABLES = {
    "aws:lambda/function:Function": "environment",
    "aws:sagemaker/model:Model": "primaryContainer",
    "gcp:cloudfunctionsv2/function:Function": "serviceConfig",
}
"""Where variables are whose names the program chooses, by type; they have a rule of their own."""
_OTHERWISE_JUDGED = ("kubernetes:", DYNAMIC, "pulumi-python:dynamic:")


@resource_rule(
    EVERY_TYPE,
    id="secrets-no-credentials-in-clear",
    title="No credential stands in clear text among a resource's properties.",
    severity="critical",
    frameworks=("CKV_SECRET_2", "CKV_SECRET_13", "CKV_AWS_41", "CKV_AWS_46", "NIST IA-5(7)"),
    wrong="Everybody who may read the program, the state or the resource has it.",
    mend="withdraw the credential, and read a new one with pulumi.Config().require_secret, or have a role instead.",
)
def no_credentials_in_clear(resource: Resource) -> Iterator[str]:
    """Finds what has a credential's form, as Gitleaks does. The objection does not quote it."""
    if resource.type == KUBERNETES_SECRET:
        return
    for place, what in credentials_of(resource):
        yield f"The property {_place(place.property, place.key)} has {what} in it."
    resource.undecided += clear_texts(resource)[1]


def _place(name: str, key: str) -> str:
    return name if name == key else f"{name} with its {key}"


@resource_rule(
    EVERY_TYPE,
    id="secrets-passwords-marked",
    title="Passwords and the like are marked as secret.",
    severity="critical",
    frameworks=("NIST IA-5(7)", "NIST SC-28"),
    wrong="The state file and the output of every preview show it.",
    mend="read it with pulumi.Config().require_secret, or make it with random.RandomPassword.",
)
def passwords_marked(resource: Resource) -> Iterator[str]:
    """Many properties are marked by the provider's package itself; those within lists and objects are not."""
    if resource.type.startswith(_OTHERWISE_JUDGED):
        return
    for each in clear_texts(resource)[0]:
        if _VARIABLES.get(resource.type) == each.property:
            continue
        if each.key in _PASSWORDS and is_literal(each.text) and not credential_in(each.text):
            yield f"The property {_place(each.property, each.key)} is not marked as secret."
    resource.undecided += clear_texts(resource)[1]


@stack_rule(
    EVERY_TYPE,
    id="secrets-outputs-marked",
    title="Outputs of dynamic resources that hold a secret are marked as secret.",
    severity="critical",
    frameworks=("NIST IA-5(7)", "NIST SC-28"),
    wrong="The state file and the command's output then show it in the clear.",
    mend="name the output in the resource's option additional_secret_outputs.",
)
def outputs_marked(stack: Stack) -> Iterator[Objection]:
    """Their providers return plain values, so only the option can mark one.

    An output's own name is enough to judge it; names within it are, once its value is known.
    """
    for resource in stack.resources:
        if not resource.type.startswith("pulumi-python:dynamic"):
            continue
        for name, value in resource.properties.items():
            if name in resource.secret_outputs or isinstance(value, SecretText):
                continue
            with stack.apart():
                inner = name if looks_secret(name) else _secret_within(name, value)
                if inner:
                    place = inner if inner == name else f"{name} with its {inner}"
                    yield Objection(f"The output {place} is not marked as secret.", resource)


def _secret_within(name: str, value: object) -> str:
    """The first name within an output that looks secret; empty if none does. Raises Undecided.

    A part that is unknown may turn out to be marked by itself.
    """
    unknown = value.path if isinstance(value, Unknown) else ""
    for inner, each in named_within(name, value):
        if isinstance(each, Unknown):
            unknown = unknown or each.path
        elif looks_secret(inner) and not isinstance(each, SecretText):
            return inner
    if unknown:
        raise Undecided(unknown)
    return ""


RULES = (no_credentials_in_clear, passwords_marked, outputs_marked)
