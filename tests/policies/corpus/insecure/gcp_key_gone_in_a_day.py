"""A key whose destruction nobody notices in time.

Caught by: gcp-key-destruction-delay
"""

import pulumi
import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("training", location="europe-west4")
gcp.kms.CryptoKey(
    "data",
    key_ring=ring.id,
    rotation_period="7776000s",
    destroy_scheduled_duration="86400s",
    opts=pulumi.ResourceOptions(protect=True),
)
