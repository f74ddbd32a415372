"""An Autopilot cluster, which sets most protections by itself, entered by its DNS endpoint alone."""

import pulumi
import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("serving", location="europe-west4")
key = gcp.kms.CryptoKey(
    "secrets", key_ring=ring.id, rotation_period="2592000s", opts=pulumi.ResourceOptions(protect=True)
)
gcp.serviceaccount.Account("nodes", account_id="serving-nodes")

gcp.container.Cluster(
    "serving",
    location="europe-west4",
    enable_autopilot=True,
    network="projects/example-net/global/networks/shared",
    subnetwork="projects/example-net/regions/europe-west4/subnetworks/serving",
    private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(enable_private_nodes=True),
    control_plane_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigArgs(
        dns_endpoint_config=gcp.container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
            allow_external_traffic=True
        ),
        ip_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=False),
    ),
    cluster_autoscaling=gcp.container.ClusterClusterAutoscalingArgs(
        auto_provisioning_defaults=gcp.container.ClusterClusterAutoscalingAutoProvisioningDefaultsArgs(
            service_account="serving-nodes@example-serving.iam.gserviceaccount.com"
        )
    ),
    database_encryption=gcp.container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key.id),
    binary_authorization=gcp.container.ClusterBinaryAuthorizationArgs(
        evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"
    ),
)
