"""Cases of the rules for images."""

from policies.cases import Cases
from policies.kubernetes import images
from policies.kubernetes.sample_workloads import DIGEST, container, cron_job, deployment, job, pod
from policies.resources import Resource


def _running(image: str) -> Resource:
    return deployment(container({"image": image}))


CASES = (
    Cases(
        images.image_digest,
        passing=[
            deployment(),
            _running(f"registry.example.com:5000/vision/server:1.4.2@{DIGEST}"),
            pod(container({"image": None})),
            # No version at all is a fault of its own.
            _running("registry.example.com/vision/server:latest"),
        ],
        failing=[
            (_running("registry.example.com/vision/server:1.4.2"), "without a digest."),
            (_running("registry.example.com/vision/server@sha256:0123"), "without a digest."),
            (job(initContainers=[{"name": "fetch", "image": "registry.example.com/fetch:1"}]), "'fetch' has image"),
            (pod(volumes=[{"name": "model", "image": {"reference": "registry.example.com/m:1"}}]), "Volume 'model'"),
        ],
    ),
    Cases(
        images.image_not_latest,
        passing=[
            deployment(),
            _running("registry.example.com/vision/server:1.4.2"),
            _running(f"registry.example.com/vision/server:latest@{DIGEST}"),
            _running("registry.example.com/vision/server:latest-but-one"),
        ],
        failing=[
            (_running("registry.example.com/vision/server:latest"), "whichever is the latest."),
            (_running("registry.example.com:5000/vision/server"), "whichever is the latest."),
            (cron_job(container({"image": "python"})), "Container 'server' has image 'python'"),
        ],
    ),
    Cases(
        images.image_registry,
        passing=[deployment(), _running("docker.io/library/python:3.11"), _running("localhost/server:1")],
        failing=[
            (_running("python:3.11"), "has image 'python:3.11', of no registry in particular."),
            (_running(f"nvidia/cuda@{DIGEST}"), "of no registry in particular."),
        ],
    ),
)
