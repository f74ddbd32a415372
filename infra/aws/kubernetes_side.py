"""What only AWS knows of a cluster, in the words of the Kubernetes half (`infra.kubernetes.cloud_side`). Pure."""

from collections.abc import Mapping, Sequence

from infra.aws.naming import Names
from infra.aws.settings import IdentitySettings
from infra.kubernetes.network_policies import IdentityAgent
from infra.kubernetes.object import Manifest
from infra.platform import Identity

WITHOUT_IMAGE = (
    "set trainyard:aws.images.training_digest and serving_digest to what was pushed, or build to true, "
    "with which `up` builds them"
)
"""What to do about an image that is not there."""
WITHOUT_CREDENTIALS_ANNOTATION = "eks.amazonaws.com/skip-containers"
"""Containers of a pod that get no credentials. Source: amazon-eks-pod-identity-webhook, its guide."""
ISSUER_KEYS_PATH = "keys"
"""Source: Amazon EKS user guide, "Fetch signing keys to validate OIDC tokens"."""
STORAGE_CLASS = "encrypted-gp3"
POD_IDENTITY_AGENT = IdentityAgent(cidr="169.254.170.23/32", port=80)
"""Source: Amazon EKS user guide, "Set up the Amazon EKS Pod Identity Agent"."""


def pod_environment(names: Names) -> dict[str, str]:
    """What every pod is told that calls AWS. Source: AWS SDKs and Tools reference guide, "AWS STS Regional
    endpoints"."""
    return {
        "AWS_REGION": names.region,
        "AWS_DEFAULT_REGION": names.region,
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
    }


def storage_class(names: Names) -> Manifest:
    """Volumes of EBS as the nodes' are: gp3, encrypted by the stack's key, made in the zone of the pod that is first,
    and tagged with the stack, by which an audit finds those that it has left.

    Source: the EBS CSI driver's guide, "StorageClass Parameters" and "Volume Tagging".
    """
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {
            "type": "gp3",
            "encrypted": "true",
            "kmsKeyId": names.arn("kms", names.key_alias("volumes")),
            "tagSpecification_1": f"project={names.project}",
            "tagSpecification_2": f"stack={names.stack}",
        },
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }


def load_balancer_annotations(tags: Mapping[str, str]) -> dict[str, str]:
    """A network load balancer in the private subnets, with the stack's tags.

    Source: Kubernetes cloud provider for AWS, "Service annotations", which EKS runs with its control plane.
    """
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    return {
        f"{prefix}-type": "nlb",
        f"{prefix}-internal": "true",
        f"{prefix}-cross-zone-load-balancing-enabled": "true",
        f"{prefix}-additional-resource-tags": ",".join(f"{tag}={value}" for tag, value in tags.items()),
    }


def identity_agents(settings: IdentitySettings) -> tuple[IdentityAgent, ...]:
    """With IRSA pods ask STS themselves, and no agent."""
    return (POD_IDENTITY_AGENT,) if settings.mechanism == "pod_identity" else ()


def role_annotations(names: Names, settings: IdentitySettings, purpose: str) -> dict[str, str]:
    """The annotations of the service account that takes a role; none where EKS is told by an association.

    Source: Amazon EKS user guide, "Assign IAM roles to Kubernetes service accounts".
    """
    if settings.mechanism == "pod_identity":
        return {}
    return {"eks.amazonaws.com/role-arn": names.role_arn(purpose)}


def service_account_annotations(
    names: Names, settings: IdentitySettings, own_team: str, teams: Sequence[str]
) -> dict[str, dict[str, dict[str, str]]]:
    """Annotations of each service account of each team.

    :param own_team: The team of the program's own workloads.
    :param teams: The other teams.
    """
    own = {own_team: {each.value: role_annotations(names, settings, each.value) for each in Identity}}
    others = {
        team: {each.value: role_annotations(names, settings, names.team_role(team, each.value)) for each in Identity}
        for team in teams
    }
    return own | others
