"""Rules for EKS clusters: who reaches the control plane, what it keeps, and whom it lets in."""

import datetime
import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from policies.dates import today
from policies.references import is_given
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Undecided, Unknown, as_list, get, is_true, known

CLUSTER = "aws:eks/cluster:Cluster"
ACCESS_ENTRY = "aws:eks/accessEntry:AccessEntry"
ACCESS_POLICY = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"

_STANDARD_SUPPORT: Mapping[str, datetime.date] = {
    "1.30": datetime.date(2025, 7, 23),
    "1.31": datetime.date(2025, 11, 26),
    "1.32": datetime.date(2026, 3, 23),
    "1.33": datetime.date(2026, 7, 29),
    "1.34": datetime.date(2026, 12, 2),
    "1.35": datetime.date(2027, 3, 27),
}
"""The last day of each version's standard support.

Source: Amazon EKS user guide, "Understand the Kubernetes version lifecycle on EKS", as of 2026-04.
"""


@resource_rule(
    CLUSTER,
    id="aws-cluster-private-endpoint",
    title="Nodes reach the cluster's control plane within the network.",
    severity="medium",
    frameworks=("CIS EKS 1.5.0 5.4.2", "NIST SC-7"),
    wrong="What nodes and the control plane say to each other leaves the network.",
    mend="set vpcConfig.endpointPrivateAccess.",
)
def private_endpoint(cluster: Resource) -> Iterator[str]:
    """Off unless it is set."""
    if not is_true(cluster.get("vpcConfig", "endpointPrivateAccess")):
        yield "The control plane has no private endpoint."


@resource_rule(
    CLUSTER,
    id="aws-cluster-public-endpoint-narrow",
    title="The cluster's control plane is not open to the internet.",
    severity="high",
    frameworks=("CKV_AWS_38", "CKV_AWS_39", "CIS EKS 1.5.0 5.4.1", "AWS Security Hub EKS.1", "NIST SC-7"),
    wrong="Everybody can try stolen credentials and new flaws of Kubernetes on it.",
    mend="set vpcConfig.endpointPublicAccess to false, or name your own ranges in vpcConfig.publicAccessCidrs.",
    parameters={"widest_prefix": Parameter(16, "prefix length of the widest range of IPv4 that is let in", minimum=1)},
)
def public_endpoint_narrow(cluster: Resource, widest_prefix: float) -> Iterator[str]:
    """On unless it is switched off, and then for everybody unless ranges are named."""
    if not is_true(cluster.get("vpcConfig", "endpointPublicAccess", default=True)):
        return
    for cidr in as_list(cluster.get("vpcConfig", "publicAccessCidrs", default=["0.0.0.0/0"])) or ["0.0.0.0/0"]:
        with cluster.apart():
            network = ipaddress.ip_network(str(known(cidr)), strict=False)
            # Whom a registry gives a /16 of IPv4 it gives a /32 of IPv6.
            widest = widest_prefix if isinstance(network, ipaddress.IPv4Network) else 2 * widest_prefix
            if network.prefixlen < widest:
                yield f"The control plane is open to {cidr}."


@related_rule(
    CLUSTER,
    id="aws-cluster-secrets-encrypted",
    title="The cluster encrypts Kubernetes secrets with a key of the customer's own.",
    severity="high",
    frameworks=("CKV_AWS_58", "CIS EKS 1.5.0 5.3.1", "AWS Security Hub EKS.3", "NIST SC-28"),
    wrong="The customer can neither see who decrypts the secrets nor withdraw the key.",
    mend="name a key of aws.kms.Key in encryptionConfig.provider.keyArn, and secrets in its resources.",
)
def secrets_encrypted(cluster: Resource, _stack: Stack) -> Iterator[str]:
    """It cannot be taken back later, and can be added to a cluster that is there."""
    config = known(cluster.get("encryptionConfig"))
    if not config:
        yield "Secrets are encrypted with a key of AWS's own."
        return
    with cluster.apart():
        if "secrets" not in [known(each) for each in as_list(get(config, "resources"))]:
            yield "The encryption is not of secrets."
    with cluster.apart():
        if not is_given(cluster, "encryptionConfig", "provider", "keyArn"):
            yield "The encryption has no key."


@resource_rule(
    CLUSTER,
    id="aws-cluster-control-plane-logs",
    title="The cluster's control plane keeps records of what it is asked.",
    severity="medium",
    frameworks=("CKV_AWS_37", "CIS EKS 1.5.0 2.1.1", "AWS Security Hub EKS.8", "NIST AU-2", "NIST AU-12"),
    wrong="After an attack nobody can tell who did what.",
    mend="name the types in enabledClusterLogTypes.",
    parameters={"types": Parameter(("api", "audit", "authenticator"), "types of log that are kept")},
)
def control_plane_logs(cluster: Resource, types: Sequence[str]) -> Iterator[str]:
    """None is kept unless it is named. The scheduler's and the controller manager's tell little of security."""
    enabled = []
    unknown: Undecided | None = None
    for each in as_list(cluster.get("enabledClusterLogTypes")):
        try:
            enabled.append(known(each))
        except Undecided as error:
            unknown = error
    missing = [each for each in types if each not in enabled]
    if missing and unknown:
        raise unknown
    if missing:
        yield f"It keeps no logs of type {', '.join(missing)}."


@resource_rule(
    CLUSTER,
    id="aws-cluster-version-supported",
    title="The cluster's version of Kubernetes is in standard support.",
    severity="high",
    frameworks=("CKV_AWS_339", "AWS Security Hub EKS.2", "NIST SI-2"),
    wrong="Its add-ons and charts get no mends any more, and extended support costs six times as much.",
    mend="raise version by one minor version at a time; what is removed with each is in the EKS user guide.",
    parameters={"days_left": Parameter(0, "days of standard support that a version has left at least", minimum=0)},
)
def version_supported(cluster: Resource, days_left: float) -> Iterator[str]:
    """A version that the table does not know is newer than its last, or older than its first.

    Where a program names none, EKS chooses one that is in standard support.
    """
    version = known(cluster.get("version", default=""))
    if not version:
        return
    ends = _STANDARD_SUPPORT.get(version)
    if ends is None and _number(version) < _number(next(iter(_STANDARD_SUPPORT))):
        yield f"The standard support of Kubernetes {version} has ended."
    elif ends is not None and (ends - today()).days < days_left:
        yield f"The standard support of Kubernetes {version} ends on {ends.isoformat()}."


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


@resource_rule(
    CLUSTER,
    id="aws-cluster-access-entries",
    title="Who may enter the cluster is told by access entries, not by a ConfigMap in it.",
    severity="medium",
    frameworks=("CIS EKS 1.5.0 5.5.1", "NIST AC-2", "NIST AC-3"),
    wrong="Whoever may write aws-auth in kube-system makes anybody an administrator, unseen by AWS.",
    mend="set accessConfig.authenticationMode to API, and make an aws.eks.AccessEntry for each role.",
)
def access_entries(cluster: Resource) -> Iterator[str]:
    """CONFIG_MAP unless it is set. There is no way back from API, and none is needed.

    Source: Amazon EKS user guide, "Grant IAM users and roles access to Kubernetes APIs".
    """
    mode = known(cluster.get("accessConfig", "authenticationMode", default="CONFIG_MAP"))
    if mode != "API":
        yield f"The authentication mode is {mode}."


@resource_rule(
    CLUSTER,
    id="aws-cluster-no-hidden-administrator",
    title="Who makes the cluster is not its administrator by that alone.",
    severity="medium",
    frameworks=("CIS EKS 1.5.0 4.1.1", "NIST AC-6(5)"),
    wrong="The role of the pipeline, or the person, that made it stays administrator, and no program says so.",
    mend="set accessConfig.bootstrapClusterCreatorAdminPermissions to false, and make access entries.",
)
def no_hidden_administrator(cluster: Resource) -> Iterator[str]:
    """Unless it is switched off. Where the mode is CONFIG_MAP it cannot be, which another rule objects to."""
    switched = cluster.get("accessConfig", "bootstrapClusterCreatorAdminPermissions", default=True)
    if not is_true(switched):
        return
    if known(cluster.get("accessConfig", "authenticationMode", default="CONFIG_MAP")) != "CONFIG_MAP":
        yield "Who makes the cluster becomes its administrator."


@resource_rule(
    CLUSTER,
    id="aws-cluster-deletion-protection",
    title="The cluster cannot be deleted by a single call.",
    severity="medium",
    frameworks=("NIST CP-9", "NIST AC-6"),
    wrong="A mistake or a stolen credential ends everything that runs there.",
    mend="set deletionProtection.",
)
def deletion_protection(cluster: Resource) -> Iterator[str]:
    """Off unless it is set. Pulumi's own option `protect` keeps nobody else from it."""
    if not is_true(cluster.get("deletionProtection")):
        yield "The cluster is not protected from deletion."


@resource_rule(
    ACCESS_ENTRY,
    ACCESS_POLICY,
    id="aws-cluster-entries-for-roles",
    title="Roles are let into the cluster, not users.",
    severity="medium",
    frameworks=("CIS EKS 1.5.0 5.5.1", "NIST IA-2", "NIST IA-5"),
    wrong="A user's access key lasts, and opens the cluster to whoever finds it.",
    mend="name in principalArn a role that people and pipelines take.",
)
def entries_for_roles(entry: Resource) -> Iterator[str]:
    """Source: Amazon EKS user guide, "Create access entries", on what to consider."""
    principal = entry.get("principalArn", default="")
    made_of = entry.property_dependencies.get("principalArn", ())
    if isinstance(principal, Unknown) and any("aws:iam/role:Role::" in urn for urn in made_of):
        return
    if ":user/" in known(principal) or principal.endswith(":root"):
        yield f"{principal} is let in."


RULES = (
    private_endpoint,
    public_endpoint_narrow,
    secrets_encrypted,
    control_plane_logs,
    version_supported,
    access_entries,
    no_hidden_administrator,
    deletion_protection,
    entries_for_roles,
)
