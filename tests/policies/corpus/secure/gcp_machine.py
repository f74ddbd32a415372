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
gcp.compute.ProjectMetadata("login", metadata={"enable-oslogin": "TRUE"})
gcp.serviceaccount.Account("build", account_id="build")

gcp.compute.Instance(
    "build",
    zone="europe-west4-a",
    machine_type="e2-standard-8",
    boot_disk=gcp.compute.InstanceBootDiskArgs(
        initialize_params=gcp.compute.InstanceBootDiskInitializeParamsArgs(image="debian-cloud/debian-12")
    ),
    network_interfaces=[gcp.compute.InstanceNetworkInterfaceArgs(subnetwork=subnetwork.id)],
    service_account=gcp.compute.InstanceServiceAccountArgs(
        email="build@example-build.iam.gserviceaccount.com", scopes=["cloud-platform"]
    ),
    shielded_instance_config=gcp.compute.InstanceShieldedInstanceConfigArgs(enable_secure_boot=True),
)
gcp.compute.InstanceTemplate(
    "runner",
    machine_type="e2-standard-4",
    disks=[gcp.compute.InstanceTemplateDiskArgs(source_image="debian-cloud/debian-12", boot=True)],
    network_interfaces=[gcp.compute.InstanceTemplateNetworkInterfaceArgs(subnetwork=subnetwork.id)],
    metadata={"block-project-ssh-keys": "TRUE", "serial-port-enable": "FALSE"},
    shielded_instance_config=gcp.compute.InstanceTemplateShieldedInstanceConfigArgs(
        enable_secure_boot=True, enable_vtpm=True, enable_integrity_monitoring=True
    ),
)
