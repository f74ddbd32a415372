"""Finds what holds data: buckets, repositories of images, and keys.

Of a destroyed key its versions go, which alone cost, and its name stays. A version waits for some days before it is
gone for good, and whoever encrypted with it has as long to change their mind. Cloud KMS deletes keys, too, when all of
their versions are destroyed (Cloud KMS, "Delete Cloud KMS resources"), which frees nothing: its name stays taken.
"""

from collections.abc import Iterator
from typing import Any

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, name_of
from lifecycle.teardown.gcp.ownership import all_keys, bucket_names, mark_of, resource_names

IMAGES = ("training", "serving")
"""What there is a repository of images for (`infra.gcp.registry`)."""
_OVER = ("DESTROYED", "IMPORT_FAILED", "GENERATION_FAILED")
"""States of a version that is nothing any more, and costs nothing. Source: Cloud KMS, "Key states" and "Pricing"."""


def find_buckets(search: Search) -> Iterator[Found]:
    """Buckets, and those that Cloud Storage keeps for some days after they were deleted. Raises GoogleError."""
    for each in _buckets(search):
        why = _mark_of_bucket(search, each)
        if why:
            # Source: gcloud reference, "gcloud storage rm": with --recursive in every version, and the bucket itself.
            line = search.line("storage rm --recursive {uri}", uri=f"gs://{each['name']}")
            yield search.left(Stage.STORES, "bucket", each["name"], why, line)
    for each in _buckets(search, softDeleted="true"):
        if _mark_of_bucket(search, each):
            until = str(each.get("hardDeleteTime", ""))[:10] or "later"
            told = f"it was deleted, and is kept until {until}, which costs as before; nothing ends that sooner"
            yield search.going(Stage.STORES, "bucket", f"{each['name']}#{each.get('generation', '')}", told)


def _buckets(search: Search, **parameters: str) -> Iterator[dict[str, Any]]:
    yield from search.calls.all("storage", "b", "items", project=search.project, **parameters)


def _mark_of_bucket(search: Search, bucket: dict[str, Any]) -> str:
    if mark := mark_of(search.subject, labels_of(bucket)):
        return mark
    return "its name" if bucket["name"] in bucket_names(search.subject) else ""


def find_repositories(search: Search) -> Iterator[Found]:
    """Repositories of images. Raises GoogleError."""
    names = resource_names(search.subject, IMAGES)
    where = f"projects/{search.project}/locations/{search.subject.region}/repositories"
    for each in search.calls.all("artifactregistry", where, "repositories"):
        name = name_of(each["name"])
        why = mark_of(search.subject, labels_of(each)) or ("its name" if name in names else "")
        if why:
            words = "artifacts repositories delete {name} --location={location}"
            line = search.line(words, name=name, location=search.subject.region)
            told = f"{why}; {int(each.get('sizeBytes', 0)):,} bytes"
            yield search.left(Stage.STORES, "image repository", name, told, line)


def find_keys(search: Search) -> Iterator[Found]:
    """Versions of keys that can still be used, and keys of which only the name is left. Raises GoogleError."""
    for key in all_keys(search):
        if why := mark_of(search.subject, labels_of(key)):
            yield from _versions(search, key, why)


def _versions(search: Search, key: dict[str, Any], why: str) -> Iterator[Found]:
    ring, name = key["name"].split("/")[5], name_of(key["name"])
    versions = list(search.calls.all("cloudkms", f"{key['name']}/cryptoKeyVersions", "cryptoKeyVersions"))
    live = [each for each in versions if each["state"] not in (*_OVER, "DESTROY_SCHEDULED")]
    where = {"key": name, "ring": ring, "location": search.subject.region}
    rotation = []
    if key.get("nextRotationTime"):
        # Else there is a new version some day, which costs again.
        words = "kms keys remove-rotation-schedule {key} --keyring={ring} --location={location}"
        rotation = [search.line(words, **where)]
    for each in live:
        words = "kms keys versions destroy {version} --key={key} --keyring={ring} --location={location}"
        lines = (*rotation, search.line(words, version=name_of(each["name"]), **where))
        told = f"{why}; {each['state'].lower()}, and it costs until it is destroyed"
        yield search.left(Stage.KEYS, "KMS key version", f"{ring}/{name}/{name_of(each['name'])}", told, *lines)
    for each in versions:
        if each["state"] == "DESTROY_SCHEDULED":
            when = str(each.get("destroyTime", ""))[:10]
            told = f"it is destroyed on {when}; until then `gcloud kms keys versions restore` has it back"
            yield search.going(Stage.KEYS, "KMS key version", f"{ring}/{name}/{name_of(each['name'])}", told)
    if not live and rotation:
        told = f"{why}; its versions are destroyed, and it rotates all the same"
        yield search.left(Stage.KEYS, "spent KMS key", f"{ring}/{name}", told, *rotation)
    elif not live:
        told = "no version of it can be used, so it costs nothing; its name stays, as Pulumi leaves it"
        yield Found(Stage.KEYS, Leftover("spent KMS key", f"{ring}/{name}", told), "retained")


FINDERS = (
    Finder("buckets", find_buckets, of_data=True),
    Finder("image repositories", find_repositories),
    Finder("KMS keys", find_keys, of_data=True),
)
