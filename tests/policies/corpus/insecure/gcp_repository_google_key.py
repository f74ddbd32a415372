"""A registry under a key that nobody but Google can withdraw.

Caught by: gcp-repository-customer-managed-key
"""

import pulumi_gcp as gcp

gcp.artifactregistry.Repository(
    "images",
    location="europe-west4",
    repository_id="images",
    format="DOCKER",
    docker_config={"immutable_tags": True},
)
