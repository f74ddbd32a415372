"""What speaks against taking a stack down. Pure on what it is handed; each obstacle can be overridden by its name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from lifecycle.caller import foreign, has_accounts
from lifecycle.deployer import DeployedResource
from lifecycle.teardown.subject import Subject

ObstacleName = Literal["foreign-account", "protected-stack", "unverified-artifacts"]
OBSTACLES: tuple[ObstacleName, ...] = get_args(ObstacleName)
"""Every obstacle there can be."""

_SHOWN = 5
_BUCKET_TYPES = ("Bucket", "BucketV2")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason not to take the stack down."""

    name: ObstacleName
    """What it is overridden by."""
    text: str
    """What is the matter, with the values that show it, and what would help."""


def find_obstacles(
    subject: Subject,
    *,
    resources: Sequence[DeployedResource],
    outputs: Mapping[str, Any],
    artifacts_verified: bool | None,
    account_id: Callable[[], str],
) -> list[Obstacle]:
    """Everything that speaks against destroying what the stack has deployed; empty: nothing does.

    :param resources: What the stack's state holds. Without any, there is nothing to lose and nothing is asked.
    :param outputs: What the stack exports; with `manifest_uri` it has published artifacts, or was to.
    :param artifacts_verified: Whether those are known to be whole, by a copy that was fetched or in the bucket; None:
        nobody can tell any more, because what held them is gone, so nothing is left to lose.
    :param account_id: Asks the cloud whose credentials these are (`lifecycle.caller.caller_of`); what it raises is let
        through. Not called on this machine.
    """
    if not resources:
        return []
    found = [_foreign_account(subject, account_id), _protected(subject, resources)]
    if artifacts_verified is False:
        found.append(_unverified(outputs, resources))
    return [each for each in found if each is not None]


def unknown_overrides(overrides: Iterable[str]) -> list[str]:
    """The names that no obstacle has, in their order."""
    return [name for name in overrides if name not in OBSTACLES]


def loses_artifacts(outputs: Mapping[str, Any], resources: Sequence[DeployedResource]) -> bool:
    """Whether the artifacts go with the stack: it says where they are, and their bucket is one that it deletes.

    A bucket that another stack holds, or that is kept by `retainOnDelete`, outlives it.
    """
    bucket = _bucket(outputs)
    if not bucket:
        return False
    holders = [each for each in resources if each.id == bucket and each.type.rpartition(":")[2] in _BUCKET_TYPES]
    # By its id alone nothing is known of a bucket that the state does not hold.
    return any(not each.retain_on_delete for each in holders)


def _foreign_account(subject: Subject, account_id: Callable[[], str]) -> Obstacle | None:
    if not has_accounts(subject):
        return None
    why = foreign(subject, account_id())
    return Obstacle("foreign-account", why) if why else None


def _protected(subject: Subject, resources: Sequence[DeployedResource]) -> Obstacle | None:
    protected = sorted(each.urn for each in resources if each.protect)
    reasons = [f"{subject.project}:environment is prod"] if subject.environment == "prod" else []
    if subject.part == "data":
        reasons.append(f"{subject.project}:part is data, so it holds what other stacks have left in it")
    if not reasons and not protected:
        return None
    if protected:
        shown = ", ".join(urn.rpartition("::")[2] + f" ({_type(urn)})" for urn in protected[:_SHOWN])
        more = f" and {len(protected) - _SHOWN} more" if len(protected) > _SHOWN else ""
        reasons.append(
            f"{_count(len(protected), 'resource')} protected from deletion: {shown}{more}. Pulumi itself refuses to "
            f"delete those until they are not: deploy without `protect`, or pulumi state unprotect URN"
        )
    return Obstacle("protected-stack", f"stack {subject.stack} is protected: {'; '.join(reasons)}")


def _unverified(outputs: Mapping[str, Any], resources: Sequence[DeployedResource]) -> Obstacle | None:
    if not loses_artifacts(outputs, resources):
        return None
    return Obstacle(
        "unverified-artifacts",
        f"the artifacts of {outputs['manifest_uri']} would be lost, and no verified copy of them is known: let the "
        "training finish, and save them with `yard artifacts get DIR`",
    )


def _bucket(outputs: Mapping[str, Any]) -> str:
    uri = outputs.get("manifest_uri")
    return urlsplit(uri).netloc if isinstance(uri, str) else ""


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"
