"""Finds credentials among a resource's properties: texts that have a credential's form, and names that tell of one.

Nothing is guessed from how random a text looks. What the engine keeps encrypted (`SecretText`) is no finding. A value
that a preview does not know, but that is made of other resources' outputs, is nothing that somebody typed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.resources import Resource
from policies.values import SecretText, Unknown

# By what each form contains in any case, so that most texts need no regular expression. Sources: the rules of Gitleaks
# 8 (config/gitleaks.toml, 2026-07) and the plugins of detect-secrets, among them BasicAuthDetector.
_FORMS: Mapping[str, tuple[str, re.Pattern[str]]] = {
    mark: (what, re.compile(expression))
    for what, marks, expression in (
        (
            "an access key of AWS",
            ("AKIA", "ASIA", "ABIA", "ACCA"),
            r"(?<![A-Za-z0-9/+])(?:AKIA|ASIA|ABIA|ACCA)(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9/+=])",
        ),
        (
            "a private key",
            ("PRIVATE KEY",),
            r"-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----[\s\S]{64,}?-----END",
        ),
        ("a token of GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[0-9a-zA-Z]{36}"),
        ("a token of GitHub", ("github_pat_",), r"\bgithub_pat_\w{82}"),
        ("a token of GitLab", ("glpat-",), r"\bglpat-[\w-]{20}"),
        ("a token of Slack", ("xoxb-",), r"\bxoxb-[0-9]{10,13}-[0-9]{10,13}[a-zA-Z0-9-]*"),
        ("a token of Slack", ("xoxp-", "xoxe-"), r"\bxox[pe](?:-[0-9]{10,13}){3}-[a-zA-Z0-9-]{28,34}"),
        ("a token of Slack", ("xapp-",), r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+"),
        (
            "a webhook of Slack",
            ("hooks.slack.com/",),
            r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}",
        ),
        ("an API key of Google", ("AIza",), r"\bAIza[\w-]{35}(?![\w-])"),
        ("a token of Hugging Face", ("hf_",), r"\bhf_[a-zA-Z]{34}\b"),
        ("a token of Hugging Face", ("api_org_",), r"\bapi_org_[a-zA-Z]{34}\b"),
        ("an API key of OpenAI", ("T3BlbkFJ",), r"\bsk-[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,74}"),
        ("an API key of Anthropic", ("sk-ant-",), r"\bsk-ant-(?:api|admin)\d{2}-[\w-]{93}AA"),
        ("an API key of NVIDIA", ("nvapi-",), r"\bnvapi-[\w-]{60,70}"),
        ("a token of npm", ("npm_",), r"\bnpm_[a-zA-Z0-9]{36}\b"),
        ("a token of PyPI", ("pypi-AgEIcHlwaS5vcmc",), r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,1000}"),
        ("a token of Pulumi", ("pul-",), r"\bpul-[a-f0-9]{40}\b"),
        ("a token of HCP Terraform", (".atlasv1.",), r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9\-_=]{60,70}"),
        ("a token of Vault", ("hvs.",), r"\bhvs\.[\w-]{90,120}"),
        ("a key of Stripe", ("k_live_",), r"\b[sr]k_live_[a-zA-Z0-9]{10,99}"),
        ("a token of Databricks", ("dapi",), r"\bdapi[a-f0-9]{32}\b"),
        ("a token of DigitalOcean", ("dop_v1_",), r"\bdop_v1_[a-f0-9]{64}"),
        (
            "a password",
            ("@",),
            r"://[^/\s:@'\"]{0,80}:(?!(?i:pass(?:wd|word)?|secret|token|changeit|x+|\.+)@)"
            r"[^/\s:@'\"${}<>()*\[\]]{3,100}@[\w.\[-]",
        ),
        ("a key of age", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    )
    for mark in marks
}
_ACCESS_KEY = "an access key of AWS"
_NAMES_OF_ACCESS_KEYS = ("accesskeyid", "accesskey")

_SECRET_WORDS = frozenset({"secret", "password", "passphrase", "passwd", "token", "credential", "credentials"})
# What a name ends in that tells of a secret and does not hold it: token_count, secretName.
_ABOUT_A_SECRET = frozenset(
    {"arn", "arns", "audience", "count", "days", "enabled", "endpoint", "expiration", "expiry", "file", "format"}
    | {"hours", "issuer", "keys", "length", "limit", "minutes", "name", "namespace", "path", "policy", "prefix"}
    | {"provider", "ref", "region", "required", "rotation", "seconds", "size", "store", "ttl", "type", "uri", "url"}
    | {"version"}
)
# Tokens of text, which language models read and write.
_OF_LANGUAGE = frozenset(
    {"bos", "class", "cls", "end", "eos", "image", "last", "mask", "max", "min", "next", "pad", "per", "sep", "special"}
    | {"start", "stop", "unk", "eot"}
)
# What the name of a setting may end in where it holds a secret all the same: secret_access_key, PASSWORD_2, TOKEN_PROD.
_HOLDING = frozenset(
    {
        "base",
        "base64",
        "b64",
        "current",
        "data",
        "dev",
        "id",
        "key",
        "new",
        "old",
        "plain",
        "primary",
        "prod",
        "secondary",
    }
    | {"staging", "string", "test", "text", "value", "1", "2", "3"}
)
_SHORT_FOR_PASSWORD = ("pass", "pwd")
_WITH_PASSWORDS = frozenset(
    {"admin", "auth", "database", "db", "ftp", "mail", "mongo", "mysql", "pg", "postgres", "rabbitmq", "redis", "root"}
    | {"smtp", "user"}
)
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_NO_SECRET = re.compile(
    r"|true|false|yes|no|on|off|none|null|disabled|enabled|optional|required|\d{1,5}|\*+|<[^>]*>|changeit"
    r"|arn:aws.*|projects/.*|/.*|\$.*|%.*|\{\{.*|vault:.*|op://.*|ref\+.*|file:.*|https?://[^@]*",
    re.IGNORECASE,
)
"""Values of a secret's name that are none: switches, places to fill in, and references to where the secret is."""


@dataclass(frozen=True)
class ClearText:
    """A text that is kept in clear."""

    property: str
    """The resource's property that it is within."""
    key: str
    """The name that it has there."""
    text: str


def looks_secret(name: str) -> bool:
    """Whether something of this name holds what nobody may read: ``secret_access_key``, ``adminPassword``."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words[-2:] in (["private", "key"], ["api", "key"]) or words[-1:] == ["apikey"] or _is_short_for_password(words):
        return True
    if _SECRET_WORDS.isdisjoint(words) or words[-1] in _ABOUT_A_SECRET:
        return False
    return words[-1] != "token" or len(words) == 1 or words[-2] not in _OF_LANGUAGE


def holds_secret(name: str) -> bool:
    """Whether a setting of this name is a secret, and not something else about one, such as TOKEN_LIFETIME."""
    words = [word.lower() for word in _WORD.findall(name)]
    return looks_secret(name) and (
        words[-1] in _SECRET_WORDS or words[-1] in _HOLDING or words[-1] == "apikey" or words[-1] in _SHORT_FOR_PASSWORD
    )


def _is_short_for_password(words: Sequence[str]) -> bool:
    """Such as SMTP_PASS and MYSQL_PWD, and not PWD, which is a directory, or FIRST_PASS."""
    return len(words) > 1 and words[-1] in _SHORT_FOR_PASSWORD and words[-2] in _WITH_PASSWORDS


def is_identifier_of_secret(name: str, value: str) -> bool:
    """Whether it says which secret of Secrets Manager is meant, as SECRET_ID does; that of Vault is a secret itself."""
    words = [word.lower() for word in _WORD.findall(name)]
    return words[-2:] == ["secret", "id"] and not _IDENTIFIER.fullmatch(value)


def is_literal(value: str) -> bool:
    """Whether the value of something that looks secret is the secret itself, and not a reference to one."""
    return not isinstance(value, SecretText) and not _NO_SECRET.fullmatch(value.strip())


def credential_in(text: str) -> str:
    """What credential a text has in it; empty if none."""
    for mark, (what, expression) in _FORMS.items():
        if mark in text and expression.search(text):
            return what
    return ""


@lru_cache(maxsize=1)
def clear_texts(resource: Resource) -> tuple[list[ClearText], list[str]]:
    """Every text of a resource's properties that is in clear, and the paths of what is not known."""
    texts: list[ClearText] = []
    unknown: list[str] = []
    for name, value in resource.properties.items():
        _collect(name, name, value, texts, unknown)
    return texts, unknown


def _collect(top: str, key: str, value: Any, texts: list[ClearText], unknown: list[str]) -> None:
    if isinstance(value, str):
        if value and not isinstance(value, SecretText):
            texts.append(ClearText(top, key, value))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            _collect(top, name, each, texts, unknown)
    elif isinstance(value, list):
        for each in value:
            _collect(top, key, each, texts, unknown)
    elif isinstance(value, Unknown):
        unknown.append(value.path)


def credentials_of(resource: Resource) -> Iterator[tuple[ClearText, str]]:
    """The texts of a resource that have a credential in them, and what it is.

    The identifier of an access key is let be where it has a property of its own: it is no secret, its other half is.
    """
    texts, _ = clear_texts(resource)
    everything = "\n".join([each.text for each in texts])
    if not any(mark in everything for mark in _FORMS):
        return
    for each in texts:
        what = credential_in(each.text)
        named_so = each.key.lower().replace("_", "").endswith(_NAMES_OF_ACCESS_KEYS)
        if what and not (what == _ACCESS_KEY and named_so):
            yield each, what


def named_within(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is within a value, at every depth, each with the last name on the way to it."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield key, each
            yield from named_within(key, each)
    elif isinstance(value, list):
        for each in value:
            yield name, each
            yield from named_within(name, each)
