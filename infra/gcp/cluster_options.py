"""What the GKE cluster is told beside where it is: how it is reached, who is believed, what is encrypted and watched.

Pure: each function gives some of the cluster's arguments by name.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.settings import AuthorizedNetwork, ClusterSettings, MaintenanceSettings
from infra.gcp.subnets import PODS_PER_NODE

LOGS = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")
"""What logs are sent of. CIS GKE 5.7.1, checkov CKV_GCP_1."""
SYSTEM_METRICS = ("SYSTEM_COMPONENTS",)
CONTROL_PLANE_METRICS = ("APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")
"""They cost by the sample: production only. DCGM is in neither: see `infra.kubernetes.charts.gpu_metrics`."""
FIRST_SATURDAY = datetime.date(2026, 1, 3)
"""From when the maintenance window recurs."""


def network_arguments(
    *,
    network_id: pulumi.Input[str],
    subnetwork_id: pulumi.Input[str],
    pods_range: str,
    services_range: str,
    multi_networking: bool,
) -> dict[str, Any]:
    """Addresses of the network's own for pods and services, and Dataplane V2, which enforces network policies.

    The resolver of names is kube-dns with a cache on each node: Cloud DNS would answer from the metadata server's
    address, which pods are kept from. Internal load balancers reach the nodes that they need, not all (subsetting).
    Sources: CIS GKE 5.6.1 to 5.6.7, checkov CKV_GCP_12, 23, 61; Kubernetes, CVE-2020-8554 (external addresses).
    """
    return {
        "network": network_id,
        "subnetwork": subnetwork_id,
        "networking_mode": "VPC_NATIVE",
        "ip_allocation_policy": gcp.container.ClusterIpAllocationPolicyArgs(
            cluster_secondary_range_name=pods_range,
            services_secondary_range_name=services_range,
            stack_type="IPV4",
        ),
        # GKE's default takes twice the addresses.
        "default_max_pods_per_node": PODS_PER_NODE,
        "datapath_provider": "ADVANCED_DATAPATH",
        "dns_config": gcp.container.ClusterDnsConfigArgs(cluster_dns="KUBE_DNS"),
        "enable_intranode_visibility": True,
        "enable_l4_ilb_subsetting": True,
        "enable_multi_networking": multi_networking,
        "service_external_ips_config": gcp.container.ClusterServiceExternalIpsConfigArgs(enabled=False),
        # A gateway is Envoy's where one is wanted, as in every cloud, and its chart brings the kinds of objects.
        "gateway_api_config": gcp.container.ClusterGatewayApiConfigArgs(channel="CHANNEL_DISABLED"),
    }


def endpoint_arguments(settings: ClusterSettings) -> dict[str, Any]:
    """How nodes and the control plane are reached: neither has a public address.

    By its name the control plane is reached at Google's front end, which asks IAM before it lets anybody through; what
    Kubernetes alone knows, tokens of service accounts and certificates, is not taken there. Its private address is on
    only where it is needed. Sources: GKE, "About network isolation in GKE"; CIS GKE 5.6.4, 5.6.5; CKV_GCP_18, 20, 25.
    """
    by_address = bool(settings.authorized_networks) or not settings.dns_endpoint
    return {
        "private_cluster_config": gcp.container.ClusterPrivateClusterConfigArgs(
            # Its address is one of the subnetwork, by Private Service Connect.
            enable_private_nodes=True,
            enable_private_endpoint=True,
        ),
        # Without an address it would be sent never and missed for ever.
        "master_authorized_networks_config": gcp.container.ClusterMasterAuthorizedNetworksConfigArgs(
            cidr_blocks=[_authorized(each) for each in settings.authorized_networks],
            gcp_public_cidrs_access_enabled=False,
            private_endpoint_enforcement_enabled=True,
        )
        if by_address
        else None,
        "control_plane_endpoints_config": gcp.container.ClusterControlPlaneEndpointsConfigArgs(
            dns_endpoint_config=gcp.container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
                allow_external_traffic=settings.dns_endpoint,
                enable_k8s_tokens_via_dns=False,
                enable_k8s_certs_via_dns=False,
            ),
            ip_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(
                enabled=by_address
            ),
        ),
    }


def _authorized(network: AuthorizedNetwork) -> gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs:
    return gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(
        cidr_block=network.cidr, display_name=network.name or None
    )


def identity_arguments(names: Names, settings: ClusterSettings) -> dict[str, Any]:
    """Who is believed: Google's identities alone, and of the anonymous only who asks whether the cluster is well.

    Sources: CIS GKE 5.2.2, 5.8.1 to 5.8.3; GKE, "Harden your cluster's security" (anonymous access, role bindings to
    system:authenticated, which is everybody with an account of Google's).
    """
    return {
        "workload_identity_config": gcp.container.ClusterWorkloadIdentityConfigArgs(workload_pool=names.workload_pool),
        "enable_legacy_abac": False,
        "master_auth": gcp.container.ClusterMasterAuthArgs(
            client_certificate_config=gcp.container.ClusterMasterAuthClientCertificateConfigArgs(
                issue_client_certificate=False
            )
        ),
        "anonymous_authentication_config": gcp.container.ClusterAnonymousAuthenticationConfigArgs(mode="LIMITED"),
        "rbac_binding_config": gcp.container.ClusterRbacBindingConfigArgs(
            enable_insecure_binding_system_authenticated=False,
            enable_insecure_binding_system_unauthenticated=False,
        ),
        "authenticator_groups_config": gcp.container.ClusterAuthenticatorGroupsConfigArgs(
            security_group=settings.security_group
        )
        if settings.security_group
        else None,
    }


def protection_arguments(settings: ClusterSettings, secrets_key_id: pulumi.Input[str]) -> dict[str, Any]:
    """What is encrypted, what may run, and who looks at it.

    A key of Cloud KMS wraps what encrypts secrets. Since Kubernetes 1.35 GKE so encrypts all objects, and says
    ALL_OBJECTS_ENCRYPTION_ENABLED where ENCRYPTED was asked for, which the provider takes for the same (magic-modules,
    17206). The posture's own scan of images has ended: the registry does it. Sources: CIS GKE 5.3.1, 5.5.4, 5.5.5,
    5.10.4, 5.10.5; GKE API, DatabaseEncryption; GKE, "About the security posture dashboard".
    """
    enforced = "PROJECT_SINGLETON_POLICY_ENFORCE" if settings.binary_authorization else "DISABLED"
    return {
        "database_encryption": gcp.container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=secrets_key_id),
        "enable_shielded_nodes": True,
        "binary_authorization": gcp.container.ClusterBinaryAuthorizationArgs(evaluation_mode=enforced),
        "security_posture_config": gcp.container.ClusterSecurityPostureConfigArgs(
            mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
        ),
    }


def version_arguments(settings: ClusterSettings) -> dict[str, Any]:
    """Which version to begin with, and when GKE may upgrade it and the nodes."""
    start, end, recurrence = recurring_window(settings.maintenance)
    return {
        "release_channel": gcp.container.ClusterReleaseChannelArgs(channel=settings.release_channel),
        "min_master_version": settings.version,
        "maintenance_policy": gcp.container.ClusterMaintenancePolicyArgs(
            recurring_window=gcp.container.ClusterMaintenancePolicyRecurringWindowArgs(
                start_time=start, end_time=end, recurrence=recurrence
            )
        ),
    }


def recurring_window(settings: MaintenanceSettings) -> tuple[str, str, str]:
    """Beginning and end of the first window, and how it recurs (RFC 5545). GKE answers in UTC, so it is told so."""
    start = datetime.datetime.combine(FIRST_SATURDAY, datetime.time.fromisoformat(settings.start_time))
    end = start + datetime.timedelta(hours=settings.hours)
    return f"{start.isoformat()}Z", f"{end.isoformat()}Z", f"FREQ=WEEKLY;BYDAY={','.join(settings.days)}"


def observation_arguments(*, production: bool) -> dict[str, Any]:
    """Logs, metrics, what each namespace costs, and Managed Service for Prometheus for what teams want measured."""
    metrics: Sequence[str] = (*SYSTEM_METRICS, *(CONTROL_PLANE_METRICS if production else ()))
    return {
        "logging_config": gcp.container.ClusterLoggingConfigArgs(enable_components=list(LOGS)),
        "monitoring_config": gcp.container.ClusterMonitoringConfigArgs(
            enable_components=list(metrics),
            managed_prometheus=gcp.container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=True),
        ),
        "cost_management_config": gcp.container.ClusterCostManagementConfigArgs(enabled=True),
    }


def scaling_arguments() -> dict[str, Any]:
    """How nodes come and go: only in the pools of the settings, and given back as soon as they are not needed."""
    return {
        "cluster_autoscaling": gcp.container.ClusterClusterAutoscalingArgs(
            enabled=False, autoscaling_profile="OPTIMIZE_UTILIZATION"
        ),
        "vertical_pod_autoscaling": gcp.container.ClusterVerticalPodAutoscalingArgs(enabled=True),
        "node_pool_defaults": gcp.container.ClusterNodePoolDefaultsArgs(
            node_config_defaults=gcp.container.ClusterNodePoolDefaultsNodeConfigDefaultsArgs(
                # It tells everybody on the network what a node runs. CIS GKE 3.2.4.
                insecure_kubelet_readonly_port_enabled="FALSE",
                logging_variant="DEFAULT",
            )
        ),
        "addons_config": gcp.container.ClusterAddonsConfigArgs(
            dns_cache_config=gcp.container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
            gce_persistent_disk_csi_driver_config=gcp.container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
                enabled=True
            ),
            gcs_fuse_csi_driver_config=gcp.container.ClusterAddonsConfigGcsFuseCsiDriverConfigArgs(enabled=True),
            horizontal_pod_autoscaling=gcp.container.ClusterAddonsConfigHorizontalPodAutoscalingArgs(disabled=False),
            # Internal load balancers need it, too.
            http_load_balancing=gcp.container.ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
        ),
    }
