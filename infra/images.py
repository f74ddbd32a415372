"""Which image each workload runs, always by digest: a tag can be moved, a digest cannot.

By default the digest comes from the settings: whoever built the image, in CI for instance, says which. With `build`,
`up` builds the images of this folder with docker buildx and pushes them. The registry's credentials are docker's own
business (amazon-ecr-credential-helper, docker-credential-gcr), so that none passes through the program or its state.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

from infra.cloud_settings import ImageSettings

CONTEXT = "workloads"
"""The folder that images are built from, below the project's folder, where the program runs."""


@dataclass(frozen=True, kw_only=True)
class ImagesArguments:
    """What images are made from."""

    cloud: str
    """Whose registry they are in: part of the component's type."""
    settings: ImageSettings
    repository_urls: Mapping[str, pulumi.Input[str]]
    """Where each image lies, when it is built."""
    repository_names: Mapping[str, pulumi.Input[str]]
    """The same, known in a preview."""


class Images(pulumi.ComponentResource):
    """The images of the workloads."""

    references: Mapping[str, pulumi.Output[str]]
    """`REPOSITORY@sha256:…` of each image; one that is neither built nor set is left out. Known in a preview where the
    digest is set."""

    def __init__(self, name: str, args: ImagesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"trainyard:{args.cloud}:Images", name, None, opts)
        settings = args.settings
        digests = {"training": settings.training_digest, "serving": settings.serving_digest}
        bases = {
            "training": ("PYTHON_IMAGE", settings.python_image),
            "serving": ("TRITON_IMAGE", settings.triton_image),
        }
        references = {}
        for image, url in args.repository_urls.items():
            if settings.build:
                references[image] = self._build(f"{name}-{image}", image, url, bases[image])
            elif digests[image]:
                references[image] = pulumi.Output.concat(args.repository_names[image], "@", digests[image])
        self.references = references
        self.register_outputs({"references": references})

    def _build(self, name: str, image: str, url: pulumi.Input[str], base: tuple[str, str]) -> pulumi.Output[str]:
        # Only a stack that builds needs the package's plugin.
        import pulumi_docker_build as docker_build

        built = docker_build.Image(
            name,
            context=docker_build.BuildContextArgs(location=CONTEXT),
            dockerfile=docker_build.DockerfileArgs(location=f"{CONTEXT}/{image}/image/Dockerfile"),
            build_args={base[0]: base[1]},
            platforms=[docker_build.Platform.LINUX_AMD64],
            tags=[pulumi.Output.concat(url, ":", source_version(image, base[1]))],
            push=True,
            # A preview needs neither docker nor the base images.
            build_on_preview=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.from_input(built.ref)


def source_version(image: str, base: str) -> str:
    """A digest of what an image is built from: its tag, since a tag that cannot move has to be another for other
    sources.

    The whole context counts, as it does for docker buildx: another file there is another build.
    """
    digest = hashlib.sha256(f"{image}\0{base}\0".encode())
    for source in sorted(Path(CONTEXT).rglob("*")):
        if source.is_file() and not any(part in _NOT_SOURCES or part.endswith(".egg-info") for part in source.parts):
            digest.update(f"{source.as_posix()}\0".encode())
            digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:40]


_NOT_SOURCES = frozenset({"__pycache__", "build", "dist"})
"""As in the context's .dockerignore."""
