"""Results of experiments that anyone with any Google account can read.

Caught by: gcp-no-public-members
"""

import pulumi_gcp as gcp

gcp.bigquery.Dataset(
    "experiments",
    dataset_id="experiments",
    location="EU",
    default_encryption_configuration={
        "kms_key_name": "projects/example-keys/locations/eu/keyRings/training/cryptoKeys/data"
    },
    accesses=[
        {"role": "OWNER", "special_group": "projectOwners"},
        {"role": "READER", "special_group": "allAuthenticatedUsers"},
    ],
)
