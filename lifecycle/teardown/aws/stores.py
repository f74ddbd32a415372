"""Finds what holds data: buckets, keys, and repositories of images."""

from collections.abc import Iterator

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.calls import is_absent
from lifecycle.teardown.aws.commands import command, empty_bucket
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.subject import Subject, fit

BUCKETS = ("datasets", "checkpoints", "models", "logs", "access")
"""What there is a bucket for, as their names say (`infra.aws.storage`)."""
_BUCKET_NAME_LENGTH, _CACHE_PREFIX_LENGTH = 63, 25
_SHORTEST_WAIT_DAYS = 7
"""How soon a key may be deleted (API reference, ScheduleKeyDeletion)."""


def bucket_names(subject: Subject) -> list[str]:
    """The names of all buckets that a stack may have had."""
    end = f"{subject.account_id}-{subject.region}"
    return [fit(f"{subject.cluster_name}-{purpose}-{end}", _BUCKET_NAME_LENGTH) for purpose in BUCKETS]


def cache_prefix(subject: Subject) -> str:
    """What the names of repositories of pulled-through images begin with (`infra.aws.naming`)."""
    return f"{fit(subject.cluster_name, _CACHE_PREFIX_LENGTH)}/"


def find_buckets(search: Search) -> Iterator[Found]:
    """Buckets of the stack's names and tags. Raises botocore's errors."""
    subject = search.subject
    names = dict.fromkeys(bucket_names(subject), "its name")
    tags = " ".join(f"{name}={value}" for name, value in subject.tags.items())
    names |= {each.id: f"tags {tags}" for each in search.tagged if each.service == "s3" and "/" not in each.id}
    for each in search.all("s3", "list_buckets", "Buckets"):
        name = each["Name"]
        if name in names:
            lines = (
                empty_bucket(subject.region, name),
                command(subject.region, "s3api delete-bucket --bucket {bucket}", bucket=name),
            )
            yield Found(Stage.STORES, Leftover("bucket", name, names[name], lines))


def find_keys(search: Search) -> Iterator[Found]:
    """Keys. A deleted one waits for some days, in which it can be had back. Raises botocore's errors."""
    subject = search.subject
    prefix = f"alias/{subject.cluster_name}/"
    marks = {each.id: "its tags" for each in search.tagged if (each.service, each.type) == ("kms", "key")}
    for alias in search.all("kms", "list_aliases"):
        if alias["AliasName"].startswith(prefix) and (key := alias.get("TargetKeyId")):
            marks[key] = f"its alias {alias['AliasName']}"
    for name, why in marks.items():
        try:
            key = search.calls.ask("kms", "describe_key", KeyId=name)["KeyMetadata"]
        except Exception as error:
            if is_absent(error):
                # The tagging API names it some time longer.
                continue
            raise
        if key["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"):
            when = f"; on {key['DeletionDate']:%Y-%m-%d}" if key.get("DeletionDate") else ""
            yield Found(Stage.KEYS, Leftover("KMS key", name, f"it waits for its deletion{when}"), "going")
            continue
        words = f"kms schedule-key-deletion --key-id {{id}} --pending-window-in-days {_SHORTEST_WAIT_DAYS}"
        yield Found(Stage.KEYS, Leftover("KMS key", name, why, (command(subject.region, words, id=name),)))


def find_repositories(search: Search) -> Iterator[Found]:
    """Repositories of images: the stack's own, and those that the registry made for what was pulled through.

    Raises botocore's errors.
    """
    subject = search.subject
    own = {each.id for each in search.tagged if (each.service, each.type) == ("ecr", "repository")}
    cache = cache_prefix(subject)
    for each in search.all("ecr", "describe_repositories"):
        name = each["repositoryName"]
        if name not in own and not name.startswith((f"{subject.cluster_name}/", cache)):
            continue
        line = command(subject.region, "ecr delete-repository --force --repository-name {name}", name=name)
        if name in (f"{subject.cluster_name}/{image}" for image in ("training", "serving")):
            yield Found(Stage.STORES, Leftover("image repository", name, "its name", (line,)))
        else:
            why = "the registry made it for images that were pulled through, which go after 90 days"
            yield Found(Stage.STORES, Leftover("image repository", name, why, (line,)), "retained")


def find_cache_rules(search: Search) -> Iterator[Found]:
    """Rules by which images are pulled through the registry. Raises botocore's errors."""
    subject = search.subject
    for each in search.all("ecr", "describe_pull_through_cache_rules"):
        name = each["ecrRepositoryPrefix"]
        if name.startswith(cache_prefix(subject)):
            words = "ecr delete-pull-through-cache-rule --ecr-repository-prefix {name}"
            line = command(subject.region, words, name=name)
            yield Found(Stage.STARTERS, Leftover("pull-through cache rule", name, "its name", (line,)))


FINDERS = (
    Finder("buckets", find_buckets, frozenset({"s3:"})),
    Finder("image repositories", find_repositories, frozenset({"ecr:repository"})),
    Finder("pull-through cache rules", find_cache_rules),
    Finder("KMS keys", find_keys, frozenset({"kms:key"})),
)
