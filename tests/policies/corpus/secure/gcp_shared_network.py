"""Firewalls of a network that another project shares, by tags and by ranges, and grants that Google itself needs."""

import pulumi
import pulumi_gcp as gcp

elsewhere = pulumi.ResourceOptions(provider=gcp.Provider("host", project="example-host", region="europe-west4"))
NETWORK = "projects/example-host/global/networks/shared"
LOGS = {"metadata": "EXCLUDE_ALL_METADATA"}

gcp.compute.Firewall(
    "between-workers",
    network=NETWORK,
    description="Workers of one run reach each other.",
    source_tags=["worker"],
    target_tags=["worker"],
    allows=[{"protocol": "all"}],
    log_config=LOGS,
    opts=elsewhere,
)
gcp.compute.Firewall(
    "health-checks",
    network=NETWORK,
    description="Load balancers ask whether servers are well.",
    source_ranges=["130.211.0.0/22", "35.191.0.0/16"],
    allows=[{"protocol": "tcp"}],
    log_config=LOGS,
    opts=elsewhere,
)
gcp.compute.Firewall(
    "nothing-else",
    network=NETWORK,
    description="Whatever no other rule lets in.",
    priority=65000,
    source_ranges=["0.0.0.0/0"],
    denies=[{"protocol": "all"}],
    log_config=LOGS,
    opts=elsewhere,
)
gcp.projects.IAMBinding(
    "agent-of-the-apis",
    project="example-training",
    role="roles/editor",
    members=["serviceAccount:123456789012@cloudservices.gserviceaccount.com"],
)
gcp.bigquery.Dataset(
    "experiments",
    dataset_id="experiments",
    location="EU",
    accesses=[
        {"role": "OWNER", "special_group": "projectOwners"},
        {"role": "READER", "group_by_email": "research@example.com"},
    ],
)
