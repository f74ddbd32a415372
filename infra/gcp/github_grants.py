"""What GitHub's workflows may do on Google Cloud: which roles the two service accounts have, each with its reason.

Whoever previews reads the stack's configuration, by a role that names each permission: no object, no log entry, no
image, no secret, no use of a key.

Whoever deploys looks after what the stack's APIs make, and so grants roles: on the project what every node has, on the
stack's own buckets what workloads have, on its own keys their use, on repositories to pull. What can grant has a
condition on which roles (`iam.googleapis.com/modifiedGrantsByRole`) and, where a service knows names in conditions, on
whose resources; but for machines, on which the role is granted that stops this stack's when it expires, whose name
nobody knows before. It acts as those accounts of the stack that something is started by, each by a grant on that
account.

Artifact Registry does not know that condition, and so refuses whoever has it: who pulls is for a person to change.

So it takes no right in the project beyond what it was given, but for its own stack's data and keys, whose use it could
grant itself. What grants without such limits it has not: it changes no service account's policy, no custom role, no
pool of identities and no account's keys. Therefore a person runs `up` the first time, and where a team or an identity
is added, or who administers the cluster, a team's people, the moment at which the stack expires (which a grant's
condition holds) or the settings of GitHub change. The budget belongs to the billing account, on which somebody who
administers that one grants whoever deploys roles/billing.costsManager, and whoever previews with a refresh
roles/billing.viewer.

Networks, clusters, repositories, schedules and service accounts are granted for the whole project, since what is made
has no name yet that a condition could compare. What others have there is within reach, to change and to delete, and so
is what pods of the same names may do in another cluster: a project for each environment keeps them apart, as Google
advises.

Sources: IAM, "Roles and permissions" of each service, "Set limits on granting roles", "Attribute reference for IAM
Conditions" (services that recognize the attribute), "Resource attributes for IAM Conditions" and "Best practices for
using Workload Identity Federation"; Cloud Billing, "Access control for the Cloud Billing Budget API".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.gcp.keys import USE
from infra.gcp.naming import Names
from infra.gcp.node_service_account import NODE_ROLE, PULL_ROLE, STREAM_ROLE
from infra.gcp.storage import ACCESS_LOGS, PURPOSES
from infra.gcp.workload_roles import KEY_ROLES, WORKLOAD_ROLES

PREVIEW, DEPLOY = "github-preview", "github-deploy"
"""Purposes of the two service accounts."""

CONFIGURATION: Mapping[str, tuple[str, ...]] = {
    "artifactregistry.googleapis.com": (
        "artifactregistry.repositories.get",
        "artifactregistry.repositories.getIamPolicy",
    ),
    "cloudkms.googleapis.com": (
        "cloudkms.cryptoKeys.get",
        "cloudkms.cryptoKeys.getIamPolicy",
        "cloudkms.keyRings.get",
    ),
    "cloudscheduler.googleapis.com": ("cloudscheduler.jobs.get",),
    "compute.googleapis.com": (
        "compute.addresses.get",
        "compute.disks.get",
        "compute.firewalls.get",
        "compute.globalAddresses.get",
        "compute.globalForwardingRules.get",
        "compute.instanceGroupManagers.get",
        "compute.instances.get",
        "compute.instances.getIamPolicy",
        "compute.networks.get",
        "compute.projects.get",
        "compute.regions.get",
        "compute.resourcePolicies.get",
        "compute.routers.get",
        "compute.routes.get",
        "compute.subnetworks.get",
        "compute.zones.get",
    ),
    "container.googleapis.com": ("container.clusters.get", "container.clusters.list", "container.operations.get"),
    "dns.googleapis.com": ("dns.managedZones.get", "dns.resourceRecordSets.list"),
    "iam.googleapis.com": (
        "iam.roles.get",
        "iam.serviceAccounts.get",
        "iam.serviceAccounts.getIamPolicy",
        "iam.workloadIdentityPoolProviders.get",
        "iam.workloadIdentityPools.get",
        "iam.workloadIdentityPools.getAttestationRules",
        "resourcemanager.projects.get",
        "resourcemanager.projects.getIamPolicy",
        "serviceusage.services.get",
        "serviceusage.services.list",
    ),
    "logging.googleapis.com": ("logging.buckets.get", "logging.exclusions.get", "logging.sinks.get"),
    "monitoring.googleapis.com": ("monitoring.notificationChannels.get",),
    "servicedirectory.googleapis.com": ("servicedirectory.namespaces.get", "servicedirectory.services.get"),
    "storage.googleapis.com": ("storage.buckets.get", "storage.buckets.getIamPolicy"),
}
"""What it takes to read what is configured, by API. Identity pools are asked for by these names, and not by those with
the service before them that roles of Google's are listed with. To read a pool, the provider lists its attestation
rules, whether it has any or not. Sources: IAM, REST reference (workloadIdentityPools.get, IAM permissions), "Identity
and Access Management audit logging" (ListAttestationRules)."""

BUCKETS = (
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.list",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
)
"""To look after buckets without reading what is in them, which no role of Google's is."""
EMPTY_BUCKETS = ("storage.objects.delete", "storage.objects.list")
"""To empty a bucket before it is deleted, where the settings allow that."""
ACCOUNTS = (
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.update",
)
"""To look after service accounts without saying who may act as them, which no role of Google's is."""


@dataclass(frozen=True)
class ProjectRole:
    """A role on the project."""

    name: str
    """What the grant is called in the stack."""
    role: str
    why: str
    condition: str = ""
    """In the Common Expression Language; empty: none."""


def configuration(apis: Sequence[str]) -> tuple[str, ...]:
    """The permissions to read what is configured, of a stack that uses these APIs."""
    return tuple(sorted(permission for api in apis for permission in CONFIGURATION.get(api, ())))


def project_roles(names: Names, apis: Sequence[str]) -> tuple[ProjectRole, ...]:
    """Google's roles that who deploys has on the project, of a stack that uses these APIs."""
    pulls, uses = granting(PULL_ROLE), granting(USE, *KEY_ROLES.values())
    # Nothing is granted on networks, and of an empty list Google's page says nothing: to look is the least.
    looks = granting("roles/compute.viewer")
    nodes = granting(NODE_ROLE, STREAM_ROLE)
    roles = {
        "artifactregistry.googleapis.com": (
            ProjectRole("repositories", "roles/artifactregistry.admin", "Repositories, and pushing to them", pulls),
        ),
        "cloudkms.googleapis.com": (
            ProjectRole("keys", "roles/cloudkms.admin", "Keys, and not their use", f"{_own_keys(names)} && {uses}"),
        ),
        "cloudscheduler.googleapis.com": (
            ProjectRole("schedules", "roles/cloudscheduler.admin", "What ends the stack when it expires"),
        ),
        "compute.googleapis.com": (
            ProjectRole("network", "roles/compute.networkAdmin", "Network, subnetworks, routers and addresses", looks),
            ProjectRole("firewall", "roles/compute.securityAdmin", "Firewall rules", looks),
            ProjectRole("machines", "roles/compute.instanceAdmin.v1", "The machine, and how nodes are placed"),
        ),
        "container.googleapis.com": (
            # What is in the cluster it changes as one who administers this cluster alone.
            ProjectRole("clusters", "roles/container.clusterAdmin", "The cluster and its pools"),
        ),
        "dns.googleapis.com": (ProjectRole("names", "roles/dns.admin", "Names of Google's services in the network"),),
        "iam.googleapis.com": (
            ProjectRole("grants", "roles/resourcemanager.projectIamAdmin", "What nodes may do", nodes),
            ProjectRole("services", "roles/serviceusage.serviceUsageAdmin", "Switches APIs on"),
        ),
        "logging.googleapis.com": (
            ProjectRole("logs", "roles/logging.configWriter", "Log buckets and sinks, and not what is logged"),
        ),
        "monitoring.googleapis.com": (
            ProjectRole("channels", "roles/monitoring.notificationChannelEditor", "Who is told of the budget"),
        ),
        "servicedirectory.googleapis.com": (
            ProjectRole("directory", "roles/servicedirectory.editor", "Google's services by Private Service Connect"),
        ),
    }
    return tuple(role for api in apis for role in roles.get(api, ()))


def granting(*roles: str) -> str:
    """The condition that a change of a policy grants or takes these roles and no others. A request that changes none
    fulfils it.

    Source: IAM, "Set limits on granting roles".
    """
    listed = ", ".join(f'"{role}"' for role in roles)
    return f'api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly([{listed}])'


def own_buckets(names: Names) -> str:
    """The condition on who looks after buckets: of the stack's own, and of roles that workloads have.

    What is made may be asked of the project, which has no bucket's name.
    """
    kinds = " && ".join(f'resource.type != "storage.googleapis.com/{kind}"' for kind in ("Bucket", "Object"))
    own = " || ".join(f'resource.name.startsWith("{names.bucket_id(purpose)}")' for purpose in (*PURPOSES, ACCESS_LOGS))
    return f"(({kinds}) || {own}) && {granting(*WORKLOAD_ROLES)}"


def _own_keys(names: Names) -> str:
    """Of the rings that this stack makes, whose names begin so, and of where they are made."""
    location = f"projects/{names.project_id}/locations/{names.region}"
    ring = f"{location}/keyRings/{names.prefix}-keys-"
    return f'(resource.name == "{location}" || resource.name.startsWith("{ring}"))'
