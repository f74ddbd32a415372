"""A key that goes with its stack, and all data with it.

Caught by: gcp-key-protected
"""

import pulumi_gcp as gcp

ring = gcp.kms.KeyRing("training", location="europe-west4")
gcp.kms.CryptoKey(
    "data",
    key_ring=ring.id,
    rotation_period="7776000s",
)
