"""A cluster with a pool of H100 written in it.

Caught by: cost-gpu-models-allowed
"""

import pulumi
import pulumi_gcp as gcp

PROJECT = "example-training"
NODES = f"training-nodes@{PROJECT}.iam.gserviceaccount.com"

network = gcp.compute.Network("training", auto_create_subnetworks=False)
subnetwork = gcp.compute.Subnetwork(
    "training",
    network=network.id,
    region="europe-west4",
    ip_cidr_range="10.0.0.0/20",
    private_ip_google_access=True,
    log_config=gcp.compute.SubnetworkLogConfigArgs(flow_sampling=0.1, metadata="INCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "control-plane",
    network=network.id,
    description="Lets the control plane reach webhooks.",
    direction="INGRESS",
    source_ranges=["172.16.0.0/28"],
    allows=[gcp.compute.FirewallAllowArgs(protocol="tcp", ports=["8443", "10250"])],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "deny-out",
    network=network.id,
    description="Nothing else goes out.",
    direction="EGRESS",
    priority=65534,
    destination_ranges=["0.0.0.0/0"],
    denies=[gcp.compute.FirewallDenyArgs(protocol="all")],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
)
gcp.compute.Firewall(
    "web-out",
    network=network.id,
    description="HTTPS goes out.",
    direction="EGRESS",
    destination_ranges=["0.0.0.0/0"],
    allows=[gcp.compute.FirewallAllowArgs(protocol="tcp", ports=["443"])],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="EXCLUDE_ALL_METADATA"),
)
router = gcp.compute.Router("training", network=network.id, region="europe-west4")
gcp.compute.RouterNat(
    "training",
    router=router.name,
    region="europe-west4",
    nat_ip_allocate_option="AUTO_ONLY",
    source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
    log_config=gcp.compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
)

ring = gcp.kms.KeyRing("training", location="europe-west4")
key = gcp.kms.CryptoKey(
    "training", key_ring=ring.id, rotation_period="7776000s", opts=pulumi.ResourceOptions(protect=True)
)

gcp.serviceaccount.Account("nodes", project=PROJECT, account_id="training-nodes")
gcp.projects.IAMMember(
    "nodes",
    project=PROJECT,
    role="roles/container.defaultNodeServiceAccount",
    member=f"serviceAccount:{NODES}",
)

cluster = gcp.container.Cluster(
    "training",
    location="europe-west4-b",
    network=network.id,
    subnetwork=subnetwork.id,
    node_pools=[
        {
            "name": "training",
            "autoscaling": {"total_min_node_count": 0, "total_max_node_count": 1},
            "node_config": {
                "machine_type": "a3-highgpu-8g",
                "spot": True,
                "service_account": NODES,
                "boot_disk_kms_key": key.id,
                "shielded_instance_config": {"enable_secure_boot": True},
            },
        }
    ],
    resource_labels={"owner": "ml-platform", "expires_at": "2099-12-31"},
    deletion_protection=True,
    datapath_provider="ADVANCED_DATAPATH",
    enable_intranode_visibility=True,
    enable_shielded_nodes=True,
    private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(
        enable_private_nodes=True, enable_private_endpoint=True, master_ipv4_cidr_block="172.16.0.0/28"
    ),
    master_authorized_networks_config=gcp.container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(
                cidr_block="10.0.0.0/8", display_name="internal"
            )
        ]
    ),
    database_encryption=gcp.container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key.id),
    workload_identity_config=gcp.container.ClusterWorkloadIdentityConfigArgs(workload_pool=f"{PROJECT}.svc.id.goog"),
    binary_authorization=gcp.container.ClusterBinaryAuthorizationArgs(
        evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"
    ),
    release_channel=gcp.container.ClusterReleaseChannelArgs(channel="REGULAR"),
    master_auth=gcp.container.ClusterMasterAuthArgs(
        client_certificate_config=gcp.container.ClusterMasterAuthClientCertificateConfigArgs(
            issue_client_certificate=False
        )
    ),
    logging_config=gcp.container.ClusterLoggingConfigArgs(
        enable_components=["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER"]
    ),
    monitoring_config=gcp.container.ClusterMonitoringConfigArgs(enable_components=["SYSTEM_COMPONENTS", "DCGM"]),
    security_posture_config=gcp.container.ClusterSecurityPostureConfigArgs(mode="BASIC"),
)

gcp.billing.Budget(
    "training",
    billing_account="000000-000000-000000",
    amount={"specified_amount": {"currency_code": "USD", "units": "20000"}},
    threshold_rules=[{"threshold_percent": 1.0, "spend_basis": "FORECASTED_SPEND"}],
)
