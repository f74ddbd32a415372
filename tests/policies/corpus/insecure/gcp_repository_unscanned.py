"""A registry whose images nobody looks into.

Caught by: gcp-repository-scanned
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/services"

gcp.artifactregistry.Repository(
    "images",
    location="europe-west4",
    repository_id="images",
    format="DOCKER",
    kms_key_name=KEY,
    docker_config={"immutable_tags": True},
    vulnerability_scanning_config={"enablement_config": "DISABLED"},
)
