"""A key that stays the same for ever.

Caught by: gcp-key-rotation
"""

import pulumi
import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("training", location="europe-west4")
gcp.kms.CryptoKey(
    "data",
    key_ring=ring.id,
    opts=pulumi.ResourceOptions(protect=True),
)
