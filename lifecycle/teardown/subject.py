"""Whose teardown it is: the stack, its cloud and its account, read from files, so that it works after a destroy."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import config_values
from engine.project import Project, check_stack_name, load_project
from engine.stack_settings import StackSettings, parse_stack_settings
from engine.yaml_documents import Document, InvalidFile, read_document

CLOUDS = ("local", "aws", "gcp")
_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
"""Source: Resource Manager, "Creating and managing projects"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A stack as the guard and the audit know it."""

    directory: Path
    """The project folder."""
    project: str
    stack: str
    cloud: str
    """One of `CLOUDS`."""
    account_id: str
    """The account that the stack's file names, or the project of Google Cloud by its identifier; empty: it names none,
    or the cloud has no accounts."""
    region: str
    """Where the stack is; empty where the cloud has no regions."""
    partition: str
    """AWS' partition of that region, such as `aws`; empty in other clouds."""
    cluster_name: str
    """What the stack's cluster is called, and what the names of its other resources begin with."""
    environment: str
    """`dev` or `prod`."""
    part: str = "all"
    """`data`: it holds buckets and their key only, which outlive the clusters of other stacks."""
    allowed_account_ids: tuple[str, ...] = ()
    """The only accounts in which the provider may work, as its own setting says; empty: any."""
    project_number: str = ""
    """The number of the project of Google Cloud, as the stack's file names it; empty elsewhere."""
    billing_account: str = ""
    """The billing account on Google Cloud that the stack's budget belongs to; empty: it has none."""
    teams: tuple[str, ...] = ()
    """The teams of the cluster, whose identities have names of their own, by name."""
    pools: tuple[str, ...] = ()
    """The pools of nodes in a cluster on Google Cloud, by name."""

    @property
    def own_accounts(self) -> tuple[str, ...]:
        """The accounts that the stack may be in, as far as its file names any; `lifecycle.caller` says what they are
        compared with.
        """
        if self.cloud == "gcp":
            return (f"{self.account_id} ({self.project_number})",) if self.project_number else ()
        return (self.account_id,) if self.account_id else self.allowed_account_ids

    def holds(self, location: str) -> bool:
        """Whether a location of Google Cloud is the stack's region, or a zone of it."""
        # Of europe-west1 and europe-west10 neither holds the other.
        return location == self.region or location.startswith(f"{self.region}-")

    @property
    def tags(self) -> dict[str, str]:
        """The tags that tell the stack's resources from all others."""
        return {"project": self.project, "stack": self.stack}


def read_subject(directory: Path, stack: str, config_file: str = "") -> Subject:
    """The subject as Pulumi.yaml and the stack's file describe it; no program runs and nothing is decrypted.

    :param config_file: Another file than `Pulumi.STACK.yaml` with the stack's settings.

    Raises InvalidFile, naming file and setting, where one of them cannot be used.
    """
    project = load_project(directory)
    settings = _settings(project, stack, config_file)
    cloud = _text(settings, f"{project.name}:cloud", "local")
    if cloud not in CLOUDS:
        raise InvalidFile(f"{settings.file}: {project.name}:cloud = {cloud!r}: must be {', '.join(CLOUDS)}")
    account = region = partition = number = billing = ""
    allowed: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    if cloud == "aws":
        account = _within(settings, "aws", "account_id", r"\d{12}", "an account's twelve digits, in quotes")
        region = _text(settings, "aws:region", "")
        if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d", region):
            raise InvalidFile(f"{settings.file}: aws:region = {region!r}: must be a region, such as eu-west-1")
        partition = _partition(region)
        allowed = _allowed_accounts(settings)
    if cloud == "gcp":
        number = _within(settings, "gcp", "project_number", r"[1-9]\d{5,18}", "a project's number, digits in quotes")
        account = _text(settings, "gcp:project", "")
        if not re.fullmatch(_PROJECT, account):
            raise InvalidFile(
                f"{settings.file}: gcp:project = {account!r}: must be a project, such as ml-platform-123456"
            )
        region = _text(settings, "gcp:region", "")
        if not re.fullmatch(r"[a-z]+-[a-z]+\d{1,2}", region):
            raise InvalidFile(f"{settings.file}: gcp:region = {region!r}: must be a region, such as europe-west4")
        pools = ("system", *_names(settings, "gcp", "gpu_pools"))
        form = r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}"
        billing = _within(settings, "gcp", "budget.billing_account", form, "a billing account, 012345-6789AB-CDEF01")
    return Subject(
        directory=project.folder,
        project=project.name,
        stack=stack,
        cloud=cloud,
        account_id=account,
        region=region,
        partition=partition,
        cluster_name=cluster_name(project.name, stack),
        environment=_text(settings, f"{project.name}:environment", "dev"),
        part=_text(settings, f"{project.name}:part", "all"),
        allowed_account_ids=allowed,
        project_number=number,
        billing_account=billing,
        teams=_names(settings, "kubernetes", "teams"),
        pools=pools,
    )


def cluster_name(project: str, stack: str) -> str:
    """What the cluster is called, and what every name of the stack begins with.

    As `infra.aws.naming.Names.prefix` and `infra.gcp.naming.Names.prefix` have it.
    """
    return fit(f"{project}{'/' if '-' in project else '-'}{stack}", 30)


def fit(text: str, most: int) -> str:
    """A valid name of at most so many characters. One that cannot be kept as it is ends in a digest of itself."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if name == text and len(name) <= most:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{name[: most - 9].strip('-')}-{digest}"


def _settings(project: Project, stack: str, config_file: str) -> StackSettings:
    check_stack_name(stack)
    path = Path(config_file).absolute() if config_file else project.stack_file(stack)
    try:
        document = read_document(path)
    except FileNotFoundError:
        if config_file:
            raise InvalidFile(f"{path}: there is no such file with the settings of stack {stack}") from None
        document = Document(path, None)
    return parse_stack_settings(project, stack, document)


def _value(settings: StackSettings, key: str) -> Any:
    """What a key is set to, or else the project's own default; None where neither says anything."""
    if key in settings.config:
        return settings.config[key]
    return next((each.preset for each in settings.project.declarations if each.key == key), None)


def _text(settings: StackSettings, key: str, default: str) -> str:
    value = _value(settings, key)
    _require_clear(settings, key, value)
    return config_values.text_of(value) if value is not None else default


def _within(settings: StackSettings, group: str, path: str, form: str, words: str) -> str:
    """A text within an object of the platform's settings, by its path there; empty where it is not set."""
    key = f"{settings.project.name}:{group}"
    value: Any = _group(settings, key)
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    _require_clear(settings, f"{key}.{path}", value)
    text = config_values.text_of(value)
    if text and not re.fullmatch(form, text):
        raise InvalidFile(f"{settings.file}: {key}.{path} = {value!r}: must be {words}")
    return text


def _names(settings: StackSettings, group: str, name: str) -> tuple[str, ...]:
    """The names of what an object within the platform's settings holds; none where it is not set, or no object."""
    value = _parsed(_group(settings, f"{settings.project.name}:{group}").get(name))
    return tuple(map(str, value)) if isinstance(value, dict) else ()


def _group(settings: StackSettings, key: str) -> dict[str, Any]:
    value = _parsed(_value(settings, key))
    return value if isinstance(value, dict) else {}


def _allowed_accounts(settings: StackSettings) -> tuple[str, ...]:
    key = "aws:allowedAccountIds"
    value = _parsed(_value(settings, key))
    _require_clear(settings, key, value)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidFile(
            f"{settings.file}: {key} = {value!r}: must be a list of accounts, each twelve digits in quotes"
        )
    return tuple(config_values.text_of(each) for each in value)


def _parsed(value: Any) -> Any:
    """An object that stands in the file as JSON text, as `pulumi config set` without `--path` writes it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _require_clear(settings: StackSettings, key: str, value: Any) -> None:
    if config_values.is_secret(value):
        raise InvalidFile(f"{settings.file}: {key} is encrypted; it must stand in clear text: pulumi config set {key}")


def _partition(region: str) -> str:
    for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(start):
            return partition
    return "aws"
