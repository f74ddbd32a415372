"""The same workloads deploy unchanged on both clouds: what Kubernetes is asked for on Google Cloud is what it is asked
for on AWS, but for what is listed here with its reason.

Both programs run whole, under Pulumi's mocks, with Google's stack called as AWS's is: so names do not differ by that.
"""

import copy
import re
from typing import Any

import pytest

from tests.infra.object_differences import (
    Difference,
    Reason,
    differences,
    objects,
    values,
    without_reason,
    without_use,
)
from tests.infra.recorder import deploy

STACKS = {"dev": "gcp-dev", "prod": "gcp-prod"}

_URI = re.compile(r"(s3|gs)://trainyard-(?:dev|prod)-([a-z]+)-[^/]+/(.+)")
_RUN = re.compile(r"\b[0-9a-f]{12}\b")


def same_place(one: Any, other: Any) -> bool:
    """Whether two URIs name the same object in the bucket of the same purpose, of whatever run."""
    on_aws, on_google = (_URI.fullmatch(_RUN.sub("RUN", str(each))) for each in (one, other))
    if on_aws is None or on_google is None:
        return False
    return (on_aws[1], on_google[1]) == ("s3", "gs") and on_aws.groups()[1:] == on_google.groups()[1:]


def same_image(one: Any, other: Any) -> bool:
    """Whether two references are of the same image, by the same digest."""
    registries = str(one).partition(".dkr.ecr.")[2], str(other).partition("-docker.pkg.dev/")[2]
    return all(registries) and str(one).rpartition("/")[2] == str(other).rpartition("/")[2]


def both(pattern: str) -> Any:
    """Whether both values are of a form."""
    return lambda one, other: all(re.fullmatch(pattern, str(each)) for each in (one, other))


WORKLOADS = (
    Reason(
        "ConfigMap .*",
        r"data\..*(datasets|checkpoints|models|manifest)_uri",
        "Storage is another, and the place in it is the same",
        same_place,
    ),
    Reason(
        "ConfigMap .*",
        r"data\..*\.encryption_key_uri",
        "The key is the cloud's",
        lambda one, other: one.startswith("aws-kms://arn:aws:") and other.startswith("gcp-kms://projects/"),
    ),
    Reason("ConfigMap .*", r"data\..*\.run", "A run is named by a digest of where its data is", both("[0-9a-f]{12}")),
    Reason(
        "(Job|Deployment) .*",
        r"spec\.template\.metadata\.annotations\.trainyard\.dev/(specification|front)-digest",
        "The digest of what differs differs",
        both("[0-9a-f]{64}"),
    ),
    Reason("(Job|Deployment) .*", r".*\.image", "The registry is the cloud's, and the image the same", same_image),
    Reason(
        "(Job|Deployment) .*",
        r".*\.env\[(AWS_REGION|AWS_DEFAULT_REGION|AWS_STS_REGIONAL_ENDPOINTS|GOOGLE_CLOUD_PROJECT)\]\.(name|value)",
        "AWS's libraries are told the region, Google's the project",
    ),
    Reason(
        "Deployment .*-serving",
        r"spec\.template\.metadata\.annotations\.eks\.amazonaws\.com/skip-containers",
        "Identity: EKS can leave containers of a pod without credentials, GKE cannot",
    ),
    Reason(
        "ConfigMap .*-serving-front",
        r"data\.envoy\.yaml\..*\.(uri|issuer|address|sni|exact|remote_jwks.*)",
        "Identity: the cluster that signs tokens is another, and where its keys are",
        lambda one, other: "eks" in one and "container.googleapis.com" in other,
    ),
)
"""What may differ in what a workload consists of."""

CLUSTERS = (
    Reason(
        "ServiceAccount .*",
        r"metadata\.annotations\.iam\.gke\.io/gcp-service-account",
        "Identity: EKS is told by an association, GKE by an annotation",
    ),
    Reason("NetworkPolicy .*-allow-identity", r"spec\.egress.*", "Identity: where a pod gets its credentials from"),
    Reason("StorageClass encrypted-.*", "", "Disks are the cloud's"),
    Reason("Release addons-prometheus", r"values\.server\.persistentVolume\.storageClass", "Disks are the cloud's"),
    Reason(
        "Release addons-(aws-node-termination-handler|cluster-autoscaler|nvidia-device-plugin)",
        "",
        "GKE brings its own",
        lambda one, other: one == "here" and other is None,
    ),
    Reason("Release addons-dcgm-exporter", r"values\..*", "GKE keeps the driver in a folder of its own"),
    Reason(
        "ResourceQuota .*-critical-pods",
        "",
        "GKE refuses pods of the system's priorities where no quota names them",
        lambda one, other: one is None and other == "here",
    ),
    Reason("ResourceQuota .*-team", r"spec\.hard\.(requests|limits)\..*", "What the pools have at their largest"),
    Reason(
        "ClusterQueue .*",
        r"spec\.resourceGroups\[0\]\.flavors\[.*\]\.(resources\[.*\]\.(nominalQuota|name)|name)",
        "What the pools have at their largest, by pool",
    ),
)
"""What may differ in what the cluster has before any workload."""

OF_PROD = (
    Reason(
        "(ClusterQueue|LocalQueue) .*flex-start", "", "The pool distributed is bought by flex-start on Google Cloud"
    ),
    Reason("ClusterQueue .*", r"spec\.resourceGroups\[0\]\.coveredResources.*", "Elastic Fabric Adapters are AWS's"),
)
"""What may differ where pools are bought in other ways, and GPUs of other nodes reached."""

pytestmark = pytest.mark.xdist_group("whole programs")


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reasons(stack: str) -> list[Reason]:
    return [*WORKLOADS, *CLUSTERS, *(OF_PROD if stack == "prod" else ())]


def found(stack: str, changes: dict[str, Any] | None = None) -> list[Difference]:
    """Every difference; AWS's is the one, Google's the other.

    :param changes: To Google's stack.
    """
    on_google = deploy(STACKS[stack], changes, name=stack)
    return differences(objects(deploy(stack).registered), objects(on_google.registered))


def test_nothing_differs_without_a_reason(stack: str) -> None:
    assert without_reason(found(stack), reasons(stack)) == []


def test_every_reason_is_of_something_that_differs(stack: str) -> None:
    assert without_use(found(stack), reasons(stack)) == []


def test_the_workloads_are_there(stack: str) -> None:
    on_google = objects(deploy(STACKS[stack], name=stack).registered)
    for name in ("Job trainyard-training", "Job trainyard-training-loader", "Deployment trainyard-serving"):
        assert len(on_google[name]) > 50, name


def test_workloads_differ_in_nothing_but_identity_storage_and_where_images_are(stack: str) -> None:
    """No other reason covers anything of theirs."""
    of_workloads = re.compile(
        r"(Job|Deployment|HorizontalPodAutoscaler|PodDisruptionBudget|Service|ConfigMap) .*|NetworkPolicy .*-serving"
    )
    theirs = [each for each in found(stack) if of_workloads.fullmatch(each.object)]
    assert theirs
    assert without_reason(theirs, WORKLOADS) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kubernetes.addons": {"queue": {"ready_minutes": 60}}}, "Release addons-kueue"),
        ({"kubernetes.team": "vision"}, "Job vision-training"),
        ({"gpu_pools.other": {"machine_type": "g2-standard-4"}}, "ResourceFlavor other"),
        ({"gpu_pools.training.sharing": {"strategy": "time_sharing", "pods": 2}}, "Release addons-dcgm-exporter"),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
def test_other_settings_are_told(changes: dict[str, Any], told: str) -> None:
    """The comparison sees a difference where there is one."""
    difference = [str(each) for each in found("dev", changes) if each not in found("dev")]
    assert any(each.startswith(told) for each in difference), difference


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("Job trainyard-training", "spec.template.spec.containers[job].resources.limits.cpu", "1"),
        ("Job trainyard-training", "spec.backoffLimitPerIndex", 5),
        ("Job trainyard-training", "spec.template.spec.tolerations[0].value", "true"),
        ("Job trainyard-training", "spec.template.spec.containers[job].image", "docker.io/other@sha256:00"),
        ("Deployment trainyard-serving", "spec.template.spec.containers[front].image", "docker.io/envoy:latest"),
        ("Deployment trainyard-serving", "spec.template.spec.containers[server].env[HOME].value", "/root"),
        ("ConfigMap trainyard-training", "data.specification.json.datasets_uri", "gs://trainyard-dev-models-x/digits"),
        ("ConfigMap trainyard-training", "data.specification.json.epochs", 1),
        ("NetworkPolicy trainyard-default-deny", "spec.egress[0].to[0].ipBlock.cidr", "0.0.0.0/0"),
        ("ServiceAccount trainyard-training", "automountServiceAccountToken", True),
    ],
)
def test_what_differs_otherwise_fails(name: str, path: str, value: Any) -> None:
    one, other = objects(deploy("dev").registered), objects(deploy("gcp-dev", name="dev").registered)
    changed = copy.deepcopy(other)
    changed[name][path] = value
    told = without_reason(differences(one, changed), reasons("dev"))
    assert [each for each in told if each.startswith(f"{name} {path}:")]


def test_an_object_that_is_missing_fails() -> None:
    one, other = objects(deploy("dev").registered), objects(deploy("gcp-dev", name="dev").registered)
    fewer = {name: each for name, each in other.items() if name != "NetworkPolicy trainyard-default-deny"}
    assert without_reason(differences(one, fewer), reasons("dev")) == [
        "NetworkPolicy trainyard-default-deny : 'here' and None"
    ]


def test_values_are_told_by_their_paths() -> None:
    given = {
        "spec": {"containers": [{"name": "job", "args": ["a", "b"]}], "empty": []},
        "data": {"specification.json": '{"epochs": 20}', "envoy.yaml": "admin:\n  port: 9901\n"},
    }
    assert dict(values(given)) == {
        "spec.containers[job].name": "job",
        "spec.containers[job].args[0]": "a",
        "spec.containers[job].args[1]": "b",
        "spec.empty": [],
        "data.specification.json.epochs": 20,
        "data.envoy.yaml.admin.port": 9901,
    }
