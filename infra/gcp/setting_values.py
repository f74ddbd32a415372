"""The values that settings of Google Cloud are made of, and what is valid of each."""

from typing import Annotated

from infra.setting_types import pattern

REGIONS = (
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
    "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "asia-southeast3", "australia-southeast1",
    "australia-southeast2", "europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1",
    "europe-west10", "europe-west12", "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8",
    "europe-west9", "me-central1", "me-central2", "me-west1", "northamerica-northeast1", "northamerica-northeast2",
    "northamerica-south1", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4",
    "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
)  # fmt: skip
"""The regions of Compute Engine. Source: Compute Engine, "Available regions and zones"."""

PROJECT_ID = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
"""Source: Resource Manager, "Creating and managing projects"."""

ProjectNumber = Annotated[str, pattern(r"[1-9]\d{5,18}", "a project's number, digits in quotes")]
Member = Annotated[
    str,
    pattern(
        r"(user|group|serviceAccount):[^@\s]+@[^@\s]+\.[^@\s]+",
        "somebody as IAM names them: user:, group: or serviceAccount: and an e-mail address",
    ),
]
BillingAccount = Annotated[
    str, pattern(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", "a billing account, 012345-6789AB-CDEF01")
]
KeyId = Annotated[
    str,
    pattern(
        r"projects/[a-z0-9-]+/locations/[a-z0-9-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+",
        "a key, projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY",
    ),
]
