"""Nodes whose disks nobody but Google can lock.

Caught by: gcp-nodes-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.container.NodePool(
    "prepare",
    cluster="projects/example-training/locations/europe-west4/clusters/training",
    location="europe-west4",
    autoscaling={"min_node_count": 0, "max_node_count": 1},
    node_config={
        "machine_type": "e2-standard-4",
        "service_account": "nodes@example-training.iam.gserviceaccount.com",
        "shielded_instance_config": {"enable_secure_boot": True},
    },
)
