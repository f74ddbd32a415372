"""Rules for the images of containers: which build they name, and where it comes from."""

import re
from collections.abc import Iterator, Sequence

from policies.kubernetes.manifests import WORKLOADS, called, containers_of, pod_of
from policies.resources import Resource
from policies.rules import Parameter, resource_rule
from policies.values import as_list, get, known

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")


@resource_rule(
    *WORKLOADS,
    id="kubernetes-image-digest",
    title="Containers name the build of their image by its digest.",
    severity="medium",
    frameworks=("CKV_K8S_43", "NIST CM-14", "NIST SI-7"),
    wrong="Whoever may push to the registry can put another image behind the tag, and nodes run different ones.",
    mend="write the image as NAME@sha256:DIGEST, as the build printed it.",
)
def image_digest(workload: Resource) -> Iterator[str]:
    """With a digest the pull policy is a matter of speed (CKV_K8S_15)."""
    for user, image in _images(workload):
        with workload.apart():
            if not _DIGEST.search(known(image)) and not _is_floating(image):
                yield f"{user} has image '{image}', without a digest."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-image-not-latest",
    title="No container runs whatever image is the latest.",
    severity="high",
    frameworks=("CKV_K8S_14", "NIST CM-2"),
    wrong="A pod that is made anew then runs a program that nobody has tried here.",
    mend="name a version, and its digest.",
)
def image_not_latest(workload: Resource) -> Iterator[str]:
    """Without a tag an image is the one with tag `latest`."""
    for user, image in _images(workload):
        with workload.apart():
            if _is_floating(known(image)):
                yield f"{user} has image '{image}', whichever is the latest."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-image-registry",
    title="Images come from a registry that is named, and from a known one where the configuration lists them.",
    severity="low",
    frameworks=("CIS Kubernetes 1.8.0 5.5.1", "NIST CM-11"),
    wrong="Where the name tells no registry, the node's settings decide who provides the program.",
    mend="write the registry before the image's name, such as docker.io/library/python.",
    parameters={"allowed": Parameter((), "Registries or repositories of images; empty: any that is named.")},
)
def image_registry(workload: Resource, *, allowed: Sequence[str]) -> Iterator[str]:
    """A first part without dot or colon is a repository of the node's default registry (Docker, "Image names")."""
    for user, image in _images(workload):
        with workload.apart():
            host, slash, _ = known(image).partition("/")
            if not slash or ("." not in host and ":" not in host and host != "localhost"):
                yield f"{user} has image '{image}', of no registry in particular."
            elif allowed and not any(image.startswith(f"{each.rstrip('/')}/") for each in allowed):
                yield f"{user} has image '{image}'; allowed are those of {', '.join(allowed)}."


def _images(workload: Resource) -> Iterator[tuple[str, str]]:
    for container in containers_of(workload):
        with workload.apart():
            image = get(container, "image")
            if image is not None:
                yield called(container), image
    with workload.apart():
        for volume in as_list(get(pod_of(workload), "volumes")):
            image = get(volume, "image", "reference")
            if image is not None:
                yield f"Volume '{get(volume, 'name', default='')}'", image


def _is_floating(image: str) -> bool:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@" not in image and tag in ("", "latest")


RULES = (image_digest, image_not_latest, image_registry)
