"""Machines that people enter by Identity-Aware Proxy and OS Login only."""

import pulumi_gcp as gcp

network = gcp.compute.Network("build", auto_create_subnetworks=False)
subnetwork = gcp.compute.Subnetwork(
    "build",
    network=network.id,
    region="europe-west4",
    ip_cidr_range="10.8.0.0/24",
    private_ip_google_access=True,
    log_config=gcp.compute.SubnetworkLogConfigArgs(flow_sampling=0.5),
)
gcp.compute.Firewall(
    "identity-aware-proxy",
    network=network.id,
    description="Lets Identity-Aware Proxy reach SSH.",
    source_ranges=["35.235.240.0/20"],
    allows=[gcp.compute.FirewallAllowArgs(protocol="tcp", ports=["22"])],
    log_config=gcp.compute.FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
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
gcp.compute.ProjectMetadata("login", metadata={"enable-oslogin": "TRUE"})
gcp.serviceaccount.Account("build", account_id="build")
ring = gcp.kms.KeyRing("build", location="europe-west4")
key = gcp.kms.CryptoKey("build", key_ring=ring.id, rotation_period="7776000s", deletion_policy="PREVENT")

gcp.compute.Instance(
    "build",
    zone="europe-west4-a",
    machine_type="e2-standard-8",
    boot_disk=gcp.compute.InstanceBootDiskArgs(
        initialize_params=gcp.compute.InstanceBootDiskInitializeParamsArgs(image="debian-cloud/debian-12"),
        kms_key_self_link=key.id,
    ),
    network_interfaces=[gcp.compute.InstanceNetworkInterfaceArgs(subnetwork=subnetwork.id)],
    service_account=gcp.compute.InstanceServiceAccountArgs(
        email="build@example-build.iam.gserviceaccount.com", scopes=["cloud-platform"]
    ),
    shielded_instance_config=gcp.compute.InstanceShieldedInstanceConfigArgs(enable_secure_boot=True),
)
runner = gcp.compute.InstanceTemplate(
    "runner",
    machine_type="e2-standard-4",
    disks=[
        gcp.compute.InstanceTemplateDiskArgs(
            source_image="debian-cloud/debian-12",
            boot=True,
            disk_encryption_key=gcp.compute.InstanceTemplateDiskDiskEncryptionKeyArgs(kms_key_self_link=key.id),
        )
    ],
    network_interfaces=[gcp.compute.InstanceTemplateNetworkInterfaceArgs(subnetwork=subnetwork.id)],
    metadata={"block-project-ssh-keys": "TRUE", "serial-port-enable": "FALSE"},
    shielded_instance_config=gcp.compute.InstanceTemplateShieldedInstanceConfigArgs(
        enable_secure_boot=True, enable_vtpm=True, enable_integrity_monitoring=True
    ),
)
gcp.compute.InstanceGroupManager(
    "runners",
    zone="europe-west4-a",
    base_instance_name="runner",
    target_size=2,
    versions=[gcp.compute.InstanceGroupManagerVersionArgs(instance_template=runner.id)],
)
gcp.compute.InstanceFromTemplate("spare", zone="europe-west4-a", source_instance_template=runner.id)
