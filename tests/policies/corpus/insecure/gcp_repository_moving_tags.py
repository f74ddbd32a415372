"""A registry in which a reviewed tag can be another image tomorrow.

Caught by: gcp-repository-immutable-tags
"""

import pulumi_gcp as gcp

KEY = "projects/example-keys/locations/europe-west4/keyRings/training/cryptoKeys/services"

gcp.artifactregistry.Repository(
    "images",
    location="europe-west4",
    repository_id="images",
    format="DOCKER",
    kms_key_name=KEY,
)
