"""A key that is rotated once a year.

Caught by: gcp-key-rotation
"""

import pulumi
import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("training", location="europe-west4")
gcp.kms.CryptoKey(
    "data",
    key_ring=ring.id,
    rotation_period="31536000s",
    opts=pulumi.ResourceOptions(protect=True),
)
