"""The GKE cluster: its control plane, what GKE runs in it by itself, and who gets in.

It is a Standard cluster, so that pools are chosen by the program. Nodes have no public addresses, nor has the control
plane: it is reached by its name at Google's front end, which asks IAM first, or by its private address from the ranges
of the settings. What it stores is encrypted by a key of its own. Of GKE's own parts those are off that this program has
otherwise (Gateway API, node auto-provisioning, the exporter of GPU metrics), and those that let in whom IAM does not
know (client certificates, legacy authorization, anonymous requests but for health checks).

Rights in the cluster come by IAM, on this cluster alone by a condition. People of a team get nothing by IAM but the way
to the API server, where role bindings name them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from infra.gcp import cluster_options as options
from infra.gcp.naming import Names
from infra.gcp.settings import ClusterSettings
from infra.known_output import known_after

ADMINISTRATION = "roles/container.admin"
WAY_IN = ("container.clusters.get", "container.clusters.connect")
"""What it takes to get as far as the API server by its name: no predefined role has it without what is in the cluster.

Source: GKE, "Customize your network isolation" (DNS-based endpoint).
"""


@dataclass(frozen=True, kw_only=True)
class ClusterArguments:
    """What the cluster is made from."""

    names: Names
    settings: ClusterSettings
    zones: Sequence[str]
    """The network's zones: nodes are in all of them."""
    network_id: pulumi.Input[str]
    subnetwork_id: pulumi.Input[str]
    pods_range: str
    """Name of the subnetwork's range of pods' addresses."""
    services_range: str
    """Name of the subnetwork's range of services' addresses."""
    secrets_key_id: pulumi.Input[str]
    volumes_key_id: pulumi.Input[str]
    node_email: pulumi.Input[str]
    """The service account of nodes."""
    production: bool
    """Whether GKE and Pulumi refuse to delete it."""
    multi_networking: bool = False
    """Whether pods may have further networks, which GPUDirect needs. It is switched in place."""
    admins: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Who administers the cluster beside the members of the settings, as IAM names them, by a name for each."""


def cluster_location(names: Names, settings: ClusterSettings, zones: Sequence[str]) -> str:
    """The region of a regional cluster, the zone of a zonal one."""
    return names.region if settings.location == "regional" else zones[0]


def this_cluster(cluster_id: str) -> str:
    """The condition by which a grant on the project is one on the cluster, its pools and what is in it.

    IAM spells a cluster in a region as here, one in a zone with `zones`; either is taken. Which name the permissions
    of pools and of what is in a cluster are asked for by, it does not say. Source: IAM, "Resource attributes for IAM
    Conditions" (Google Kubernetes Engine).
    """
    spellings = (cluster_id, cluster_id.replace("/locations/", "/zones/"))
    return " || ".join(f'resource.name == "{each}" || resource.name.startsWith("{each}/")' for each in spellings)


class Cluster(pulumi.ComponentResource):
    """A Kubernetes control plane without nodes."""

    cluster_name: pulumi.Output[str]
    """The cluster's name, which waits for the cluster."""
    location: str
    """The region of a regional cluster, the zone of a zonal one."""
    cluster_id: pulumi.Output[str]
    """The cluster's resource name, which waits for the cluster: what it is an input of goes with the cluster where that
    is replaced, even by one of the same name."""
    endpoint: pulumi.Output[str]
    """Address of the control plane, an https URL."""
    certificate_authority_data: pulumi.Output[str]
    """Certificate that the control plane is recognised by, in PEM and Base64; empty where it is reached by its name,
    for which it has one of a public authority."""
    issuer_url: pulumi.Output[str]
    """Address of who signs the tokens of the cluster's service accounts."""
    access: list[pulumi.Resource]
    """What has to be there before an administrator has rights in the cluster."""

    def __init__(self, name: str, args: ClusterArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Cluster", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self.location = cluster_location(args.names, args.settings, args.zones)
        cluster = self._make_cluster()
        self.cluster_name = known_after(args.names.cluster, cluster)
        self.cluster_id = known_after(args.names.cluster_id(self.location), cluster)
        self.endpoint, self.certificate_authority_data = _way_in(cluster, by_name=args.settings.dns_endpoint)
        # Source: GKE, "Set up Workload Identity Federation for clusters": the issuer of a cluster's tokens.
        issuer_url = f"https://container.googleapis.com/v1/{args.names.cluster_id(self.location)}"
        self.issuer_url = known_after(issuer_url, cluster)
        self.access = self._make_admins()
        self._make_team_members()
        self.register_outputs({"cluster_name": self.cluster_name, "endpoint": self.endpoint})

    def _make_cluster(self) -> gcp.container.Cluster:
        args, settings = self._args, self._args.settings
        zones = [zone for zone in args.zones if zone != self.location]
        return gcp.container.Cluster(
            self._name,
            name=args.names.cluster,
            project=args.names.project_id,
            description=f"The GPU cluster of {args.names.project}, {args.names.stack}",
            location=self.location,
            node_locations=zones or None,
            # Pools are resources of their own.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=self._first_nodes(),
            **options.network_arguments(
                network_id=args.network_id,
                subnetwork_id=args.subnetwork_id,
                pods_range=args.pods_range,
                services_range=args.services_range,
                multi_networking=args.multi_networking,
            ),
            **options.endpoint_arguments(settings),
            **options.identity_arguments(args.names, settings),
            **options.protection_arguments(settings, args.secrets_key_id),
            **options.version_arguments(settings),
            **options.observation_arguments(production=args.production),
            **options.scaling_arguments(),
            deletion_protection=args.production,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.production,
                # It is of the first nodes, which are gone at once; another one must not be another cluster.
                ignore_changes=["nodeConfig"],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="60m", delete="45m"),
            ),
        )

    def _first_nodes(self) -> gcp.container.ClusterNodeConfigArgs:
        """GKE makes no cluster without nodes. These live for minutes, and no less safely than those that follow."""
        return gcp.container.ClusterNodeConfigArgs(
            machine_type="e2-medium",
            disk_type="pd-balanced",
            disk_size_gb=30,
            boot_disk_kms_key=self._args.volumes_key_id,
            service_account=self._args.node_email,
            oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
            shielded_instance_config=gcp.container.ClusterNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
            workload_metadata_config=gcp.container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        )

    def _make_admins(self) -> list[pulumi.Resource]:
        listed = {member: member for member in self._args.settings.admin_members}
        admins: dict[str, pulumi.Input[str]] = {**listed, **self._args.admins}
        return [self._grant(f"{self._name}-{name}", ADMINISTRATION, member) for name, member in admins.items()]

    def _make_team_members(self) -> None:
        """The way to the API server. What they may do there is said by the role bindings of their teams."""
        members = {each: None for members in self._args.settings.team_members.values() for each in members}
        if not members:
            return
        names = self._args.names
        role = gcp.projects.IAMCustomRole(
            f"{self._name}-member",
            project=names.project_id,
            role_id=pulumi.Output.from_input(self._args.secrets_key_id).apply(lambda key: member_role_id(names, key)),
            title=f"{names.prefix}: the way to the API server",
            description=f"Members of teams reach {names.cluster}, and may do there what role bindings say",
            permissions=list(WAY_IN),
            stage="GA",
            opts=self._child,
        )
        for member in members:
            self._grant(f"{self._name}-team-{member}", role.name, member)

    def _grant(self, name: str, role: pulumi.Input[str], member: pulumi.Input[str]) -> gcp.projects.IAMMember:
        names = self._args.names
        return gcp.projects.IAMMember(
            name,
            project=names.project_id,
            role=role,
            member=member,
            condition=gcp.projects.IAMMemberConditionArgs(
                title=f"{names.cluster} alone",
                description="This cluster, its pools and what is in it",
                expression=this_cluster(names.cluster_id(self.location)),
            ),
            opts=self._child,
        )


def member_role_id(names: Names, key_id: str) -> str:
    """The identifier of the role of teams' members.

    It is taken for up to 37 days after its role has gone, so its end is that of the key's name, which is another one
    whenever the stack is made anew. Source: IAM, "Create and manage custom roles" (deleting).
    """
    return f"{names.custom_role_id('member')}_{hashlib.sha256(key_id.encode()).hexdigest()[:8]}"


def _way_in(cluster: gcp.container.Cluster, *, by_name: bool) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Address and certificate of the control plane."""
    if by_name:
        return cluster.control_plane_endpoints_config.apply(_name_address), pulumi.Output.from_input("")
    address = cluster.private_cluster_config.apply(lambda known: f"https://{known.private_endpoint}")
    return address, cluster.master_auth.apply(lambda known: str(known.cluster_ca_certificate))


def _name_address(endpoints: gcp.container.outputs.ClusterControlPlaneEndpointsConfig) -> str:
    # GKE gives every cluster a name, whether it is one to go by or not.
    assert endpoints.dns_endpoint_config is not None
    return f"https://{endpoints.dns_endpoint_config.endpoint}"
